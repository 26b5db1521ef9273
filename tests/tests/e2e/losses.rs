//! What happens when the engine is lost in the middle of a run.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

/// A script that knows the GPU's `device` and loses it as `when` says.
fn losing(when: &str) -> String {
    format!(
        "const request = GPUAdapter.prototype.requestDevice;
         let device;
         GPUAdapter.prototype.requestDevice = async function (...wishes) {{
             return (device = await request.apply(this, wishes));
         }};
         {when}"
    )
}

#[tokio::test]
async fn chains_go_on_after_a_gpu_is_lost() -> Result<()> {
    let site = Site::new()?;
    // Every GPU that this browser gives is lost soon after a run has begun.
    site.before_engine(&losing(
        "addEventListener('message', ({ data }) => {
             if (data[0].startsWith('{\"Run\"')) setTimeout(() => device?.destroy(), 1500);
         })",
    ))?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=1&count=2&steps=1000&backend=webgpu&autorun=1")).await?;
        page.wait_for("done", 400).await?;
        let notices = page.notices().await?.join(" ");
        ensure!(notices.contains("on the GPU once more") && notices.contains("on the CPU"), "{notices}");
        ensure!(page.data("backend").await? == "cpu" && page.data("step").await? == "1000");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gpu_that_is_lost_while_nothing_runs_is_asked_once_more() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(&losing("new BroadcastChannel('lose').onmessage = () => device?.destroy()"))?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=1&count=1&steps=2&backend=webgpu&autorun=1")).await?;
        page.wait_for("done", 200).await?;
        page.script("new BroadcastChannel('lose').postMessage('')", vec![]).await?;
        page.go_to("outliers").await?;
        page.wait_for_data("judged", "done", 200).await?;
        ensure!(page.data("state").await? == "ready" && page.data("backend").await? == "webgpu");
        ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_paused_run_stays_paused_after_a_gpu_is_lost() -> Result<()> {
    let site = Site::new()?;
    // Every GPU that this browser gives is lost when a single step is asked of it, before it has answered a question.
    site.before_engine(&losing(
        "addEventListener('message', (event) => {
             if (device && event.data[0].startsWith('{\"Score\"')) event.stopImmediatePropagation();
             if (event.data[0] === '\"Step\"') device?.destroy();
         })",
    ))?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let query = "?task=denoise&seed=1&count=2&steps=100000&backend=webgpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for_step(2).await?;
        page.click("pause").await?;
        for backend in ["webgpu", "cpu"] {
            page.click("step-once").await?;
            page.wait_for("loading", 60).await?;
            page.wait_for("running", 120).await?;
            ensure!(page.data("backend").await? == backend && page.data("paused").await? == "1");
            let held = page.data("step").await?;
            tokio::time::sleep(Duration::from_millis(1500)).await;
            ensure!(page.data("step").await? == held, "a paused run goes on");
            ensure!(page.text("energy").await? != "–", "the energies of step {held} are gone");
        }
        // Asked once more, of an engine that answers.
        page.wait_for_words("beside", "One jump", 20).await?;
        let held: usize = page.data("step").await?.parse()?;
        page.click("pause").await?;
        page.wait_for_step(held + 2).await?;
        page.click("cancel").await?;
        page.wait_for("cancelled", 20).await?;
        // No settings repeat what two devices made.
        let run = page.save_json().await?;
        ensure!(run["settings"]["backend"] == "cpu", "{}", run["settings"]);
        ensure!(run["energies"].as_array().is_some_and(|energies| energies.len() == 2), "{}", run["energies"]);
        ensure!(run["resumed_at_step"].as_u64().is_some_and(|step| step > 0), "{}", run["resumed_at_step"]);
        let picture = page.save("save-png", "png").await?;
        ensure!(!picture.windows(5).any(|part| part == b"task="), "the picture has settings");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_animation_that_goes_with_its_engine_is_said_not_to_be_saved() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "addEventListener('message', ({ data }) => { if (data[0].startsWith('{\"Frame\"')) throw new Error('broken'); })",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=3&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        page.click("save-apng").await?;
        page.wait_for_notice(&["The animation is not saved"]).await
    })
    .await
}

#[tokio::test]
async fn an_animation_that_goes_with_a_gpu_that_is_waited_for_is_said_not_to_be_saved() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: () => new Promise(() => {}) } })",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=3&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        let choose = "const field = document.getElementById('backend');
            field.value = arguments[0]; field.dispatchEvent(new Event('change'))";
        page.script(choose, vec!["webgpu".into()]).await?;
        page.wait_for_words("status", "Testing", 10).await?;
        page.click("save-apng").await?;
        page.script(choose, vec!["cpu".into()]).await?;
        page.wait_for_notice(&["The animation is not saved"]).await?;
        page.wait_for("ready", 60).await
    })
    .await
}

#[tokio::test]
async fn an_engine_that_breaks_can_be_started_again() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "addEventListener('message', ({ data }) => { if (data[0] === '\"Pause\"') throw new Error('broken'); })",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=100000&backend=cpu&autorun=1")).await?;
        page.wait_for_step(2).await?;
        page.click("pause").await?;
        page.wait_for_notice(&["broken", "start the engine again"]).await?;
        ensure!(page.data("state").await? == "error");
        // What the chains came to is there; an animation would be the engine's work.
        let (picture, animation) = (page.element("save-png").await?, page.element("save-apng").await?);
        ensure!(picture.is_enabled().await? && !animation.is_enabled().await?, "what can be saved?");
        ensure!(page.save_json().await?["stopped_at_step"].as_u64().is_some_and(|step| step >= 2));
        page.click("restart").await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.notices().await?.is_empty(), "{:?}", page.notices().await?);
        page.fill("steps", "5").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await
    })
    .await
}
