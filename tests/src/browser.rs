//! A headless Chromium behind its driver.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use axum::http::Method;
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use url::{ParseError, Url};

/// What the browser is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// Chromium's software adapter: correct and slow.
    Software,
    /// No WebGPU adapter, as on many machines.
    None,
}

/// How large the window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// 1280 by 900.
    Desk,
    /// 390 by 844.
    Phone,
}

/// A browser session.
#[derive(Debug)]
pub struct Browser {
    /// The session.
    pub client: Client,
    /// Where its downloads go.
    pub downloads: TempDir,
}

/// Browsers that run at once. They wait for most of their time, but more than two would be too slow for the times that
/// tests wait.
const AT_ONCE: u32 = 2;
static FREE: Semaphore = Semaphore::const_new(AT_ONCE as usize);

/// Waits until a browser may start; it may run until what this gives is dropped.
///
/// # Errors
/// Never, as nothing closes the queue.
pub async fn turn() -> Result<SemaphorePermit<'static>> {
    Ok(FREE.acquire().await?)
}

/// Gives `test` a browser, and ends it whatever comes of that.
///
/// # Errors
/// Chromium or chromedriver is not installed or does not start, or the test fails.
pub async fn with(gpu: Gpu, screen: Screen, test: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<()> {
    /// A software GPU takes every core.
    static ONE_GPU: Mutex<()> = Mutex::const_new(());
    let _one_gpu = if gpu == Gpu::Software { Some(ONE_GPU.lock().await) } else { None };
    let _turn = turn().await?;
    in_session(gpu, screen, test).await
}

/// The same for a test that looks at times: no other browser runs beside it.
///
/// # Errors
/// As [`with`].
pub async fn alone_with(gpu: Gpu, screen: Screen, test: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<()> {
    let _all = FREE.acquire_many(AT_ONCE).await?;
    in_session(gpu, screen, test).await
}

async fn in_session(gpu: Gpu, screen: Screen, test: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<()> {
    let driver = Driver::start()?;
    let downloads = tempfile::tempdir()?;
    let capabilities = Map::from_iter([("goog:chromeOptions".to_owned(), options(gpu, screen, downloads.path()))]);
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let session = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{}", driver.port)).await;
    let browser = Browser { client: session.context("chromedriver: starts no browser")?, downloads };
    let outcome = test(&browser).await;
    let closed = browser.client.close().await;
    outcome?;
    Ok(closed?)
}

impl Browser {
    /// Has Chromium do something that `WebDriver` has no word for, by its own protocol.
    ///
    /// # Errors
    /// It refuses.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Result<Value> {
        Ok(self.client.issue_cmd(Devtools(json!({ "cmd": method, "params": parameters }))).await?)
    }
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct Devtools(Value);

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}

fn options(gpu: Gpu, screen: Screen, downloads: &Path) -> Value {
    let mut arguments = vec![
        "--headless",
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Containers have a small /dev/shm.
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        // So that nothing moves or starts by itself: tests start what they look at.
        "--force-prefers-reduced-motion",
    ];
    if gpu == Gpu::Software {
        arguments.extend(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
    }
    let mut options = json!({
        "args": arguments,
        "prefs": {
            "download.default_directory": downloads,
            "download.prompt_for_download": false,
            // The page's language, on any machine.
            "intl.accept_languages": "en",
        },
    });
    if screen == Screen::Phone {
        options["mobileEmulation"] = json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 } });
    }
    options
}

/// A chromedriver on a port of its own choice; dropping it ends it, and with it its browsers.
struct Driver {
    process: Child,
    port: u16,
    /// Where it and its browsers put their files, profiles of 50 megabytes among them, which they do not always
    /// remove.
    _files: TempDir,
}

impl Driver {
    /// Starts it, once more where it found no port: it looks for one that is free for two protocols at once, which
    /// another program may take meanwhile.
    fn start() -> Result<Self> {
        let mut attempt = Self::attempt()?;
        for _ in 0..4 {
            if attempt.is_some() {
                break;
            }
            attempt = Self::attempt()?;
        }
        attempt.context("chromedriver: does not say its port")
    }

    /// Nothing, if it ends without a port.
    fn attempt() -> Result<Option<Self>> {
        let files = tempfile::tempdir()?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", files.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("chromedriver: cannot be started; install it with Chromium")?;
        let output = process.stdout.take().context("chromedriver: has no output")?;
        let mut lines = BufReader::new(output).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        // Read on, or the driver would block on a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        // Dropped, and so ended, if it has none.
        let driver = Self { process, port: port.unwrap_or_default(), _files: files };
        Ok(port.map(|_| driver))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
