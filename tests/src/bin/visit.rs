//! `visit FOLDER PAGE`: serves a folder, opens a page of it in the tests' Chromium, waits until the page has set
//! `document.body.dataset.state` to `done`, and prints `dataset.result`. `cargo xtask bench` measures with it.

use std::{
    env,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
};
use xtask::serve;

const PATIENCE: Duration = Duration::from_secs(600);
/// Rarely, so that asking does not slow down what is measured.
const ASK_EVERY: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().context("usage: visit FOLDER PAGE")?;
    let page = arguments.next().context("usage: visit FOLDER PAGE")?;
    let server = serve::Server::start(serve::bind(0)?, Path::new(&folder), "/")?;
    let url = format!("{}{page}", server.url());
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let page = Page::open(browser, &url).await?;
        let opened = Instant::now();
        loop {
            match page.data("state").await?.as_str() {
                "done" => break,
                "error" => bail!("{url}: {}", page.data("result").await?),
                _ if opened.elapsed() > PATIENCE => bail!("{url}: no result after {PATIENCE:?}"),
                _ => tokio::time::sleep(ASK_EVERY).await,
            }
        }
        println!("{}", page.data("result").await?);
        Ok(())
    })
    .await
}
