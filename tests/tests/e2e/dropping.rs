//! Whatever is brought works or is told why it does not: folders, single files, models.

use std::{ffi::OsStr, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::{SMALL, Site},
    trainer,
};

use crate::bringing::{FIRST, card, colours, jpeg};

/// Waits until the page says just this one thing.
async fn says(page: &Page<'_>, words: &[&str]) -> Result<()> {
    page.wait_for_notice(words).await?;
    let notices = page.notices().await?;
    ensure!(notices.len() == 1 && notices[0].ends_with('.'), "{notices:?}");
    Ok(())
}

#[tokio::test]
async fn whatever_is_dropped_works_or_is_told() -> Result<()> {
    let site = Site::new()?;
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let copy_model = |to: &str| -> Result<PathBuf> {
        fs::create_dir_all(at(to))?;
        for file in ["model.json", "model.safetensors", "held-out.png"] {
            fs::copy(site.small_model().join(file), at(to).join(file))?;
        }
        Ok(at(to))
    };
    // Models that load.
    let crowd = copy_model("crowd")?;
    for number in 0..230 {
        fs::write(crowd.join(format!("a-{number:03}.txt")), "note")?;
    }
    fs::write(crowd.join("._model.json"), "\0\u{5}\u{16}\u{7}")?;
    copy_model("wrapped/inner")?;
    fs::write(at("wrapped/readme.txt"), "look inside")?;
    let two = copy_model("two-weights")?;
    fs::write(two.join("ema.safetensors"), "of another model")?;
    let marked = copy_model("marked")?;
    let manifest = fs::read(marked.join("model.json"))?;
    // As a browser calls a second download, and as some editors save it.
    fs::remove_file(marked.join("model.json"))?;
    fs::write(marked.join("model (1).json"), [b"\xEF\xBB\xBF", &manifest[..]].concat())?;
    // What is told.
    fs::create_dir_all(at("a-run/checkpoints/step-2"))?;
    fs::write(at("a-run/run.toml"), "preset = \"unet\"")?;
    fs::create_dir(at("empty"))?;
    fs::write(at("faces.zip"), "PK\u{3}\u{4}")?;
    copy_model("both/a")?;
    copy_model("both/b")?;
    fs::create_dir(at("notes"))?;
    fs::write(at("notes/x.txt"), "x")?;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    let unfetched = copy_model("unfetched")?;
    fs::write(unfetched.join("model.safetensors"), pointer)?;
    fs::create_dir(at("list"))?;
    fs::write(at("list/model.json"), pointer)?;
    fs::write(at("list/model.safetensors"), pointer)?;
    for (name, bytes) in [
        ("phone.heic", &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..]),
        ("page.png", b"<!doctype html><title>404</title>"),
        ("drawing.svg", b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("zero.png", b""),
        ("moving.gif", b"GIF89a\x01\0\x01\0"),
    ] {
        fs::write(at(name), bytes)?;
    }
    let whole = jpeg(&colours(64, 64).into())?;
    fs::write(at("cut.jpg"), &whole[..whole.len() / 2])?;
    // Pictures.
    fs::create_dir(at("album"))?;
    for number in 0..11 {
        colours(20 + number, 20).save(at(&format!("album/{number:02}.png")))?;
    }

    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url(FIRST)).await?;
        page.wait_for("ready", 60).await?;
        let (_, there) = card(&site.small_model())?;
        for (name, words) in [
            ("a-run", &["run of the trainer", "trainer export"][..]),
            ("empty", &["no file"]),
            ("faces.zip", &["faces.zip", "Unpack"]),
            ("both", &["several models (a, b)"]),
            ("notes", &["no picture"]),
            ("phone.heic", &["phone.heic", "HEIC"]),
            ("page.png", &["page.png", "a web page"]),
            ("drawing.svg", &["drawing.svg", "SVG"]),
            ("zero.png", &["zero.png", "empty"]),
            ("moving.gif", &["moving.gif", "GIF"]),
            ("cut.jpg", &["cut.jpg", "ends before the picture does"]),
        ] {
            page.drop_paths(&[at(name)]).await?;
            says(&page, words).await.context(name)?;
            ensure!(page.data("state").await? == "ready" && page.data("model").await? == SMALL, "{name}");
        }
        // The model from before stays, with its pictures and its runs.
        page.click("mask-left").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let run = page.save_json().await?;
        for name in ["unfetched", "list"] {
            page.drop_paths(&[at(name)]).await?;
            says(&page, &["Git LFS pointer", "stays"]).await.context(name)?;
            page.wait_for("ready", 30).await?;
            ensure!(page.data("model").await? == SMALL && page.save_json().await? == run, "{name}");
        }
        for name in ["crowd", "wrapped", "two-weights", "marked"] {
            page.drop_paths(&[at(name)]).await?;
            page.wait_for_data("model", "yours", 30).await.context(name)?;
            page.wait_for("ready", 30).await.context(name)?;
            ensure!(page.notices().await?.is_empty(), "{name}: {:?}", page.notices().await?);
            let choose = "const model = document.getElementById('model');
                model.value = 'small'; model.dispatchEvent(new Event('change'))";
            page.script(choose, vec![]).await?;
            page.wait_for_data("model", SMALL, 30).await?;
            page.wait_for("ready", 30).await?;
        }
        page.drop_paths(&[at("album")]).await?;
        says(&page, &["11 pictures", "the first 8"]).await?;
        page.wait_for_pictures(there + 8).await?;
        page.drop_paths(&[at("album/00.png"), at("zero.png"), at("album/01.png")]).await?;
        says(&page, &["zero.png"]).await?;
        page.wait_for_pictures(there + 8).await
    })
    .await
}

