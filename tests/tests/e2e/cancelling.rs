//! A run can be stopped at any time, and never holds the page up.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

/// Resolves to the longest time in milliseconds, within two seconds, that the page's thread did not come round.
const LONGEST_GAP: &str = "
    const done = arguments[arguments.length - 1];
    const begin = performance.now();
    let last = begin, longest = 0;
    const tick = () => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
        now - begin < 2000 ? setTimeout(tick) : done(longest);
    };
    tick();";

/// Resolves to the milliseconds from a click on Cancel until the run has stopped.
const CANCEL: &str = "
    const done = arguments[arguments.length - 1];
    const begin = performance.now();
    new MutationObserver((_, observer) => {
        if (document.body.dataset.state !== 'cancelled') return;
        observer.disconnect();
        done(performance.now() - begin);
    }).observe(document.body, { attributes: true });
    document.getElementById('cancel').click();";

#[tokio::test]
async fn the_page_stays_responsive_and_a_run_stops_at_once() -> Result<()> {
    let site = Site::new()?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=64&steps=100000&backend=cpu&autorun=1")).await?;
        page.wait_for("running", 60).await?;
        page.wait_for_step(3).await?;
        let gap = browser.client.execute_async(LONGEST_GAP, vec![]).await?.as_f64().unwrap_or(f64::MAX);
        ensure!(gap < 250.0, "the page's thread was away for {gap:.0} ms");

        let took = browser.client.execute_async(CANCEL, vec![]).await?.as_f64().unwrap_or(f64::MAX);
        println!("stopped within {took:.0} ms");
        ensure!(took < 300.0, "it took {took:.0} ms to stop");
        let step = page.data("step").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        ensure!(page.data("step").await? == step, "the chains go on after they were cancelled");

        page.fill("count", "2").await?;
        page.fill("steps", "5").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.data("step").await? == "5");
        Ok(())
    })
    .await
}
