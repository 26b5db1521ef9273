//! `helpers MODEL COUNT`: times a run of the built site on the CPU with no helper, 1, 2 and 4, and prints a line of JSON
//! for each. `cargo xtask bench` measures with it.

use std::env;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    browser::{self, Browser, Gpu, Screen},
    page::Page,
    site::Site,
};

/// Runs after the first, which compiles and starts the helpers.
const RUNS: usize = 5;

/// Has a worker tell how much memory it has, and the engine which processors it sees.
const TELL: &str = "const { memory } = await init(";
/// Clicks Start and resolves to the milliseconds until the run is done.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const begin = performance.now();
    let running = false;
    new MutationObserver((_, observer) => {
        const { state } = document.body.dataset;
        running ||= state === 'running';
        if (!running || state !== 'done') return;
        observer.disconnect();
        done(performance.now() - begin);
    }).observe(document.body, { attributes: true });
    document.getElementById('start').click();";
/// Resolves to the bytes that the engine and its helpers have.
const MEMORY: &str = "
    const done = arguments[arguments.length - 1];
    const ask = new BroadcastChannel('memory');
    let sum = 0;
    ask.onmessage = ({ data }) => { if (data) sum += data; };
    ask.postMessage(0);
    setTimeout(() => { ask.close(); done(sum); }, 300);";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: helpers MODEL COUNT";
    let (model, count) = (arguments.next().context(usage)?, arguments.next().context(usage)?);
    for helpers in [0, 1, 2, 4] {
        let site = Site::as_built()?;
        site.before_engine(&format!(
            "Object.defineProperty(navigator, 'hardwareConcurrency', {{ value: {} }})",
            (2 * helpers).max(1)
        ))?;
        for file in ["engine_loader.js", "helper.js"] {
            let code = std::fs::read_to_string(site.path(file))?;
            let code = code.replace("await init(", TELL).replace(
                "const { memory }",
                "const tell = new BroadcastChannel('memory');
                 tell.onmessage = ({ data }) => { if (!data) tell.postMessage(memory.buffer.byteLength); };
                 const { memory }",
            );
            std::fs::write(site.path(file), code)?;
        }
        browser::with(Gpu::None, Screen::Desk, async |browser| {
            let query = format!("?model={model}&count={count}&seed=1&backend=cpu&autorun=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("done", 300).await?;
            let mut seconds = Vec::new();
            for _ in 0..RUNS {
                seconds.push(number(browser, RUN).await? / 1000.0);
            }
            seconds.sort_by(f64::total_cmp);
            let megabytes = number(browser, MEMORY).await? / 1e6;
            let line = json!({ "helpers": helpers, "seconds": seconds[RUNS / 2], "megabytes": megabytes });
            println!("{line}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn number(browser: &Browser, script: &str) -> Result<f64> {
    let value: Value = browser.client.execute_async(script, vec![]).await?;
    value.as_f64().with_context(|| format!("{value}: no number"))
}
