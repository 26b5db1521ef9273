//! A GPU that does not work is found out, and the CPU steps in.

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

/// Runs JavaScript in the worker before the engine starts, then samples; gives what the page says.
async fn notices_after(gpu: Gpu, script: &str) -> Result<String> {
    let site = Site::new()?;
    site.before_engine(script)?;
    let mut notices = Vec::new();
    browser::with(gpu, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=2&autorun=1")).await?;
        page.wait_for("done", 120).await?;
        ensure!(page.data("backend").await? == "cpu");
        notices = page.notices().await?;
        Ok(())
    })
    .await?;
    Ok(notices.join(" "))
}

#[tokio::test]
async fn an_adapter_that_gives_no_device() -> Result<()> {
    let adapter = "Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => ({}) } })";
    let notices = notices_after(Gpu::None, adapter).await?;
    ensure!(notices.contains("on the CPU"), "{notices}");
    Ok(())
}

#[tokio::test]
async fn a_gpu_that_computes_wrongly() -> Result<()> {
    // Every exponential, and the network has one in each activation, becomes a cosine.
    let wrong = "const compile = GPUDevice.prototype.createShaderModule;
        GPUDevice.prototype.createShaderModule = function (shader) {
            return compile.call(this, { ...shader, code: shader.code.replaceAll('exp(', 'cos(') });
        }";
    let notices = notices_after(Gpu::Software, wrong).await?;
    ensure!(notices.contains("self-test"), "{notices}");
    Ok(())
}
