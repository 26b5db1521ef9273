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
        let page = Page::open(browser, &site.url("?count=1&steps=2&backend=webgpu&autorun=1")).await?;
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

#[tokio::test]
async fn a_gpu_that_never_answers() -> Result<()> {
    let adapter = "Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: () => new Promise(() => {}) } })";
    let notices = notices_after(Gpu::None, adapter).await?;
    ensure!(notices.contains("does not answer"), "{notices}");
    Ok(())
}

/// Makes the software adapter look like a GPU.
pub const DISGUISE: &str = "
    for (const key of ['vendor', 'architecture', 'device', 'description']) {
        Object.defineProperty(GPUAdapterInfo.prototype, key, { get: () => 'slow' });
    }
    Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });";

/// Samples on a GPU that stops working as this JavaScript says when a run begins; gives what the page says.
async fn notices_of_a_run(script: &str) -> Result<String> {
    let site = Site::new()?;
    site.before_engine(&format!(
        "let running = false;
         addEventListener('message', ({{ data }}) => {{ running ||= data[0].startsWith('{{\"Run\"'); }});
         {DISGUISE}
         {script}"
    ))?;
    let mut notices = Vec::new();
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=1&count=2&steps=300&autorun=1")).await?;
        page.wait_for("done", 400).await?;
        ensure!(page.data("backend").await? == "cpu" && page.data("step").await? == "300");
        notices = page.notices().await?;
        Ok(())
    })
    .await?;
    Ok(notices.join(" "))
}

#[tokio::test]
async fn a_gpu_that_computes_rightly_only_at_first() -> Result<()> {
    // Work is taken and never done.
    let idle = "const submit = GPUQueue.prototype.submit;
        let taken = 0;
        GPUQueue.prototype.submit = function (work) {
            const copies = work.length && running && (taken += 1) > 4;
            return submit.call(this, copies ? [] : work);
        };";
    let notices = notices_of_a_run(idle).await?;
    ensure!(notices.contains("on the CPU"), "{notices}");
    Ok(())
}

#[tokio::test]
async fn a_gpu_that_hangs_in_a_run() -> Result<()> {
    let hanging = "const map = GPUBuffer.prototype.mapAsync;
        let maps = 0;
        GPUBuffer.prototype.mapAsync = function (...how) {
            return running && (maps += 1) > 6 ? new Promise(() => {}) : map.apply(this, how);
        };";
    let notices = notices_of_a_run(hanging).await?;
    ensure!(notices.contains("does not answer any more") && notices.contains("on the CPU"), "{notices}");
    Ok(())
}

#[tokio::test]
async fn a_software_adapter_is_no_gpu_unless_it_is_asked_for() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=2")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.data("backend").await? == "cpu", "{:?}", page.notices().await?);
        let page = Page::open(browser, &site.url("?count=1&steps=2&backend=webgpu")).await?;
        page.wait_for("ready", 200).await?;
        ensure!(page.data("backend").await? == "webgpu", "{:?}", page.notices().await?);
        // What the page writes leaves the backend to whoever opens it.
        page.fill("count", "2").await?;
        page.click("start").await?;
        page.wait_for("running", 60).await?;
        let address = browser.client.current_url().await?;
        ensure!(!address.as_str().contains("backend"), "{address}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_faster_of_gpu_and_cpu_is_taken() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(DISGUISE)?;
    browser::alone_with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=2")).await?;
        page.wait_for_data("backend", "webgpu", 200).await?;
        page.wait_for_data("backend", "cpu", 60).await?;
        page.wait_for_notice(&["The CPU computes", "times as fast as the GPU"]).await?;
        // Known at the next visit.
        let page = Page::open(browser, &site.url("?count=1&steps=2&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.data("backend").await? == "cpu" && page.notices().await?.is_empty());
        // A visitor's choice counts more.
        page.script(
            "const field = document.getElementById('backend');
             field.value = 'webgpu';
             field.dispatchEvent(new Event('change'))",
            vec![],
        )
        .await?;
        page.wait_for_data("backend", "webgpu", 200).await
    })
    .await
}
