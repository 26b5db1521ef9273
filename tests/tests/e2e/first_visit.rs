//! What a visitor meets first: something that moves, lessons, the page in a frame of another site, ways back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    browser::{self, Browser, Gpu, Screen},
    pace::GATE,
    page::Page,
    site::{SMALL, Site},
};

/// Has pages move, as on a machine whose owner asked for nothing else.
pub async fn let_move(browser: &Browser) -> Result<()> {
    let motion = json!({ "name": "prefers-reduced-motion", "value": "no-preference" });
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [motion] })).await.map(drop)
}

#[tokio::test]
async fn a_recorded_run_plays_before_the_engine_has_come_and_live_chains_take_over() -> Result<()> {
    let site = Site::new()?;
    // The engine of a network that is as slow as this test.
    site.before_engine(GATE)?;
    browser::alone_with(Gpu::None, Screen::Phone, async |browser| {
        let_move(browser).await?;
        // Opened in a tab that nobody looks at yet.
        let hidden = "Object.defineProperty(Document.prototype, 'hidden', { get: () => !window.seen })";
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": hidden })).await?;
        let page = Page::open(browser, &site.url("")).await?;
        page.wait_for_data("room", "sample", 10).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        ensure!(page.data("recorded").await?.is_empty(), "the recorded run plays to nobody");
        page.script("window.seen = true; document.dispatchEvent(new Event('visibilitychange'))", vec![]).await?;
        page.wait_for_data("recorded", "playing", 2).await?;
        ensure!(page.data("state").await? == "loading", "the engine is there already");
        let first = "return document.getElementById('grid').getBoundingClientRect().top";
        let top = page.script(first, vec![]).await?.as_f64().unwrap_or(f64::MAX);
        ensure!(top < 500.0, "the first picture is {top} pixels from the top");
        let told = "const place = (id) => document.getElementById(id).getBoundingClientRect();
            return place('recorded').bottom <= place('grid').top && place('recorded').top > 0";
        ensure!(page.script(told, vec![]).await? == true, "it is not above the pictures that they are recorded");
        ensure!(page.text("recorded").await?.contains("Recorded example"), "nothing says that it is a recording");
        // Who leaves chains that started by themselves is not asked.
        let note = format!(
            "const asks = () => {{ {ASKS} }};
            new MutationObserver((_, observer) => {{
                if (document.body.dataset.state !== 'running') return;
                observer.disconnect();
                window.asked = asks();
            }}).observe(document.body, {{ attributes: true }})"
        );
        page.script(&note, vec![]).await?;
        page.open_gate().await?;
        page.wait_for_data("recorded", "done", 10).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.script("return window.asked", vec![]).await? == false, "who leaves live chains is asked");
        ensure!(!page.element("recorded").await?.is_displayed().await?, "the live run is called a recording");
        ensure!(browser.client.current_url().await?.as_str().contains("seed="), "the address has no seed");
        Ok(())
    })
    .await
}

/// Fails unless the recorded run is at its end and nothing starts after it.
async fn ensure_recorded(page: &Page<'_>) -> Result<()> {
    page.wait_for("ready", 60).await?;
    page.wait_for_data("recorded", "done", 10).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure!(page.data("state").await? == "ready", "it started by itself");
    let step = page.text("step").await?;
    let at_end = step.split_once(" of ").is_some_and(|(done, steps)| done == steps && done != "0");
    ensure!(at_end, "the recorded run is not at its end: {step}");
    Ok(())
}

/// Fails unless the address and the code to embed are this link, too.
async fn ensure_one_link(browser: &Browser, page: &Page<'_>, link: &str) -> Result<()> {
    let (address, code) = (browser.client.current_url().await?, page.copied("copy-embed").await?);
    ensure!(address.as_str() == link, "the link is {link}, the address {address}");
    ensure!(
        code.contains(&format!("{}&amp;embed=1", link.replace('&', "&amp;"))),
        "the link is {link}, the code {code}"
    );
    Ok(())
}

