//! A failure is a sentence that says what to do.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

/// Damages a site and checks that the page says so: each of `words` is in what it says.
async fn check(damage: impl Fn(&Site) -> Result<()>, words: &[&str]) -> Result<()> {
    let site = Site::new()?;
    damage(&site)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?backend=cpu&autorun=1")).await?;
        // The state `error` is what is waited for here.
        let ends = page.wait_for("done", 60).await;
        ensure!(ends.is_err() && page.data("state").await? == "error", "the page works in spite of it: {ends:?}");
        let notices = page.notices().await?.join(" ");
        for word in words {
            ensure!(notices.contains(word), "no “{word}” in: {notices}");
        }
        ensure!(notices.ends_with('.') && notices.len() < 700, "not a few sentences: {notices}");
        Ok(())
    })
    .await
}

fn edit_manifest(site: &Site, edit: impl Fn(&mut Value)) -> Result<()> {
    let path = site.small_model().join("model.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path)?)?;
    edit(&mut manifest);
    Ok(fs::write(path, manifest.to_string())?)
}

fn weights(site: &Site) -> std::path::PathBuf {
    site.small_model().join("model.safetensors")
}

#[tokio::test]
async fn damaged_weights() -> Result<()> {
    let flip_a_bit = |site: &Site| {
        let mut bytes = fs::read(weights(site))?;
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        Ok(fs::write(weights(site), bytes)?)
    };
    check(flip_a_bit, &["SHA-256", "damaged", "Choose another model"]).await
}

#[tokio::test]
async fn truncated_weights() -> Result<()> {
    let cut = |site: &Site| {
        let bytes = fs::read(weights(site))?;
        Ok(fs::write(weights(site), &bytes[..bytes.len() / 2])?)
    };
    check(cut, &["incomplete", "Choose another model"]).await
}

#[tokio::test]
async fn a_model_that_is_not_there() -> Result<()> {
    check(|site| Ok(fs::remove_dir_all(site.small_model())?), &["model.json", "404", "trainer export"]).await
}

#[tokio::test]
async fn a_manifest_that_is_none() -> Result<()> {
    check(|site| Ok(fs::write(site.small_model().join("model.json"), "{}")?), &["manifest", "not valid"]).await?;
    // A path out of the model's folder.
    check(|site| edit_manifest(site, |manifest| manifest["weights"]["file"] = "../x".into()), &["weights.file"]).await
}

#[tokio::test]
async fn a_device_that_computes_wrongly() -> Result<()> {
    let spoil = |manifest: &mut Value| manifest["probe"]["energies"][0] = 1e9.into();
    check(|site| edit_manifest(site, spoil), &["self-test"]).await
}

#[tokio::test]
async fn no_model_at_all() -> Result<()> {
    let empty = |site: &Site| Ok(fs::write(site.path("models/index.json"), r#"{"models": []}"#)?);
    check(empty, &["no model here yet", "trainer -- train", "export"]).await?;
    check(|site| Ok(fs::remove_file(site.path("models/index.json"))?), &["no model here yet"]).await?;
    check(|site| Ok(fs::write(site.path("models/index.json"), "<html>")?), &["models/index.json", "Reload"]).await
}

#[tokio::test]
async fn a_network_that_fails_once() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "const load = globalThis.fetch;
         let failed = false;
         globalThis.fetch = (path, ...how) => {
             if (failed || !`${path}`.endsWith('model.safetensors')) return load(path, ...how);
             failed = true;
             return Promise.reject(new TypeError('Failed to fetch'));
         }",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=2&backend=cpu&autorun=1")).await?;
        page.wait_for_notice(&["model.safetensors", "could not be fetched", "Try again a little later"]).await?;
        let notices = page.notices().await?.join(" ");
        ensure!(page.data("state").await? == "error" && !notices.contains("rebuild"), "{notices}");
        page.click("restart").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
        // What ends the page's work without a panic is told too, and the tab does not hang.
        page.script("HTMLElement.prototype.click = () => { throw new RangeError('no memory') }", vec![]).await?;
        page.click("save-json").await?;
        page.wait_for_notice(&["stopped on an internal error", "Reload"]).await?;
        page.click("save-png").await?;
        ensure!(page.notices().await?.len() == 1, "{:?}", page.notices().await?);
        // The list of models: no visitor is told to train one.
        let offline = "const load = window.fetch;
            window.fetch = (path, ...how) =>
                `${path}`.endsWith('index.json') ? Promise.reject(new TypeError('Failed to fetch')) : load(path, ...how);";
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": offline })).await?;
        let page = Page::open(browser, &site.url("?backend=cpu")).await?;
        page.wait_for_notice(&["models/index.json", "Reload the page"]).await?;
        let notices = page.notices().await?.join(" ");
        ensure!(!notices.contains("trainer"), "{notices}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_page_without_its_files_says_what_may_be_wrong() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let seen = "return document.querySelector('.lost').checkVisibility()";
        let page = Page::open(browser, &site.url("?backend=cpu")).await?;
        ensure!(page.script(seen, vec![]).await? == false);
        // As at an address without its final slash, where a host answers with the page all the same.
        let site = Site::new()?;
        for file in ["style.css", "boot.js", "start.js"] {
            fs::remove_file(site.path(file))?;
        }
        let page = Page::open(browser, &site.url("?backend=cpu")).await?;
        ensure!(page.script(seen, vec![]).await? == true);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_missing_program() -> Result<()> {
    check(|site| Ok(fs::remove_file(site.path("engine_bg.wasm"))?), &["engine", "Reload"]).await?;
    check(|site| Ok(fs::remove_file(site.path("engine_loader.js"))?), &["engine", "Reload"]).await?;
    let remove_page = |site: &Site| Ok(fs::remove_file(site.path("page_bg.wasm"))?);
    check(remove_page, &["could not start", "Reload"]).await
}

#[tokio::test]
async fn a_program_that_the_browser_cannot_compile() -> Result<()> {
    // As an old browser finds every program with vector instructions.
    let strange = |program: &'static str| move |site: &Site| Ok(fs::write(site.path(program), b"\0asm\x01\0\0\0\x7f")?);
    check(strange("page_bg.wasm"), &["could not start", "current Chrome"]).await?;
    check(strange("engine_bg.wasm"), &["engine", "Reload"]).await
}
