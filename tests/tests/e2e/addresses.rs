//! What the address asks for is done, or reported.

use std::{collections::HashMap, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::{SMALL, Site},
};
use url::Url;
use xtask::paths;

#[tokio::test]
async fn bad_values_are_reported_and_ignored() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let (query, long) = (
            "?backend=cpu&count=0&seed=x&steps=1e3&sampler=magic&task=dream&colour=%3Cb%3Ered&autorun=yes",
            "y".repeat(1000),
        );
        let page = Page::open(browser, &site.url(&format!("{query}&model=nobody{long}&lang=xx{long}"))).await?;
        page.wait_for("ready", 60).await?;
        let notices = page.notices().await?;
        for bad in [
            "count=0",
            "seed=x",
            "steps=1e3",
            "sampler=magic",
            "task=dream",
            "colour=<b>red",
            "autorun=yes",
            "nobody",
            "lang=xx",
        ] {
            ensure!(notices.iter().any(|notice| notice.contains(bad)), "no word of {bad}: {notices:?}");
        }
        ensure!(notices.len() == 9, "{notices:?}");
        ensure!(notices.iter().all(|notice| notice.len() < 200), "a notice is short whatever the address: {notices:?}");
        ensure!(page.data("model").await? == SMALL && page.data("backend").await? == "cpu");
        let count = page.script("return document.getElementById('count').value", vec![]).await?;
        ensure!(count == "16", "the default stands in for what was ignored: {count}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_form_reports_bad_values_and_the_address_repeats_a_run() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?backend=cpu&steps=5")).await?;
        page.wait_for("ready", 60).await?;
        for (field, bad, good) in [("count", "1000", "2"), ("seed", "minus one", "11")] {
            page.fill(field, bad).await?;
            page.click("start").await?;
            let notices = page.notices().await?;
            ensure!(notices.len() == 1 && notices[0].contains("whole number"), "{notices:?}");
            ensure!(page.data("state").await? == "ready" && page.focused().await? == field);
            page.fill(field, good).await?;
        }
        // Of several mistakes the first one is told and has the focus; none is copied, and what is mended is told no more.
        page.fill("seed", "abc").await?;
        page.fill("count", "0").await?;
        for button in ["start", "copy-link", "copy-embed"] {
            page.click(button).await?;
            let (notices, focused) = (page.notices().await?, page.focused().await?);
            let first = notices.len() == 1 && notices[0].contains("number of pictures") && focused == "count";
            ensure!(first && !page.text("status").await?.contains("copied"), "{button}: {notices:?}, #{focused}");
        }
        page.fill("count", "2").await?;
        page.fill("seed", "11").await?;
        page.script("document.activeElement.blur()", vec![]).await?;
        ensure!(page.notices().await?.is_empty(), "what is mended is still told: {:?}", page.notices().await?);
        // Enter in a field starts the run, too.
        page.element("seed").await?.send_keys("\u{e007}").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.notices().await?.is_empty());
        let first = page.save_json().await?;
        ensure!(first["settings"]["seed"] == 11 && first["settings"]["count"] == 2);

        // The address waits for Start and shows no other run before; what is copied shows this one.
        let address = browser.client.current_url().await?;
        let again = Page::open(browser, address.as_str()).await?;
        again.wait_for("ready", 60).await?;
        again.wait_for_words("status", "Press Start to see the run of this link", 5).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        ensure!(again.data("recorded").await?.is_empty(), "the recorded run is shown for another one");
        again.click("start").await?;
        again.wait_for("done", 60).await?;
        ensure!(again.save_json().await? == first, "{address} gives another run");
        let link = again.copied("copy-link").await?;
        let again = Page::open(browser, &link).await?;
        again.wait_for("done", 60).await?;
        ensure!(again.save_json().await? == first, "{link} gives another run");
        again.go_to("denoise").await?;
        again.fill("count", "0").await?;
        again.click("start").await?;
        again.wait_for_notice(&["The number of chains"]).await
    })
    .await
}

