//! axe-core finds nothing to object to in any room.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};
use xtask::paths;

/// The version of npm's package axe-core.
const AXE: &str = "4.14.1";

const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const tell = ({ violations }) => done(violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join()}`));
    axe.run().then(tell, (problem) => done([`${problem}`]));";

/// Groups of radio buttons whose chosen one is painted like another.
const ALIKE: &str = "
    const painted = (radio) => {
        const { backgroundColor, borderTopStyle, borderTopWidth } = getComputedStyle(radio.nextElementSibling);
        return [backgroundColor, borderTopStyle, borderTopWidth].join();
    };
    return ['task', 'corner', 'picture'].filter((name) => {
        const chosen = document.querySelector(`[name=${name}]:checked`);
        const other = document.querySelector(`[name=${name}]:not(:checked)`);
        return painted(chosen) === painted(other);
    });";

/// axe-core's program, brought by npm once.
fn axe() -> Result<String> {
    let folder = paths::target().join("axe");
    let program = folder.join(format!("axe-{AXE}.js"));
    if !program.is_file() {
        fs::create_dir_all(&folder)?;
        let pack = Command::new(xtask::programs::NPM)
            .args(["pack", "--silent", &format!("axe-core@{AXE}")])
            .current_dir(&folder)
            .status();
        ensure!(pack.context("npm: cannot be run; install Node.js")?.success(), "npm cannot bring axe-core {AXE}");
        let archive = format!("axe-core-{AXE}.tgz");
        let unpack = Command::new("tar").args(["-xzf", &archive, "package/axe.min.js"]).current_dir(&folder).status();
        ensure!(unpack.context("tar: cannot be run")?.success(), "{archive} cannot be unpacked");
        fs::rename(folder.join("package/axe.min.js"), &program)?;
    }
    fs::read_to_string(&program).with_context(|| format!("{}", program.display()))
}

#[tokio::test]
async fn axe_objects_to_nothing() -> Result<()> {
    let (axe, site) = (axe()?, Site::new()?);
    for screen in [Screen::Desk, Screen::Phone] {
        browser::with(Gpu::None, screen, async |browser| {
            let page = Page::open(browser, &site.url("?count=4&steps=5&backend=cpu&autorun=1")).await?;
            page.wait_for("done", 60).await?;
            page.script(&axe, vec![]).await?;
            for scheme in ["light", "dark"] {
                let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
                browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [scheme] })).await?;
                for room in ["sample", "inpaint", "denoise", "outliers", "landscape", "about"] {
                    page.go_to(room).await?;
                    if room == "outliers" {
                        page.wait_for_data("judged", "done", 30).await?;
                    }
                    let objections = browser.client.execute_async(RUN, vec![]).await?;
                    ensure!(
                        objections.as_array().is_some_and(Vec::is_empty),
                        "{room}, {screen:?}, {scheme}: {objections:#}"
                    );
                }
                page.look(&format!("about-{screen:?}-{}", scheme["value"].as_str().unwrap_or_default())).await?;
            }
            page.go_to("sample").await?;
            // What is drawn has the colours of the scheme as well.
            let chart = "return document.getElementById('chart').toDataURL()";
            let dark = page.script(chart, vec![]).await?;
            let light = json!({ "name": "prefers-color-scheme", "value": "light" });
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [light] })).await?;
            page.wait_for_value(chart, |chart| *chart != dark, 5).await?;
            // While chains run, the settings are dimmed, and what is written beside them is not.
            page.fill("steps", "100000").await?;
            page.click("start").await?;
            page.wait_for("running", 10).await?;
            let dimmed = "return ['fields', 'about-model', 'more'].filter((id) =>
                getComputedStyle(document.getElementById(id)).opacity !== '1')";
            let dimmed = page.script(dimmed, vec![]).await?;
            ensure!(dimmed.as_array().is_some_and(Vec::is_empty), "hard to read while chains run: {dimmed}");
            // The pictures and switches themselves are what is seen of these.
            let seen = "return [...document.querySelectorAll('input[type=radio]')].filter((input) =>
                getComputedStyle(input).opacity !== '0').map((input) => input.id || input.name)";
            let seen = page.script(seen, vec![]).await?;
            ensure!(seen.as_array().is_some_and(Vec::is_empty), "seen while chains run: {seen}");
            page.click("cancel").await?;
            page.wait_for("cancelled", 10).await?;
            // What is chosen can be told from the rest where the system decides all colours.
            let forced = json!({ "name": "forced-colors", "value": "active" });
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [forced] })).await?;
            page.go_to("landscape").await?;
            let alike = page.script(ALIKE, vec![]).await?;
            ensure!(alike.as_array().is_some_and(Vec::is_empty), "chosen or not, {screen:?}: {alike:#}");
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await?;
            page.go_to("sample").await?;
            page.script("document.querySelector('#grid button').click()", vec![]).await?;
            let objections: Value = browser.client.execute_async(RUN, vec![]).await?;
            ensure!(objections.as_array().is_some_and(Vec::is_empty), "a chain, {screen:?}: {objections:#}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
