//! A worker that never answers leaves nobody without a word.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::{self, Browser, Gpu, Screen},
    page::Page,
    site::Site,
};

/// So many workers of a kind never answer, and long waits pass ten times as fast.
async fn silence(browser: &Browser, kind: &str, count: usize) -> Result<()> {
    let source = format!(
        "const [Real, timer] = [Worker, setTimeout];
        let silent = {count};
        window.Worker = function (script, options) {{
            if (String(script).includes('{kind}') && silent-- > 0) return {{ postMessage() {{}}, terminate() {{}} }};
            return new Real(script, options);
        }};
        window.setTimeout = (work, time, ...more) => timer(work, time < 10000 ? time : time / 10, ...more);"
    );
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
    Ok(())
}

#[tokio::test]
async fn another_decoder_takes_the_place_of_one_that_never_starts() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        silence(browser, "decoder", 1).await?;
        let page = Page::open(browser, &site.url("?task=inpaint&count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        page.drop_files(&[("list.png", "models/index.json")]).await?;
        page.wait_for_words("status", "Reading the file", 5).await?;
        page.wait_for_notice(&["list.png", "not a PNG, JPEG or WebP picture"]).await?;
        ensure!(page.text("status").await?.starts_with("Ready"), "{}", page.text("status").await?);
        ensure!(page.notices().await?.iter().all(|notice| !notice.contains("did not answer")));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_decoder_that_never_starts_is_spoken_of() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        silence(browser, "decoder", 1_000).await?;
        let page = Page::open(browser, &site.url("?task=inpaint&count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        page.drop_files(&[("list.png", "models/index.json")]).await?;
        page.wait_for_notice(&["list.png", "did not answer within two minutes"]).await?;
        // The page goes on without the picture.
        page.click("start").await?;
        page.wait_for("done", 60).await
    })
    .await
}

#[tokio::test]
async fn an_engine_that_never_starts_is_spoken_of() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        silence(browser, "engine", 1).await?;
        let page = Page::open(browser, &site.url("?backend=cpu")).await?;
        page.wait_for_words("status", "Reload the page to try again", 30).await?;
        // What needs no engine is there.
        page.wait_for_data("recorded", "done", 20).await?;
        Ok(())
    })
    .await
}
