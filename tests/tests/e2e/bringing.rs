//! What visitors bring is read as the trainer reads it, or refused in a sentence.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use image::{
    DynamicImage, ExtendedColorType, GrayAlphaImage, GrayImage, ImageEncoder, ImageFormat, Luma, LumaA, Rgb, RgbImage,
    Rgba, RgbaImage, codecs::jpeg::JpegEncoder,
};
use serde_json::{Value, json};
use tests::{
    browser::{self, Gpu, Screen},
    compare::Pictures,
    page::Page,
    site::{SMALL, Site},
    trainer,
    waiting::until,
};
use xtask::paths;

pub(crate) const FIRST: &str = "?backend=cpu&count=1&steps=2&task=inpaint";

/// A site with a model of grey pictures and one of colour pictures.
fn two_models() -> Result<Site> {
    let site = Site::new()?;
    trainer::export_colour_model(&site.path("models/colour"))?;
    let list = json!({ "models": [{ "name": SMALL }, { "name": "colour" }] });
    fs::write(site.path("models/index.json"), list.to_string())?;
    site.publish()?;
    Ok(site)
}

/// The side of a model's pictures, and how many it brings.
pub(crate) fn card(model: &Path) -> Result<(u32, usize)> {
    let manifest: Value = serde_json::from_slice(&fs::read(model.join("model.json"))?)?;
    let number = |value: &Value| value.as_u64().context("a number of model.json");
    Ok((number(&manifest["data"]["size"])? as u32, number(&manifest["held_out_pictures"])? as usize))
}

/// What the trainer sees of a picture, in bytes: what is known comes out of a completion as it went in. All but the
/// first pixel.
fn seen_by_trainer(model: &Path, picture: &Path) -> Result<Vec<u8>> {
    let work = tempfile::tempdir()?;
    let (side, _) = card(model)?;
    let (mask, grid, values) = (work.path().join("mask.png"), work.path().join("x.png"), work.path().join("x.npy"));
    GrayImage::from_fn(side, side, |x, y| Luma([if (x, y) == (0, 0) { 255 } else { 0 }])).save(&mask)?;
    let words = ["inpaint", "--backend", "flex", "--count", "1", "--steps", "1"].map(OsStr::new);
    let files = [("--model", model), ("--image", picture), ("--mask", &mask), ("--out", &grid), ("--npy", &values)];
    trainer::run(
        words.into_iter().chain(files.into_iter().flat_map(|(flag, path)| [OsStr::new(flag), path.as_os_str()])),
    )?;
    Ok(Pictures::from_npy(&values)?.values.iter().map(|value| (value * 255.0).round() as u8).collect())
}

/// Fails unless the page's bytes, red, green and blue, are the trainer's but for the first pixel.
fn ensure_alike(name: &str, page: &[u8], trainer: &[u8], tolerance: u8) -> Result<()> {
    let grey = trainer.len() * 3 == page.len();
    let trainer: Vec<u8> = trainer.iter().flat_map(|&byte| vec![byte; if grey { 3 } else { 1 }]).collect();
    ensure!(trainer.len() == page.len(), "{name}: {} and {} bytes", page.len(), trainer.len());
    let worst = page.iter().zip(&trainer).skip(3).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or_default();
    ensure!(worst <= tolerance, "{name}: the page and the trainer differ by {worst}");
    Ok(())
}

/// A soft picture with edges.
pub(crate) fn colours(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let edge = if x * 3 > width && y * 2 > height { 90 } else { 0 };
        Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, edge + ((x + y) % 120) as u8])
    })
}

pub(crate) fn jpeg(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let kind = if picture.color().has_color() { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    JpegEncoder::new_with_quality(&mut bytes, 90).write_image(
        picture.as_bytes(),
        picture.width(),
        picture.height(),
        kind,
    )?;
    Ok(bytes)
}

/// The same JPEG with a note of how the camera was held.
fn held(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff =
        [b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], b"\0\0\0\0\0\0"].concat();
    let body = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &body, &jpeg[2..]].concat()
}

/// Files of many kinds: a name, and how far two decoders of it may be apart.
fn draw_files(folder: &Path) -> Result<Vec<(PathBuf, u8)>> {
    let mut files = Vec::new();
    let mut add = |name: &str, picture: DynamicImage, format: ImageFormat| {
        let path = folder.join(name);
        files.push((path.clone(), 0));
        picture.save_with_format(path, format)
    };
    let clear = RgbaImage::from_fn(40, 30, |x, y| Rgba([200, (x * 6) as u8, 20, (y * 8) as u8]));
    add("clear.png", clear.clone().into(), ImageFormat::Png)?;
    add("clear.webp", clear.into(), ImageFormat::WebP)?;
    add(
        "grey-clear.png",
        GrayAlphaImage::from_fn(20, 20, |x, y| LumaA([(x * 12) as u8, (y * 12) as u8])).into(),
        ImageFormat::Png,
    )?;
    add("grey.png", GrayImage::from_fn(50, 70, |x, y| Luma([(x * 2 + y) as u8])).into(), ImageFormat::Png)?;
    add("wide.png", colours(90, 31).into(), ImageFormat::Png)?;
    add("deep.png", DynamicImage::from(colours(33, 33)).to_rgb16().into(), ImageFormat::Png)?;
    add("small.png", colours(5, 5).into(), ImageFormat::Png)?;
    // From afar a grey of a quarter, and a dot that must not be lost.
    let lines = GrayImage::from_fn(1024, 1024, |x, _| Luma([if x % 4 == 0 { 255 } else { 0 }]));
    add("lines.png", lines.into(), ImageFormat::Png)?;
    let dot = |x: u32, y: u32| (130..150).contains(&x) && (130..150).contains(&y);
    add(
        "dot.png",
        GrayImage::from_fn(280, 280, |x, y| Luma([if dot(x, y) { 255 } else { 0 }])).into(),
        ImageFormat::Png,
    )?;
    let photograph = jpeg(&colours(300, 200).into())?;
    for (name, bytes) in
        [("photograph.jpg", photograph.clone()), ("held.jpg", held(&photograph, 6)), ("named.png", photograph)]
    {
        fs::write(folder.join(name), bytes)?;
        files.push((folder.join(name), 1));
    }
    let elsewhere = paths::root().join("trainer/src/pictures/tests");
    for name in ["cmyk.jpg", "ycck.jpg", "progressive.jpg", "halved.jpg"] {
        files.push((elsewhere.join(name), 1));
    }
    Ok(files)
}

