//! A run can be stopped at any time, and never holds the page up.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

/// Clicks on Cancel when a report has just come, so that none waits to be read; resolves to the milliseconds until the run
/// has stopped and the reports that came meanwhile.
const CANCEL: &str = "
    const [done] = arguments;
    const { dataset } = document.body;
    const watch = (heard) => new MutationObserver(heard).observe(document.body, { attributes: true });
    let step = dataset.step, begin = 0, reports = 0, over = false;
    watch(() => {
        if (over) return;
        if (dataset.step !== step) {
            step = dataset.step;
            if (begin) reports += 1;
            else setTimeout(() => {
                if (begin) return;
                begin = performance.now();
                document.getElementById('cancel').click();
            });
        }
        if (dataset.state !== 'cancelled') return;
        over = true;
        done([performance.now() - begin, reports]);
    });";

#[tokio::test]
async fn the_page_stays_responsive_and_a_run_stops_at_once() -> Result<()> {
    let site = Site::new()?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=64&steps=100000&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        // What other programs of the machine take from a page that does nothing.
        let idle = page.longest_gap().await?;
        page.click("start").await?;
        page.wait_for_step(3).await?;
        let gap = page.longest_gap().await?;
        ensure!(gap < 250.0 + 3.0 * idle, "the page's thread was away for {gap:.0} ms, idle for {idle:.0} ms");

        let (took, reports): (f64, u32) = serde_json::from_value(page.ask(CANCEL).await?)?;
        println!("gaps of {gap:.0} ms, idle {idle:.0} ms; stopped within {took:.0} ms and {reports} reports");
        ensure!(reports <= 1, "{reports} reports came after the click");
        ensure!(took < 300.0 + 3.0 * idle, "it took {took:.0} ms to stop, idle gaps are of {idle:.0} ms");
        let step = page.data("step").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        ensure!(page.data("step").await? == step, "the chains go on after they were cancelled");

        ensure!(page.text("time-left").await? == "–", "{} are left", page.text("time-left").await?);

        page.fill("count", "2").await?;
        page.fill("steps", "5").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.data("step").await? == "5");
        // Stopped before there is a picture, a run does not show those of the run before.
        let tile = "return document.querySelector('#grid canvas').toDataURL()";
        let before = page.script(tile, vec![]).await?;
        let at_once = "for (const id of ['start', 'cancel']) document.getElementById(id).click()";
        page.script(at_once, vec![]).await?;
        page.wait_for("cancelled", 20).await?;
        ensure!(page.script(tile, vec![]).await? != before, "these are pictures of the run before");
        ensure!(!page.text("step").await?.starts_with('5'), "this is the step of the run before");
        Ok(())
    })
    .await
}