#[tokio::test]
async fn a_phone_chooses_the_files_of_a_model() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let page = Page::open(browser, &site.url("?task=about&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let files = ["model.json", "model.safetensors", "held-out.png"].map(|file| site.small_model().join(file));
        let field = page.element("own-files").await?;
        field.send_keys(&files.map(|file| file.display().to_string()).join("\n")).await?;
        page.wait_for_data("model", "yours", 30).await?;
        page.wait_for("ready", 30).await?;
        let field = page.element("own-files").await?;
        field.send_keys(&site.small_model().join("held-out.png").display().to_string()).await?;
        page.wait_for_notice(&["not a model", "model.json"]).await
    })
    .await
}

#[tokio::test]
async fn models_of_two_and_three_pictures_open() -> Result<()> {
    let site = Site::new()?;
    let work = tempfile::tempdir()?;
    let mut models = Vec::new();
    for count in [2, 3] {
        let (pictures, run) = (work.path().join(format!("pictures-{count}")), work.path().join(format!("run-{count}")));
        let model = work.path().join(format!("models/of-{count}"));
        fs::create_dir_all(&pictures)?;
        fs::create_dir_all(work.path().join("models"))?;
        for number in 0..count {
            colours(16 + number, 16).save(pictures.join(format!("{number}.png")))?;
        }
        let train = "train --preset unet --width 4 --batch 8 --steps 2 --grid 0 --backend flex --data".split(' ');
        trainer::run(train.map(OsStr::new).chain([pictures.as_os_str(), OsStr::new("--out"), run.as_os_str()]))?;
        let export = ["export", "--backend", "flex", "--run"].map(OsStr::new);
        trainer::run(export.into_iter().chain([run.as_os_str(), OsStr::new("--out"), model.as_os_str()]))?;
        models.push(model);
    }
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for model in &models {
            let page = Page::open(browser, &site.url("?backend=cpu&count=1&steps=2")).await?;
            page.wait_for("ready", 60).await?;
            page.drop_paths(std::slice::from_ref(model)).await?;
            page.wait_for_data("model", "yours", 30).await?;
            page.wait_for("ready", 30).await?;
            page.click("start").await?;
            page.wait_for("done", 60).await?;
            page.go_to("outliers").await?;
            page.wait_for_data("judged", "done", 30).await?;
            let verdict = page.text("verdict").await?;
            ensure!(!verdict.contains("NaN") && !verdict.contains("unknown"), "{}: {verdict}", model.display());
        }
        Ok(())
    })
    .await
}
