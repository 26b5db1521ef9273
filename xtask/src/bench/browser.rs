//! The energy gradient in headless Chromium: this project's kernels beside TensorFlow.js and beside Burn's own
//! operations.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{beside, number, rounded};
use crate::consent::Consent;
use crate::programs::{NPM, executable};
use crate::site::Profile;
use crate::{paths, site};

const PRESETS: [&str; 2] = ["unet", "res12"];

/// A place to compute.
struct Place {
    name: &'static str,
    ours: &'static str,
    tensorflow: &'static str,
    /// The software adapter of WebGPU takes seconds for a picture.
    batch: &'static str,
}

const PLACES: [Place; 2] = [
    Place { name: "one CPU thread", ours: "cpu", tensorflow: "wasm", batch: "16" },
    Place { name: "WebGPU (SwiftShader)", ours: "webgpu", tensorflow: "webgpu", batch: "4" },
];

/// A table.
pub fn section(shell: &Shell, consent: Consent) -> Result<String> {
    let folder = paths::target().join("bench");
    let (ours, plain) = (folder.join("kernels"), folder.join("plain"));
    let page = Path::new("web/src/bench/index.html");
    site::build_page(
        shell,
        consent,
        page,
        &["--features", "engine,decoder", "--cargo-profile", Profile::Site.name()],
        &ours,
    )?;
    site::build_page(shell, consent, page, &["--features", "plain", "--cargo-profile", "plain"], &plain)?;
    let tensorflow = tensorflow(shell)?;
    // Built now, so that nothing compiles beside a measurement.
    cmd!(shell, "cargo build --package tests --bin visit").run()?;
    let mut table = String::new();
    let mut version = None;
    for place in &PLACES {
        for preset in PRESETS {
            let mine = measure(shell, &ours, place.ours, preset, place.batch)?;
            let speed = speed(&mine)?;
            let peer =
                tensorflow.as_deref().map(|folder| measure(shell, folder, place.tensorflow, preset, place.batch));
            let peer = peer.transpose()?;
            if let Some(peer) = &peer {
                ensure!(
                    peer["parameters"] == mine["parameters"],
                    "TensorFlow.js computes another {preset}: {peer} {mine}"
                );
                version = peer["version"].as_str().map(str::to_owned);
            }
            let burn = self::speed(&measure(shell, &plain, place.ours, preset, place.batch)?)?;
            writeln!(
                table,
                "| `{preset}`, width 16 | {}, batch {} | {} | {} | {} |",
                place.name,
                place.batch,
                rounded(speed),
                beside(speed, peer.as_ref().map(self::speed).transpose()?),
                beside(speed, Some(burn)),
            )?;
        }
    }
    let version = version.unwrap_or_else(|| "not installed".to_owned());
    Ok(format!(
        "## In a browser\n\nEnergy gradient in headless {}, images per second. “Burn” is the same program without this project's \
         kernels: Burn's own operations on the same backend, all of it compiled for speed.\n\n\
         | network | where | images/s | TensorFlow.js ({version}) | ratio | Burn | ratio |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n{table}",
        browser(shell)
    ))
}

/// What one page says of itself.
fn measure(shell: &Shell, folder: &Path, backend: &str, preset: &str, batch: &str) -> Result<Value> {
    let page = format!("index.html?backend={backend}&preset={preset}&width=16&batch={batch}");
    let visit = paths::target().join("debug").join(executable("visit"));
    let text = cmd!(shell, "{visit} {folder} {page}").env("RUST_BACKTRACE", "0").read()?;
    serde_json::from_str(&text).with_context(|| format!("{page}: no JSON"))
}

fn speed(result: &Value) -> Result<f64> {
    number(&result["images_per_second"])
}

/// A folder with TensorFlow.js and its page, none where npm cannot bring it.
fn tensorflow(shell: &Shell) -> Result<Option<PathBuf>> {
    let (source, folder) = (paths::root().join("xtask/peers/tensorflow"), paths::target().join("bench/tensorflow"));
    fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    for file in ["package.json", "index.html", "bench.js"] {
        fs::copy(source.join(file), folder.join(file)).with_context(|| file.to_owned())?;
    }
    let install = cmd!(shell, "{NPM} install --no-fund --no-audit --silent --prefix {folder}");
    if install.ignore_stderr().run().is_err() {
        eprintln!("TensorFlow.js cannot be installed by npm: left out");
        return Ok(None);
    }
    Ok(Some(folder))
}

/// Name and version of the browser, by its driver.
fn browser(shell: &Shell) -> String {
    let driver = cmd!(shell, "chromedriver --version").quiet().read().unwrap_or_default();
    let version = driver.split_whitespace().nth(1).unwrap_or("of an unknown version");
    format!("Chromium {version}")
}