#[tokio::test]
async fn a_picture_is_what_the_trainer_sees() -> Result<()> {
    let site = two_models()?;
    let folder = tempfile::tempdir()?;
    let files = draw_files(folder.path())?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for model in [SMALL, "colour"] {
            let model_folder = site.path("models").join(model);
            let (_, held_out) = card(&model_folder)?;
            // The page keeps eight.
            for files in files.chunks(8) {
                let page = Page::open(browser, &site.url(&format!("{FIRST}&model={model}"))).await?;
                page.wait_for("ready", 60).await?;
                for (number, (file, tolerance)) in files.iter().enumerate() {
                    let name = format!("{} for {model}", file.display());
                    page.drop_paths(std::slice::from_ref(file)).await?;
                    page.wait_for_pictures(held_out + number + 1).await.context(name.clone())?;
                    let seen = page.last_picture().await?;
                    ensure!(page.notices().await?.is_empty(), "{name}: {:?}", page.notices().await?);
                    ensure_alike(&name, &seen, &seen_by_trainer(&model_folder, file)?, *tolerance)?;
                }
            }
        }
        // Another model sees the file, not what this one saw of it.
        let file = &files[4].0;
        let page = Page::open(browser, &site.url(&format!("{FIRST}&model=colour"))).await?;
        page.wait_for("ready", 60).await?;
        let (_, there) = card(&site.path("models/colour"))?;
        page.drop_paths(std::slice::from_ref(file)).await?;
        page.wait_for_pictures(there + 1).await?;
        let choose = "const model = document.getElementById('model');
            model.value = arguments[0]; model.dispatchEvent(new Event('change'))";
        page.script(choose, vec![SMALL.into()]).await?;
        page.wait_for_data("model", SMALL, 30).await?;
        let wanted = seen_by_trainer(&site.small_model(), file)?;
        let read_again = async || ensure_alike("read again", &page.last_picture().await?, &wanted, 0);
        match until(30, async || Ok(read_again().await.ok())).await? {
            Some(()) => Ok(()),
            None => read_again().await,
        }
    })
    .await
}

#[tokio::test]
async fn a_browser_that_adds_noise_to_canvases_changes_nothing() -> Result<()> {
    let site = Site::new()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("colours.png");
    let (side, there) = card(&site.small_model())?;
    colours(side, side).save(&file)?;
    site.edit(
        "boot.js",
        "addEventListener",
        "const read = CanvasRenderingContext2D.prototype.getImageData;
        CanvasRenderingContext2D.prototype.getImageData = function (...at) {
            const image = read.apply(this, at);
            for (let i = 0; i < image.data.length; i += 4) image.data[i] ^= 3;
            return image;
        };
        addEventListener",
    )?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url(FIRST)).await?;
        page.wait_for("ready", 60).await?;
        page.drop_paths(std::slice::from_ref(&file)).await?;
        page.wait_for_pictures(there + 1).await?;
        page.click("mask-left").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let run = Pictures::from_json(&page.save_json().await?)?;
        let wanted = seen_by_trainer(&site.small_model(), &file)?;
        for (index, (found, wanted)) in run.picture(0).iter().zip(wanted).enumerate() {
            let known = index % side as usize >= side as usize / 2;
            ensure!(!known || (found * 255.0).round() as u8 == wanted, "value {index}: {found} and {wanted}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_photograph_of_48_megapixels_is_taken() -> Result<()> {
    let site = Site::new()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("phone.jpg");
    let photograph = RgbImage::from_pixel(8064, 6048, Rgb([120; 3]));
    fs::write(&file, held(&jpeg(&photograph.into())?, 6))?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let page = Page::open(browser, &site.url(FIRST)).await?;
        page.wait_for("ready", 60).await?;
        let (_, there) = card(&site.small_model())?;
        let field = page.element("upload").await?;
        field.send_keys(&file.display().to_string()).await?;
        page.wait_for_pictures(there + 1).await?;
        let bytes = page.last_picture().await?;
        ensure!(bytes.iter().all(|byte| byte.abs_diff(120) <= 1), "{bytes:?}");
        Ok(())
    })
    .await
}