#[tokio::test]
async fn live_chains_leave_a_small_window_where_it_is() -> Result<()> {
    let site = Site::new()?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let_move(browser).await?;
        // As a phone's that is shown at four times its size.
        let size = json!({ "width": 320, "height": 450, "deviceScaleFactor": 1, "mobile": true });
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let page = Page::open(browser, &site.url("")).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.script("return scrollY", vec![]).await? == 0, "chains that nobody asked for move the page");
        // Who asks for some is taken to them.
        page.script("document.getElementById('start').click()", vec![]).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.script("return scrollY", vec![]).await? != 0, "the chains are out of sight");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn nothing_starts_by_itself_where_nothing_is_to_move_or_a_link_asks_for_a_run() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("")).await?;
        ensure_recorded(&page).await.context("a visit")?;
        // Its address has a seed by now, which nobody asked for. It is the recorded run's, and the form has another one.
        let seed = "return document.getElementById('seed').value";
        let of_form = page.script(seed, vec![]).await?;
        browser.client.refresh().await?;
        ensure_recorded(&page).await.context("the same visit")?;
        ensure!(page.script(seed, vec![]).await? == of_form, "the form has lost its seed");
        // The address and what is copied say one thing: the run on the screen.
        let link = page.copied("copy-link").await?;
        ensure!(!link.contains(&format!("seed={}&", of_form.as_str().unwrap_or_default())), "{link}");
        ensure_one_link(browser, &page, &link).await?;
        // What is typed is wanted.
        page.script("document.getElementById('more').open = true", vec![]).await?;
        page.fill("seed", "42").await?;
        page.fill("count", "4").await?;
        let typed = page.copied("copy-link").await?;
        ensure!(typed.contains("seed=42&count=4&"), "{typed}");
        ensure_one_link(browser, &page, &typed).await?;
        // A link to the recorded run leads to it, and one to another run does not.
        let_move(browser).await?;
        ensure_recorded(&Page::open(browser, &link).await?).await.context("a link")?;
        let page = Page::open(browser, &site.url("?seed=5&count=2")).await?;
        page.wait_for("ready", 60).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        ensure!(page.data("state").await? == "ready", "a link started by itself");
        ensure!(page.text("step").await? == "–", "a link to a run is answered by another one");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_page_in_a_frame_loads_nothing_large_before_start() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        // Nor where the link asks for a run at once.
        let page = Page::open(browser, &site.url("?count=2&amp;steps=3&amp;embed=1&amp;autorun=1")).await?;
        page.wait_for("poster", 20).await?;
        page.wait_for_data("recorded", "done", 10).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let loaded = "return performance.getEntriesByType('resource').map(({ name }) => name)
            .filter((name) => name.includes('engine') || name.endsWith('.safetensors') || name.includes('offline'))";
        ensure!(page.script(loaded, vec![]).await? == json!([]), "{}", page.script(loaded, vec![]).await?);
        let workers = "return navigator.serviceWorker.getRegistrations().then((all) => all.length)";
        ensure!(page.script(workers, vec![]).await? == 0, "a service worker is registered");
        ensure!(!page.element("controls").await?.is_displayed().await?, "the settings take the place");
        ensure!(page.element("recorded").await?.is_displayed().await?, "nothing says that it is a recording");
        page.look("embedded").await?;
        let seed = "return document.getElementById('seed').value";
        let before = page.script(seed, vec![]).await?;
        page.click("new").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.script(seed, vec![]).await? != before, "a new run has the seed of the link");
        Ok(())
    })
    .await
}

/// Whether the page has the browser ask before it is left.
const ASKS: &str = "const left = new Event('beforeunload', { cancelable: true });
    return !window.dispatchEvent(left)";

