//! What a visitor does before the model has come, or while another one comes, is neither lost nor in the way.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::{self, Gpu, Screen},
    pace::GATE,
    page::Page,
    site::{SMALL, Site},
};

use super::{broken_gpus::DISGUISE, first_visit::let_move};

async fn change(page: &Page<'_>, id: &str, value: &str) -> Result<()> {
    let change = "const field = document.getElementById(arguments[0]);
        field.value = arguments[1];
        for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));";
    page.script(change, vec![id.into(), value.into()]).await.map(drop)
}

#[tokio::test]
async fn a_recorded_picture_waits_for_the_model() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(GATE)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?backend=cpu")).await?;
        page.wait_for_data("recorded", "done", 10).await?;
        ensure!(page.data("state").await? == "loading", "the model is there already");
        page.script("document.querySelector('#grid button').click()", vec![]).await?;
        page.click("chain-complete").await?;
        page.wait_for_notice(&["still loading"]).await?;
        page.open_gate().await?;
        page.wait_for("ready", 60).await?;
        page.script("document.querySelector('#grid button').click()", vec![]).await?;
        page.click("chain-complete").await?;
        page.wait_for_data("room", "inpaint", 5).await?;
        let own = "return document.querySelector('#pictures label:last-child input').getAttribute('aria-label')";
        ensure!(page.script(own, vec![]).await?.as_str().is_some_and(|name| name.contains("Your")), "it is not there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_a_link_marks_stays_marked_whatever_is_clicked_meanwhile() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(GATE)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&mask=left&count=1&steps=2&seed=1&backend=cpu")).await?;
        ensure!(page.data("state").await? == "loading", "the model is there already");
        change(&page, "count", "2").await?;
        page.open_gate().await?;
        page.wait_for("ready", 60).await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let address = browser.client.current_url().await?;
        ensure!(address.as_str().contains("mask=left") && address.as_str().contains("count=2"), "{address}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn live_chains_do_not_take_a_recorded_run_from_who_looks_at_it() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(GATE)?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let_move(browser).await?;
        let page = Page::open(browser, &site.url("")).await?;
        page.wait_for_data("recorded", "playing", 5).await?;
        change(&page, "scrub", "1").await?;
        page.open_gate().await?;
        page.wait_for("ready", 60).await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        ensure!(page.data("state").await? == "ready", "{}", page.data("state").await?);
        ensure!(page.element("recorded").await?.is_displayed().await?, "the recorded run has gone");
        // Nor do they begin under the hands of who is at the settings.
        let page = Page::open(browser, &site.url("")).await?;
        page.wait_for_data("recorded", "playing", 5).await?;
        change(&page, "count", "7").await?;
        page.open_gate().await?;
        page.wait_for("ready", 60).await?;
        page.wait_for_data("recorded", "done", 10).await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        ensure!(page.data("state").await? == "ready", "{}", page.data("state").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_frame_of_any_room_starts_stays_a_frame_and_keeps_nothing() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for (room, words) in [
            ("inpaint", "Paint over"),
            ("denoise", "under noise"),
            ("landscape", "through three pictures"),
            ("outliers", "how likely"),
        ] {
            let page = Page::open(browser, &site.url(&format!("?task={room}&embed=1"))).await?;
            page.wait_for("poster", 20).await?;
            ensure!(page.element("start").await?.is_displayed().await?, "{room}: there is no Start");
            // What it would be, in the place of what is not there yet.
            let seen = page.script("return document.getElementById('stage').innerText", vec![]).await?;
            ensure!(seen.as_str().is_some_and(|seen| seen.contains(words)), "{room}: {seen}");
            let empty =
                "return [...document.querySelectorAll('#stage canvas')].filter((one) => one.checkVisibility()).length";
            let empty = page.script(empty, vec![]).await?;
            ensure!(empty == 0, "{room}: {empty} empty places");
            let dead = "return ['compare-models', 'other-corners', 'walk', 'train-toy'].filter((id) =>
                !document.getElementById(id).disabled)";
            let dead = page.script(dead, vec![]).await?;
            ensure!(dead == json!([]), "{room}: these do nothing: {dead}");
        }
        let page = Page::open(browser, &site.url("?task=outliers&seed=5&embed=1")).await?;
        page.wait_for("poster", 20).await?;
        page.drop_files(&[("mine.png", &format!("models/{SMALL}/samples.png"))]).await?;
        page.wait_for_notice(&["Press Start first"]).await?;
        page.click("start").await?;
        page.wait_for_data("judged", "done", 60).await?;
        ensure!(!page.element("start").await?.is_displayed().await?, "Start does nothing any more");
        page.go_to("sample").await?;
        let address = browser.client.current_url().await?;
        ensure!(address.as_str().contains("embed=1") && address.as_str().contains("task=sample"), "{address}");
        let whole = page.script("return document.getElementById('whole').getAttribute('href')", vec![]).await?;
        ensure!(
            whole.as_str().is_some_and(|whole| whole.contains("task=sample") && !whole.contains("embed")),
            "{whole}"
        );
        let kept = "const done = arguments[0];
            Promise.all([caches.keys(), localStorage.length]).then((kept) => done(kept), (error) => done(`${error}`))";
        let kept = page.ask(kept).await?;
        ensure!(kept == json!([[], 0]), "{kept}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_run_of_the_same_model_survives_another_way_to_compute() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=2&steps=5&seed=1&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        let before = page.save_json().await?;
        // A picture of the visitor's as a corner of the plane, which no link brings to anybody else.
        page.go_to("landscape").await?;
        let there = page.script("return document.querySelectorAll('#pictures input').length", vec![]).await?;
        page.drop_files(&[("mine.png", &format!("models/{SMALL}/samples.png"))]).await?;
        page.wait_for_pictures(there.as_u64().unwrap_or_default() as usize + 1).await?;
        page.wait_for_data("map", "done", 60).await?;
        let address = browser.client.current_url().await?;
        ensure!(address.as_str().contains("corners=0%2C1%2C2"), "{address}");
        change(&page, "backend", "webgpu").await?;
        // There is none, which is told, and the model is loaded once more.
        page.wait_for_notice(&["CPU"]).await?;
        page.wait_for("ready", 60).await?;
        let chosen = "return document.querySelector('#pictures label:last-child input').checked";
        ensure!(page.script(chosen, vec![]).await? == true, "another picture is the corner");
        let notices = page.notices().await?;
        ensure!(notices.iter().all(|notice| !notice.contains("as a corner")), "{notices:?}");
        // Once more, and it is not told twice.
        change(&page, "backend", "webgpu").await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.notices().await? == notices, "{:?}", page.notices().await?);
        page.go_to("sample").await?;
        ensure!(page.save_json().await? == before, "the run has gone");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_model_leaves_nothing_of_the_one_before_and_the_visitors_choice() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=outliers&backend=cpu")).await?;
        page.wait_for_data("judged", "done", 60).await?;
        ensure!(page.text("verdict").await?.contains("bits"), "{}", page.text("verdict").await?);
        // A visitor's own model, of which only the pictures are missing.
        let [manifest, weights] = ["model.json", "model.safetensors"].map(|file| format!("models/{SMALL}/{file}"));
        page.drop_files(&[("model.json", &manifest), ("model.safetensors", &weights)]).await?;
        page.wait_for_data("model", "yours", 60).await?;
        page.wait_for("ready", 60).await?;
        ensure!(!page.text("verdict").await?.contains("bits"), "{}", page.text("verdict").await?);
        // A picture of the visitor's stays the chosen one.
        let own = format!("models/{SMALL}/samples.png");
        page.drop_files(&[("mine.png", &own)]).await?;
        page.wait_for_pictures(1).await?;
        // One picture makes no plane.
        page.go_to("landscape").await?;
        ensure!(
            page.text("map-reading").await?.contains("Three different pictures"),
            "nothing says why there is no map"
        );
        ensure!(!page.element("walk").await?.is_enabled().await?, "chains can walk nowhere");
        page.go_to("outliers").await?;
        ensure!(page.notices().await?.join(" ").contains("held-out"), "{:?}", page.notices().await?);
        change(&page, "model", SMALL).await?;
        page.wait_for_data("model", SMALL, 60).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.notices().await?.is_empty(), "of the model before: {:?}", page.notices().await?);
        let chosen = "return document.querySelector('#pictures label:last-child input').checked";
        ensure!(page.script(chosen, vec![]).await? == true, "another picture is chosen");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_browser_that_keeps_nothing_compares_gpu_and_cpu_once() -> Result<()> {
    const BLOCKED: &str = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('blocked', 'SecurityError') } })";
    let site = Site::new()?;
    site.before_engine(DISGUISE)?;
    browser::alone_with(Gpu::Software, Screen::Desk, async |browser| {
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": BLOCKED })).await?;
        let page = Page::open(browser, &site.url("?count=1&steps=2")).await?;
        page.wait_for_data("backend", "webgpu", 200).await?;
        page.wait_for_data("backend", "cpu", 60).await?;
        page.wait_for_notice(&["The CPU computes", "times as fast as the GPU"]).await?;
        page.wait_for("ready", 60).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        ensure!(page.data("backend").await? == "cpu" && page.data("state").await? == "ready");
        ensure!(page.notices().await?.len() == 1, "{:?}", page.notices().await?);
        Ok(())
    })
    .await
}
