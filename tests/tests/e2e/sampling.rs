//! Noise becomes pictures, the same ones in the page as in the trainer.

use std::{ffi::OsStr, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{
    browser::{self, Gpu, Screen},
    compare::Pictures,
    page::Page,
    site::{SMALL, Site},
    trainer,
};

#[tokio::test]
async fn the_cpu_gives_the_trainers_pictures() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        // More chains than the engine takes at a time.
        let query = "?seed=7&count=20&steps=120&sampler=annealed&backend=cpu&task=sample&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 120).await?;
        ensure!(page.notices().await?.is_empty(), "nothing to complain about: {:?}", page.notices().await?);
        ensure!(page.data("step").await? == "120" && page.data("model").await? == SMALL);

        let run = page.save_json().await?;
        let settings = &run["settings"];
        for (key, wanted) in [("model", SMALL), ("sampler", "annealed"), ("backend", "cpu"), ("task", "sample")] {
            ensure!(settings[key] == wanted, "{settings}");
        }
        ensure!(settings["seed"] == 7 && settings["count"] == 20 && settings["steps"] == 120, "{settings}");
        let manifest: Value = serde_json::from_slice(&fs::read(site.small_model().join("model.json"))?)?;
        ensure!(run["model_sha256"] == manifest["weights"]["sha256"]);
        let energies = run["energies"].as_array().context("energies")?;
        ensure!(energies.len() == 20 && energies.iter().all(Value::is_f64), "{energies:?}");

        let pictures = Pictures::from_json(&run)?;
        pictures.ensure_like(&from_trainer(&site.small_model(), "annealed", 7, 20, 120)?)?;
        let another_seed = from_trainer(&site.small_model(), "annealed", 8, 20, 120)?;
        ensure!(pictures.ensure_like(&another_seed).is_err(), "the comparison sees no difference");
        check_png(&page.save("save-png", "png").await?, &pictures)
    })
    .await
}

#[tokio::test]
async fn every_sampler_gives_the_trainers_pictures() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for (sampler, steps) in [("consistent", 40), ("ode", 20)] {
            let query = format!("?seed=5&count=20&steps={steps}&sampler={sampler}&backend=cpu&autorun=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("done", 120).await?;
            let run = page.save_json().await?;
            ensure!(run["settings"]["sampler"] == sampler, "{}", run["settings"]);
            Pictures::from_json(&run)?.ensure_like(&from_trainer(&site.small_model(), sampler, 5, 20, steps)?)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn webgpu_gives_the_trainers_pictures() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let query = "?seed=3&count=2&steps=4&sampler=annealed&backend=webgpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 300).await?;
        ensure!(page.data("backend").await? == "webgpu", "{:?}", page.notices().await?);
        let run = page.save_json().await?;
        ensure!(run["settings"]["backend"] == "webgpu");
        Pictures::from_json(&run)?.ensure_like(&from_trainer(&site.small_model(), "annealed", 3, 2, 4)?)
    })
    .await
}

#[tokio::test]
async fn every_model_of_the_site_works() -> Result<()> {
    let site = Site::as_built()?;
    let index: Value = serde_json::from_slice(&fs::read(site.path("models/index.json"))?)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for model in index["models"].as_array().context("models/index.json")? {
            let name = model["name"].as_str().context("name")?;
            let query = format!("?model={name}&seed=1&count=2&steps=5&backend=cpu&autorun=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("done", 120).await?;
            let pictures = Pictures::from_json(&page.save_json().await?)?;
            pictures.ensure_like(&from_trainer(&site.path("models").join(name), "consistent", 1, 2, 5)?)?;
        }
        Ok(())
    })
    .await
}

/// As a visitor sees them: 16 chains, 30 steps.
#[tokio::test]
#[ignore = "takes twenty minutes on a software GPU; for releases: cargo test --package tests -- --ignored"]
async fn every_model_of_the_site_works_on_a_gpu() -> Result<()> {
    let site = Site::as_built()?;
    let index: Value = serde_json::from_slice(&fs::read(site.path("models/index.json"))?)?;
    for model in index["models"].as_array().context("models/index.json")? {
        let name = model["name"].as_str().context("name")?;
        browser::with(Gpu::Software, Screen::Desk, async |browser| {
            let query = format!("?model={name}&seed=1&count=16&steps=30&backend=webgpu&autorun=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for("done", 1800).await?;
            ensure!(page.data("backend").await? == "webgpu", "{name}: {:?}", page.notices().await?);
            let pictures = Pictures::from_json(&page.save_json().await?)?;
            let wanted = from_trainer(&site.path("models").join(name), "consistent", 1, 16, 30)?;
            pictures.ensure_like(&wanted).with_context(|| name.to_owned())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_gpu_the_cpu_steps_in_and_says_so() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for (query, asked_for) in [("?count=1&steps=2", false), ("?count=1&steps=2&backend=webgpu", true)] {
            let page = Page::open(browser, &site.url(query)).await?;
            page.wait_for("ready", 60).await?;
            ensure!(page.data("backend").await? == "cpu");
            let (notices, hint) = (page.notices().await?, page.text("about-device").await?);
            ensure!(notices.len() == usize::from(asked_for), "{notices:?}");
            let told = notices.first().unwrap_or(&hint);
            ensure!(told.contains("Running on the CPU because this browser offers no GPU"), "{told}");
            page.click("start").await?;
            page.wait_for("done", 60).await?;
        }
        Ok(())
    })
    .await
}

fn from_trainer(model: &Path, sampler: &str, seed: u64, count: usize, steps: usize) -> Result<Pictures> {
    let folder = tempfile::tempdir()?;
    let [grid, numbers] = ["grid.png", "numbers.npy"].map(|name| folder.path().join(name));
    let settings = format!("sample --backend flex --sampler {sampler} --seed {seed} --count {count} --steps {steps}");
    let paths = [("--model", model), ("--out", &grid), ("--npy", &numbers)];
    let paths = paths.iter().flat_map(|(flag, path)| [OsStr::new(flag), path.as_os_str()]);
    trainer::run(settings.split(' ').map(OsStr::new).chain(paths))?;
    Pictures::from_npy(&numbers)
}

/// The saved grid shows the saved pictures: looks at the upper left pixel of each.
fn check_png(png: &[u8], pictures: &Pictures) -> Result<()> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().context("size")?];
    let info = reader.next_frame(&mut bytes)?;
    let (count, side, channels) = (pictures.shape[0], pictures.shape[1], pictures.shape[3]);
    let (columns, cell) = ((count as f64).sqrt().ceil() as usize, 64usize.div_ceil(side) * side + 2);
    ensure!(info.width as usize == columns * cell + 2, "{} pixels wide", info.width);
    for n in 0..count {
        let (x, y) = (2 + n % columns * cell, 2 + n / columns * cell);
        let shown = bytes[(y * info.width as usize + x) * 3];
        let saved = (pictures.picture(n)[0] * 255.0).round() as u8;
        ensure!(channels == 3 || shown == saved, "picture {n}: {shown} for {saved}");
    }
    Ok(())
}
