//! Every room, on the processor, in browsers that are not Chromium.

use std::io::{Write, stderr};

use anyhow::{Result, ensure};
use tests::{
    browser,
    engines::{Engine, Session},
    site::Site,
};
use xtask::consent;

/// Starts a run, and notices that it runs.
const START: &str = "
    window.ran = false;
    new MutationObserver((_, observer) => {
        if (document.body.dataset.state !== 'running') return;
        window.ran = true;
        observer.disconnect();
    }).observe(document.body, { attributes: true });
    document.getElementById('start').click()";

#[tokio::test]
async fn every_room_works_in_firefox() -> Result<()> {
    tour(Engine::Firefox).await
}

#[tokio::test]
async fn every_room_works_in_webkit() -> Result<()> {
    tour(Engine::WebKit).await
}

async fn tour(engine: Engine) -> Result<()> {
    let lacks = engine.lacks();
    if !lacks.is_empty() {
        let lacks = lacks.join(" and no ");
        // `.ci/run` has installed both.
        ensure!(!consent::on_build_machine(), "{engine:?}: this build machine has no {lacks}");
        // Past the test's own record, which nobody sees of a test that passes.
        writeln!(stderr(), "not tested in {engine:?}: this machine has no {lacks}")?;
        return Ok(());
    }
    let site = Site::new()?;
    let _turn = browser::turn().await?;
    let mut session = engine.start().await?;
    rooms(&mut session, &site).await
}

async fn rooms(session: &mut Session, site: &Site) -> Result<()> {
    let data = |key: &str, value: &str| format!("document.body.dataset.{key} === '{value}'");
    session.open(&site.url("?lang=en&seed=1&count=2&steps=3&backend=cpu&autorun=1")).await?;
    session.wait(&data("state", "done"), 60).await?;
    for room in ["inpaint", "denoise"] {
        session.script(&format!("document.getElementById('task-{room}').click()")).await?;
        session.wait(&data("room", room), 5).await?;
        // Three steps may be over before anybody asks whether they run.
        session.script(START).await?;
        session.wait(&format!("window.ran && {}", data("state", "done")), 60).await?;
        session.wait("document.querySelectorAll('#grid figcaption')[1].textContent !== ''", 5).await?;
    }
    session.script("document.getElementById('task-outliers').click()").await?;
    session.wait(&data("judged", "done"), 60).await?;
    session.wait("document.getElementById('verdict').textContent.includes(' bits')", 5).await?;
    session.script("document.getElementById('task-landscape').click()").await?;
    session.wait(&data("map", "done"), 120).await?;
    session.script("document.getElementById('train-toy').click()").await?;
    session.wait(&data("toy", "done"), 120).await?;
    session.script("document.getElementById('task-about').click()").await?;
    session.wait("document.querySelector('#card dd')", 5).await?;
    session.wait("document.querySelectorAll('#notice .error').length === 0", 1).await
}
