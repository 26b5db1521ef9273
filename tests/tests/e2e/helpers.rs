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
    with_broken_helpers(processors, 0)
}

/// The same, where so many workers fail first.
fn with_broken_helpers(processors: usize, broken: usize) -> Result<Site> {
    let site = Site::new()?;
    std::fs::write(site.path("broken.js"), "throw new Error('broken')")?;
    site.before_engine(&format!(
        "Object.defineProperty(navigator, 'hardwareConcurrency', {{ value: {processors} }});
         const helpers = [];
         let come = 0;
         let asked = 0;
         globalThis.Worker = class extends Worker {{
             constructor(script, how) {{
                 super(come < {broken} ? './broken.js' : script, how);
                 helpers.push(this);
                 come += 1;
             }}
             postMessage(...what) {{ super.postMessage(...what); asked += 1; }}
         }};
         const ask = new BroadcastChannel('helpers');
         ask.onmessage = ({{ data }}) => {{
             if (data === 'end') helpers.splice(0).forEach((helper) => helper.terminate());
             if (data === 'break') helpers[0].postMessage(['no message', new Float32Array(0)]);
             ask.postMessage(data === 'asked' ? asked : come);
         }}"
    ))?;
    Ok(site)
}

/// Tells the engine's workers something; gives how many there have been, or how often they were `asked`.
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

/// What the page shows of a picture's bits, and of the energies on the plane through three, before and after the engine's
/// workers were told something.
async fn measured(browser: &Browser, site: &Site, what: &str) -> Result<Vec<Value>> {
    let page = Page::open(browser, &site.url("?task=outliers&picture=2&corners=0,1,2&backend=cpu")).await?;
    let drawn =
        async |id: &str| page.script("return document.getElementById(arguments[0]).toDataURL()", vec![id.into()]).await;
    page.wait_for_data("judged", "done", 120).await?;
    let mut found =
        vec![page.text("verdict").await?.into(), page.text("kinds").await?.into(), drawn("surprise-map").await?];
    page.go_to("landscape").await?;
    page.wait_for_data("map", "done", 120).await?;
    found.push(drawn("map").await?);
    let before = tell_helpers(browser, what).await?;
    let other_corner = "document.getElementById('corner-b').click();
        document.querySelectorAll('#pictures input')[3].click()";
    page.script(other_corner, vec![]).await?;
    page.wait_for_data("map", "done", 120).await?;
    found.push(drawn("map").await?);
    ensure!(found[3] != found[4], "the same map of other pictures");
    ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
    let after = tell_helpers(browser, "").await?;
    ensure!(
        what.is_empty() || after > before,
        "after {what} no other helper has come: there were {before}, then {after}"
    );
    Ok(found)
}

#[tokio::test]
async fn measures_are_the_same_for_any_number_of_helpers_and_without_those_that_are_lost() -> Result<()> {
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let alone = measured(browser, &with_processors(1)?, "").await?;
        let site = with_processors(8)?;
        for what in ["", "break", "end"] {
            ensure!(measured(browser, &site, what).await? == alone, "four helpers measure something else ({what})");
        }
        let asked = tell_helpers(browser, "asked").await?;
        ensure!(asked > 40, "the helpers were asked {asked} times only");
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
async fn helpers_that_could_not_start_are_replaced() -> Result<()> {
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let site = with_broken_helpers(8, 1)?;
        let page = Page::open(browser, &site.url("?count=8&steps=20&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        for _ in 0..2 {
            page.click("start").await?;
            page.wait_for("done", 60).await?;
        }
        let come = tell_helpers(browser, "").await?;
        ensure!(come == 5, "{come} helpers have come in place of 4, of which one broke");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_question_that_is_taken_back_costs_no_helper_and_no_run_waits_for_one() -> Result<()> {
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let site = with_processors(8)?;
        let page = Page::open(browser, &site.url("?task=outliers&picture=2&count=8&steps=20&backend=cpu")).await?;
        page.wait_for_data("judged", "done", 120).await?;
        for _ in 0..3 {
            let ask_and_take_back = "document.getElementById('compare-models').click();
                document.querySelectorAll('#pictures input')[3].click()";
            page.script(ask_and_take_back, vec![]).await?;
            page.go_to("sample").await?;
            page.click("start").await?;
            page.wait_for("done", 60).await?;
            page.go_to("outliers").await?;
            page.wait_for_data("judged", "done", 120).await?;
        }
        let come = tell_helpers(browser, "").await?;
        ensure!(come == 4, "{come} helpers have come in place of 4");
        let before = tell_helpers(browser, "asked").await?;
        page.go_to("sample").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let asked = tell_helpers(browser, "asked").await? - before;
        ensure!(asked >= 4 * 3, "the helpers were asked {asked} times only in a run");
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
