//! Without a network, and in a browser that keeps nothing.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    host::Habit,
    page::Page,
    site::Site,
};

#[tokio::test]
async fn after_the_first_visit_no_network_is_needed() -> Result<()> {
    let site = Site::new()?;
    let build = site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let url = site.url("?seed=2&count=1&steps=4&backend=cpu&autorun=1");
        let index = site.url("index.html?backend=cpu");
        let page = Page::open(browser, &url).await?;
        page.wait_for("done", 60).await?;
        let first = page.save_json().await?;
        page.wait_until_kept(&build).await?;
        // Nobody answers at this address from here on.
        drop(site);
        let page = Page::open(browser, &url).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await? == first);
        let page = Page::open(browser, &index).await?;
        page.wait_for("ready", 60).await?;
        page.wait_for_data("recorded", "done", 10).await
    })
    .await
}

/// Puts weights of another hash in the place of those that are kept.
const AGE: &str = "
    const done = arguments[arguments.length - 1];
    (async () => {
        const cache = await caches.open('models');
        const kept = (await cache.keys()).filter(({ url }) => url.includes('/weights/'));
        await cache.put(kept[0].url.replace(/[^/]*$/, 'old'), new Response('weights of yesterday'));
        return kept.length === 1 && cache.delete(kept[0]);
    })().then(done, (e) => done(`${e}`));";

/// Resolves to the names of the weights that are kept.
const WEIGHTS: &str = "
    const done = arguments[arguments.length - 1];
    caches.open('models').then((cache) => cache.keys()).then(
        (keys) => done(keys.map(({ url }) => url).filter((url) => url.includes('/weights/')).map((url) => url.split('/').pop())),
        (e) => done(`${e}`));";

#[tokio::test]
async fn new_weights_take_the_place_of_old_ones() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let url = site.url("?count=1&steps=4&backend=cpu&autorun=1");
        Page::open(browser, &url).await?.wait_for("done", 60).await?;
        let first = browser.client.execute_async(WEIGHTS, vec![]).await?;
        let aged = browser.client.execute_async(AGE, vec![]).await?;
        ensure!(aged == true, "{aged}");
        Page::open(browser, &url).await?.wait_for("done", 60).await?;
        let second = browser.client.execute_async(WEIGHTS, vec![]).await?;
        ensure!(first == second && first.as_array().is_some_and(|names| names.len() == 1), "{first}, then {second}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_update_that_breaks_off_leaves_the_model_of_before() -> Result<()> {
    let site = Site::new()?;
    let build = site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let url = site.url("?seed=2&count=1&steps=4&backend=cpu&autorun=1");
        let page = Page::open(browser, &url).await?;
        page.wait_for("done", 60).await?;
        let first = page.save_json().await?;
        page.wait_until_kept(&build).await?;
        // Of a model that was trained on, the manifest has come, and then the network breaks.
        let path = site.small_model().join("model.json");
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path)?)?;
        manifest["weights"]["sha256"] = "0".repeat(64).into();
        fs::write(&path, manifest.to_string())?;
        fs::remove_file(site.small_model().join("model.safetensors"))?;
        let page = Page::open(browser, &url).await?;
        page.wait_for_notice(&["model.safetensors", "404"]).await?;
        drop(site);
        let page = Page::open(browser, &url).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await? == first, "another model");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn blocked_storage_does_no_harm() -> Result<()> {
    let site = Site::new()?;
    let block = |object: &str, name: &str| {
        format!(
            "Object.defineProperty({object}, '{name}', {{ get() {{ throw new DOMException('blocked', 'SecurityError'); }} }});"
        )
    };
    site.before_engine(&block("self", "caches"))?;
    let boot = site.path("boot.js");
    fs::write(&boot, format!("{}{}", block("navigator", "serviceWorker"), fs::read_to_string(&boot)?))?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=4&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_project_at_this_address_is_not_hidden() -> Result<()> {
    let site = Site::new()?;
    let build = site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let url = site.url("?count=1&steps=2&backend=cpu");
        let page = Page::open(browser, &url).await?;
        page.wait_for("ready", 60).await?;
        page.wait_until_kept(&build).await?;
        site.behave(Habit::Another);
        // A server that takes its time to answer is one that does not: then the kept page is shown once more.
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(60) {
            browser.client.goto(&url).await?;
            if browser.client.execute("return document.title", vec![]).await? == "Another" {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        bail!("the other project's page is not shown")
    })
    .await
}

#[tokio::test]
async fn the_built_site_has_the_recorded_runs_of_its_models() -> Result<()> {
    let site = Site::as_built()?;
    let list: serde_json::Value = serde_json::from_slice(&fs::read(site.path("models/index.json"))?)?;
    for model in list["models"].as_array().into_iter().flatten() {
        let name = model["name"].as_str().unwrap_or_default();
        let there = site.path(&format!("models/{name}/run.png")).is_file();
        ensure!(model["recorded"] == there, "{name}: {model}");
    }
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?embed=1")).await?;
        page.wait_for("poster", 20).await?;
        page.wait_for_data("recorded", "done", 10).await
    })
    .await
}
