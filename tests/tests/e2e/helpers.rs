//! Where there is no GPU, workers help the engine: the pictures are the same, and a lost helper loses nothing.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{
    browser::{self, Browser, Gpu, Screen},
    page::Page,
    site::Site,
};

/// Has the engine see so many processors, and lets the page ask for its workers.
fn with_processors(processors: usize) -> Result<Site> {
    let site = Site::new()?;
    site.before_engine(&format!(
        "Object.defineProperty(navigator, 'hardwareConcurrency', {{ value: {processors} }});
         const helpers = [];
         let come = 0;
         globalThis.Worker = class extends Worker {{
             constructor(...what) {{ super(...what); helpers.push(this); come += 1; }}
         }};
         const ask = new BroadcastChannel('helpers');
         ask.onmessage = ({{ data }}) => {{
             if (data === 'end') helpers.splice(0).forEach((helper) => helper.terminate());
             if (data === 'break') helpers[0].postMessage(['no message', new Float32Array(0)]);
             ask.postMessage(come);
         }}"
    ))?;
    Ok(site)
}

/// Tells the engine's workers something; gives how many there have been.
async fn tell_helpers(browser: &Browser, what: &str) -> Result<u64> {
    const ASK: &str = "const [what, done] = arguments;
        const ask = new BroadcastChannel('helpers');
        ask.onmessage = ({ data }) => { ask.close(); done(data); };
        ask.postMessage(what);";
    let count = browser.client.execute_async(ASK, vec![what.into()]).await?;
    count.as_u64().context("the engine does not answer")
}

/// Starts a run, and tells the workers something when it has done 50 steps: in the page, as it may be over before a test
/// asks. How many there had been is in `window.told`.
const START_AND_TELL: &str = "const [what] = arguments;
    new MutationObserver((_, observer) => {
        const { state, step } = document.body.dataset;
        if (state !== 'running' || Number(step) < 50) return;
        observer.disconnect();
        const ask = new BroadcastChannel('helpers');
        ask.onmessage = ({ data }) => { ask.close(); window.told = data; };
        ask.postMessage(what);
    }).observe(document.body, { attributes: true });
    document.getElementById('start').click();";

async fn saved_run(browser: &Browser, site: &Site, query: &str) -> Result<Value> {
    let page = Page::open(browser, &site.url(query)).await?;
    page.wait_for("done", 120).await?;
    ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
    page.save_json().await
}

#[tokio::test]
async fn pictures_are_the_same_for_any_number_of_helpers() -> Result<()> {
    let queries = [
        "?seed=4&count=21&steps=40&backend=cpu&autorun=1",
        "?task=inpaint&seed=4&count=5&steps=30&backend=cpu&autorun=1",
        "?task=denoise&seed=4&count=5&steps=20&level=0.6&backend=cpu&autorun=1",
    ];
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let mut first = Vec::new();
        for (processors, helpers) in [(1, 0), (2, 1), (4, 2), (8, 4)] {
            let site = with_processors(processors)?;
            let mut runs = Vec::new();
            for query in queries {
                runs.push(saved_run(browser, &site, query).await?);
                let found = tell_helpers(browser, "").await?;
                ensure!(found == helpers, "{found} helpers on {processors} processors");
            }
            if first.is_empty() {
                first.clone_from(&runs);
            }
            ensure!(runs == first, "{helpers} helpers make other pictures");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn chains_of_a_lost_helper_go_on() -> Result<()> {
    let site = with_processors(4)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        // A step of the first sampler looks at the one before.
        for (sampler, how) in [("consistent", "break"), ("annealed", "end")] {
            let query = format!("?sampler={sampler}&seed=2&count=9&steps=600&backend=cpu");
            let whole = saved_run(browser, &site, &format!("{query}&autorun=1")).await?;
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("ready", 60).await?;
            page.script(START_AND_TELL, vec![how.into()]).await?;
            page.wait_for("done", 120).await?;
            let before = page.script("return window.told", vec![]).await?.as_u64().context("nothing was told")?;
            let after = tell_helpers(browser, "").await?;
            ensure!(after > before, "after {how} no other helper has come: there were {before}, then {after}");
            ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
            ensure!(page.save_json().await? == whole, "the chains of a helper that was lost ({how}) went elsewhere");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_helpers_the_engine_does_all() -> Result<()> {
    let query = "?seed=3&count=6&steps=20&backend=cpu&autorun=1";
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let whole = saved_run(browser, &with_processors(1)?, query).await?;
        for script in ["throw new Error('broken')", "await new Promise(() => {})"] {
            let site = with_processors(4)?;
            std::fs::write(site.path("helper.js"), script)?;
            ensure!(saved_run(browser, &site, query).await? == whole, "other pictures after `{script}`");
        }
        Ok(())
    })
    .await
}