#[tokio::test]
async fn trackers_leave_no_trace_and_commas_are_points() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?seed=3&count=1&steps=2&backend=cpu&autorun=1&fbclid=IwAR0x&utm_source=mail&gclid=1&cuont=4";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 60).await?;
        let notices = page.notices().await?;
        ensure!(notices.len() == 1 && notices[0].contains("cuont=4"), "{notices:?}");
        let address = browser.client.current_url().await?;
        ensure!(page.save_json().await?["settings"]["seed"] == 3 && !address.as_str().contains("fbclid"), "{address}");
        page.fill("continue-level", "0,5").await?;
        page.click("continue").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await?["continued_from_level"] == 0.5);

        let page = Page::open(browser, &site.url("?task=denoise&level=0,8&count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
        page.fill("level", "0,4").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let level = page.save_json().await?["settings"]["level"].as_f64();
        ensure!(level.is_some_and(|level| (level - 0.4).abs() < 1e-6), "{level:?}");

        // What this model cannot do is not passed over.
        let page = Page::open(browser, &site.url("?task=inpaint&known=grey&backend=cpu")).await?;
        page.wait_for_notice(&["have no colours"]).await
    })
    .await
}

#[tokio::test]
async fn a_page_from_the_disk_says_where_it_must_come_from() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &format!("file://{}", site.path("index.html").display())).await?;
        page.wait_for_notice(&["web server", "cargo xtask demo"]).await?;
        let notices = page.notices().await?;
        ensure!(notices.len() == 1 && page.data("state").await? == "error", "{notices:?}");
        Ok(())
    })
    .await
}

/// What stands behind the page's address in the links that the guide for hosts calls worth opening.
fn worth_opening() -> Result<Vec<String>> {
    let guide = fs::read_to_string(paths::root().join("docs/hosting.md"))?;
    let (_, table) = guide.split_once("Links worth opening").context("docs/hosting.md: no links worth opening")?;
    let links = table.lines().filter_map(|line| Some(line.strip_prefix("| `?")?.split_once('`')?.0));
    Ok(links.map(|query| format!("?{query}")).collect())
}

#[tokio::test]
async fn links_worth_opening_lead_to_their_rooms() -> Result<()> {
    let site = Site::as_built()?;
    let links = worth_opening()?;
    ensure!(links.len() > 4, "{links:?}: does this test still read them?");
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for link in links {
            let asked: HashMap<String, String> = Url::parse(&site.url(&link))?.query_pairs().into_owned().collect();
            let asked = |name: &str| asked.get(name).map(String::as_str);
            // The first lesson is in the first room, too.
            let room = asked("task").unwrap_or("sample");
            let runs = asked("autorun").is_some() && ["sample", "inpaint", "denoise"].contains(&room);
            let states: &[&str] = if runs { &["running", "done"] } else { &["ready"] };
            let page = Page::open(browser, &site.url(&format!("{link}&backend=cpu"))).await?;
            let now = "const { state, room, model } = document.body.dataset;
                return { state, room, model, lang: document.documentElement.lang }";
            let there = |now: &Value| now["room"] == room && states.iter().any(|state| now["state"] == *state);
            let now = page.wait_for_value(now, there, 60).await.context(link.clone())?;
            for name in ["model", "lang"] {
                ensure!(asked(name).is_none_or(|asked| now[name] == asked), "{link}: {now}");
            }
            let lesson = page.element("lesson").await?.is_displayed().await?;
            ensure!(lesson == asked("lesson").is_some(), "{link}: whether there is a lesson: {lesson}");
            // Notes there may be: of a GPU that is not there, say.
            let errors = "return [...document.querySelectorAll('#notice .error')].map((error) => error.textContent)";
            let errors = page.script(errors, vec![]).await?;
            ensure!(errors.as_array().is_some_and(Vec::is_empty), "{link}: {errors}");
        }
        Ok(())
    })
    .await
}
