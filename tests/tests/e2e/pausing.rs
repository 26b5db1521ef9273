//! A run can be held, led step by step, and looked back on; none of it changes the pictures, and memory does not grow.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

#[tokio::test]
async fn a_paused_run_waits_steps_and_ends_like_any_other() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?count=3&steps=600&seed=9&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 60).await?;
        let whole = page.save_json().await?;

        page.start_and_pause(20).await?;
        tokio::time::sleep(Duration::from_millis(600)).await;
        let held: usize = page.data("step").await?.parse()?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        ensure!(page.data("step").await? == held.to_string(), "a paused run goes on");
        ensure!(page.data("state").await? == "running" && held < 600, "step {held}");
        for step in held + 1..=held + 3 {
            page.click("step-once").await?;
            page.wait_for_data("step", &step.to_string(), 10).await?;
        }
        page.look_narrow("paused-narrow").await?;
        page.click("pause").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await? == whole, "the pause changed the pictures");

        // What is given up is not held any more.
        page.start_and_pause(20).await?;
        page.click("cancel").await?;
        page.wait_for("cancelled", 10).await?;
        ensure!(page.data("paused").await?.is_empty());
        page.click("start").await?;
        page.wait_for("done", 60).await?;

        // Back to the beginning, where everything is noise.
        page.script(
            "const scrub = document.getElementById('scrub'); scrub.value = 0; scrub.dispatchEvent(new Event('input'))",
            vec![],
        )
        .await?;
        ensure!(page.text("step").await? == "0 of 600", "{}", page.text("step").await?);
        page.look("looked-back-desk").await?;

        // Stopped and begun again at once, it plays no faster: a moment each 60 milliseconds.
        let play = "const done = arguments[0];
            const begin = performance.now();
            for (let i = 0; i < 3; i++) document.getElementById('play').click();
            setTimeout(() => done(document.getElementById('scrub').value / (performance.now() - begin)), 900);";
        let speed = page.ask(play).await?.as_f64().unwrap_or(f64::MAX);
        ensure!(speed < 1.0 / 50.0, "{speed} moments a millisecond");
        Ok(())
    })
    .await
}

/// Asks the engine what it has been made to tell.
const MEMORY: &str = "const done = arguments[arguments.length - 1];
    const ask = new BroadcastChannel('memory');
    ask.onmessage = (event) => { ask.close(); done(event.data); };
    ask.postMessage('');";

#[tokio::test]
async fn memory_is_flat_over_thousands_of_steps() -> Result<()> {
    let site = Site::new()?;
    // The engine tells how much memory it has.
    let loader = site.path("engine_loader.js");
    let code = std::fs::read_to_string(&loader)?;
    let telling = code.replace(
        "await init()",
        "const { memory } = await init(); const tell = new BroadcastChannel('memory');
         tell.onmessage = () => tell.postMessage(memory.buffer.byteLength)",
    );
    ensure!(telling != code, "engine_loader.js: where does it start the engine?");
    std::fs::write(&loader, telling)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=4&steps=3000&backend=cpu&autorun=1")).await?;
        // The first run takes what a run needs, not always by the same step; the second must need no more.
        page.wait_for("done", 180).await?;
        let before = browser.client.execute_async(MEMORY, vec![]).await?.as_u64();
        page.click("start").await?;
        page.wait_for("running", 60).await?;
        page.wait_for("done", 180).await?;
        let after = browser.client.execute_async(MEMORY, vec![]).await?.as_u64();
        ensure!(before.is_some() && before == after, "{before:?} bytes became {after:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn kernels_of_a_gpu_have_one_size_and_buffers_do_not_pile_up() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "let live = 0, sizes = new Set();
         const { createBuffer, createShaderModule } = GPUDevice.prototype, { destroy } = GPUBuffer.prototype;
         GPUDevice.prototype.createShaderModule = function (shader) {
             if (shader.label?.startsWith('convolution')) sizes.add(shader.code.match(/@workgroup_size[^)]*/)[0]);
             return createShaderModule.call(this, shader);
         };
         GPUDevice.prototype.createBuffer = function (...what) { live += 1; return createBuffer.apply(this, what); };
         GPUBuffer.prototype.destroy = function () { live -= 1; return destroy.apply(this); };
         const tell = new BroadcastChannel('memory');
         tell.onmessage = () => tell.postMessage({ live, sizes: [...sizes] })",
    )?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=3000&backend=webgpu&autorun=1")).await?;
        page.wait_for("running", 200).await?;
        let mut live = Vec::new();
        for step in [200, 800] {
            page.wait_for_step(step).await?;
            let told = browser.client.execute_async(MEMORY, vec![]).await?;
            // Else each would be compiled once more for a run that is smaller than the test before it.
            ensure!(told["sizes"].as_array().is_some_and(|sizes| sizes.len() == 1), "{told}");
            live.push(told["live"].as_i64().unwrap_or(i64::MAX));
        }
        page.click("cancel").await?;
        // Burn keeps some hundreds to use again; one left behind at each step would be 600 of each kind.
        ensure!(live[0] > 0 && live[1] - live[0] < 200, "{live:?} buffers after 200 and 800 steps");
        Ok(())
    })
    .await
}