#[tokio::test]
async fn a_small_frame_hides_nothing_behind_its_buttons_and_never_asks_before_it_is_left() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        for task in ["inpaint", "denoise"] {
            let query = format!("?task={task}&count=2&steps=100000&backend=cpu&embed=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("poster", 20).await?;
            page.click("start").await?;
            page.wait_for_step(1).await?;
            let hidden = "scrollTo(0, document.documentElement.scrollHeight);
                const bottom = (element) => element.getBoundingClientRect().bottom;
                const bar = document.querySelector('.headline .buttons').getBoundingClientRect().top;
                return Math.max(...[...document.querySelectorAll('#run *')].map(bottom)) - bar";
            let hidden = page.script(hidden, vec![]).await?;
            ensure!(hidden.as_f64().is_some_and(|pixels| pixels <= 0.0), "{task}: {hidden} pixels are hidden");
            ensure!(page.script(ASKS, vec![]).await? == false, "{task}: who leaves the site is asked");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_browser_asks_before_what_is_the_visitors_own_is_lost() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        page.click("mask-top").await?;
        ensure!(page.script(ASKS, vec![]).await? == false, "a link has that");
        page.click("invert").await?;
        ensure!(page.script(ASKS, vec![]).await? == true, "a painted mask");
        page.click("undo").await?;
        ensure!(page.script(ASKS, vec![]).await? == false, "it is undone");
        page.script("document.getElementById('draw').open = true", vec![]).await?;
        page.press("drawing", ' ').await?;
        ensure!(page.script(ASKS, vec![]).await? == true, "a drawing");
        page.click("drawing-clear").await?;
        ensure!(page.script(ASKS, vec![]).await? == false, "it is wiped out");
        let [manifest, weights] = ["model.json", "model.safetensors"].map(|file| format!("models/{SMALL}/{file}"));
        page.drop_files(&[("model.json", &manifest), ("model.safetensors", &weights)]).await?;
        page.wait_for_data("model", "yours", 60).await?;
        ensure!(page.script(ASKS, vec![]).await? == true, "a model");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn lessons_notice_what_is_done() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let page = Page::open(browser, &site.url("?lesson=1&count=2&steps=3")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.text("lesson-title").await? == "Noise becomes a picture");
        page.look("lesson-phone").await?;
        page.click("start").await?;
        page.wait_for_data("lesson", "done", 60).await?;
        ensure!(page.text("lesson-done").await?.contains("These are new"));
        // It stays done after a look at another room.
        page.go_to("about").await?;
        browser.client.back().await?;
        page.wait_for_data("room", "sample", 5).await?;
        ensure!(page.data("lesson").await? == "done" && page.text("lesson-done").await?.contains("These are new"));
        page.click("lesson-next").await?;
        page.wait_for_data("lesson", "", 5).await?;
        page.script("document.querySelector('#grid button').click()", vec![]).await?;
        page.wait_for_data("lesson", "done", 5).await?;
        page.click("chain-close").await?;
        for (number, room) in (3..=8).zip(["landscape", "denoise", "inpaint", "outliers", "landscape", "sample"]) {
            page.click("lesson-next").await?;
            page.wait_for_data("room", room, 5).await?;
            let address = browser.client.current_url().await?;
            ensure!(address.as_str().contains(&format!("lesson={number}")), "{address}");
            let choose = |picture: usize| format!("document.querySelectorAll('#pictures input')[{picture}].click()");
            if number == 5 {
                page.script(&choose(1), vec![]).await?;
            }
            if number == 6 {
                page.wait_for_data("judged", "done", 30).await?;
                ensure!(page.data("lesson").await? != "done", "that picture was chosen in another room");
                page.script(&choose(2), vec![]).await?;
                page.wait_for_data("lesson", "done", 30).await?;
            }
            if number == 4 {
                // What is done in another room is not what it asks for.
                page.go_to("sample").await?;
                page.script("document.body.dataset.step = ''", vec![]).await?;
                page.click("start").await?;
                page.wait_for_data("step", "3", 20).await?;
                page.wait_for("done", 20).await?;
                ensure!(page.data("lesson").await? != "done", "a run in Sample is no run in Denoise");
            }
        }
        ensure!(!page.element("lesson-next").await?.is_enabled().await?, "there is another lesson");
        page.script("document.querySelector('#grid button').click()", vec![]).await?;
        browser.client.back().await?;
        page.wait_for_data("room", "landscape", 5).await?;
        let open = page.script("return document.querySelector('dialog[open]') !== null", vec![]).await?;
        ensure!(open == false, "a chain of another room is open");
        ensure!(page.text("lesson-number").await? == "Lesson 7 of 8");
        page.click("lesson-end").await?;
        ensure!(!page.element("lesson").await?.is_displayed().await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn back_leads_to_the_room_before_and_a_mistake_elsewhere_is_no_obstacle() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=1&count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        page.go_to("denoise").await?;
        page.fill("level", "much").await?;
        page.click("start").await?;
        page.wait_for_notice(&["The noise level cannot be used"]).await?;
        page.script("document.querySelector('#notice button').click()", vec![]).await?;
        ensure!(page.notices().await?.is_empty(), "the message stays");
        browser.client.back().await?;
        page.wait_for_data("room", "sample", 5).await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        browser.client.forward().await?;
        page.wait_for_data("room", "denoise", 5).await?;
        // A lesson has its own room, unless the address says another.
        let page = Page::open(browser, &site.url("?lesson=6&backend=cpu")).await?;
        page.wait_for_data("room", "outliers", 20).await?;
        page.go_to("about").await?;
        browser.client.back().await?;
        page.wait_for_data("room", "outliers", 5).await?;
        ensure!(page.text("lesson-number").await? == "Lesson 6 of 8", "{}", page.text("lesson-number").await?);
        let page = Page::open(browser, &site.url("?task=about&lesson=3&backend=cpu")).await?;
        page.wait_for_data("room", "about", 20).await?;

        // What a link asks for is still there after the page is loaded again in a room that shows nothing of it.
        let link = "?task=denoise&level=1&picture=1&seed=7&count=4&backend=cpu";
        let page = Page::open(browser, &site.url(link)).await?;
        page.wait_for("ready", 60).await?;
        page.go_to("about").await?;
        browser.client.refresh().await?;
        page.wait_for("ready", 60).await?;
        browser.client.back().await?;
        page.wait_for_data("room", "denoise", 5).await?;
        page.wait_for("ready", 60).await?;
        let settings =
            "const picture = [...document.querySelectorAll('#pictures input')].findIndex((radio) => radio.checked);
            return [...['seed', 'count', 'level'].map((id) => document.getElementById(id).value), picture]";
        let settings = page.script(settings, vec![]).await?;
        ensure!(settings == json!(["7", "4", "1", 1]), "{settings}");
        Ok(())
    })
    .await
}
