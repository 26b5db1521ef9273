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
            page.script("document.querySelector('#grid button').click()", vec![]).await?;
            let objections: Value = browser.client.execute_async(RUN, vec![]).await?;
            ensure!(objections.as_array().is_some_and(Vec::is_empty), "a chain, {screen:?}: {objections:#}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
