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
         globalThis.Worker = class extends Worker {{
             constructor(...what) {{ super(...what); helpers.push(this); }}
         }};
         const ask = new BroadcastChannel('helpers');
         ask.onmessage = ({{ data }}) => {{
             if (data === 'end') helpers.splice(0).forEach((helper) => helper.terminate());
             if (data === 'break') helpers[0].postMessage(['no message', new Float32Array(0)]);
             ask.postMessage(helpers.length);
         }}"
    ))?;
    Ok(site)
}

/// Tells the engine's workers something; gives how many there have been since the last `end`.
async fn tell_helpers(browser: &Browser, what: &str) -> Result<u64> {
    const ASK: &str = "const [what, done] = arguments;
        const ask = new BroadcastChannel('helpers');
        ask.onmessage = ({ data }) => { ask.close(); done(data); };
        ask.postMessage(what);";
    let count = browser.client.execute_async(ASK, vec![what.into()]).await?;
    count.as_u64().context("the engine does not answer")
}

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
            let query = format!("?sampler={sampler}&seed=2&count=9&steps=600&backend=cpu&autorun=1");
            let whole = saved_run(browser, &site, &query).await?;
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("running", 60).await?;
            page.wait_for_step(50).await?;
            tell_helpers(browser, how).await?;
            page.wait_for("done", 120).await?;
            ensure!(tell_helpers(browser, "").await? >= 1, "no other helper has come");
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
