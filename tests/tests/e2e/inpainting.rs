//! The unknown part of a picture is found, and the known part is left alone.

use std::{ffi::OsStr, fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use serde_json::Value;
use tests::{
    browser::{self, Gpu, Screen},
    compare::Pictures,
    page::Page,
    site::Site,
    trainer,
};

/// The held-out pictures of a model.
fn held_out(model: &Path) -> Result<Pictures> {
    let manifest: Value = serde_json::from_slice(&fs::read(model.join("model.json"))?)?;
    let count = manifest["held_out_pictures"].as_u64().context("held_out_pictures")?;
    Pictures::from_strip(&model.join("held-out.png"), count as usize)
}

/// Checks a saved run: known pixels are exactly those of the picture, unknown ones were found in several ways.
fn check(run: &Value, picture: &[f32]) -> Result<usize> {
    let mask: Vec<Vec<u8>> = serde_json::from_value(run["mask"].clone()).context("mask")?;
    let mask: Vec<bool> = mask.into_iter().flatten().map(|bit| bit == 1).collect();
    let results = Pictures::from_json(run)?;
    ensure!(results.shape[3] == 1 && mask.len() == picture.len(), "a mask of {} pixels", mask.len());
    for n in 0..results.shape[0] {
        let pixels = results.picture(n).iter().zip(picture).zip(&mask);
        let touched = pixels.filter(|((result, given), unknown)| !**unknown && result != given).count();
        ensure!(touched == 0, "picture {n}: {touched} known pixels are not what they were");
    }
    ensure!(results.picture(0) != results.picture(1), "the completions are all the same");
    ensure!(results.picture(0) != picture, "nothing was found");
    Ok(mask.iter().filter(|unknown| **unknown).count())
}

/// What the trainer finds for one of these pictures, with the flags of a task and the settings of the tests below.
fn from_trainer(model: &Path, task: &str, pictures: &Pictures, index: usize, steps: u32) -> Result<Pictures> {
    let folder = tempfile::tempdir()?;
    let [image, grid, numbers] = ["image.png", "grid.png", "numbers.npy"].map(|name| folder.path().join(name));
    let &[_, height, width, channels] = &pictures.shape[..] else { bail!("pictures of shape {:?}", pictures.shape) };
    let mut encoder = png::Encoder::new(fs::File::create(&image)?, width as u32, height as u32);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    let bytes: Vec<u8> = pictures.picture(index).iter().map(|value| (value * 255.0).round() as u8).collect();
    encoder.write_header()?.write_image_data(&bytes)?;
    let paths = [("--model", model), ("--image", &image), ("--out", &grid), ("--npy", &numbers)];
    let settings = format!("{task} --backend flex --seed 5 --count 4 --steps {steps}");
    let settings = settings.split(' ').map(OsStr::new);
    trainer::run(settings.chain(paths.iter().flat_map(|(flag, path)| [OsStr::new(flag), path.as_os_str()])))?;
    Pictures::from_npy(&numbers)
}

#[tokio::test]
async fn half_a_picture_is_found_and_the_other_half_stays() -> Result<()> {
    let site = Site::new()?;
    let pictures = held_out(&site.small_model())?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?task=inpaint&picture=1&mask=left&seed=5&count=4&steps=60&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 60).await?;
        let run = page.save_json().await?;
        let unknown = check(&run, pictures.picture(1))?;
        ensure!(unknown * 2 == pictures.picture(1).len(), "{unknown} unknown pixels");
        page.look("inpainted-desk").await?;
        let model = site.small_model();
        Pictures::from_json(&run)?.ensure_like(&from_trainer(&model, "inpaint --mask left", &pictures, 1, 60)?)
    })
    .await
}

#[tokio::test]
async fn the_noise_level_that_is_told_is_that_of_the_chains() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        // Around known pixels a fifth of the steps stays at the largest level, which new pictures need not where their
        // Gaussian is known.
        for (task, falls) in [("sample", true), ("inpaint&known=half", false), ("inpaint&mask=left", false)] {
            let query = format!("?task={task}&seed=5&count=1&steps=100000&backend=cpu&autorun=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            page.wait_for_step(1000).await?;
            page.click("pause").await?;
            let now = page.text("noise-level").await?;
            page.script(
                "const scrub = document.getElementById('scrub');
                scrub.value = 0;
                scrub.dispatchEvent(new Event('input'))",
                vec![],
            )
            .await?;
            let first = page.text("noise-level").await?;
            ensure!((now != first) == falls, "{task}: {first}, then {now} in step {}", page.data("step").await?);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_unknown_region_can_be_painted() -> Result<()> {
    let site = Site::new()?;
    let pictures = held_out(&site.small_model())?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=2&steps=20&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        page.script("document.getElementById('task-inpaint').click()", vec![]).await?;
        page.click("clear").await?;
        page.click("start").await?;
        ensure!(page.data("state").await? == "ready" && page.notices().await?[0].contains("Nothing is unknown"));

        // A stroke through the middle, an erased end of it, and one pixel with the keyboard.
        drag(browser, &page, -60, 60).await?;
        let drawn = mask_after(&page, pictures.picture(0)).await?;
        page.script("document.getElementById('erase').click()", vec![]).await?;
        drag(browser, &page, 20, 60).await?;
        let erased = mask_after(&page, pictures.picture(0)).await?;
        page.script("document.getElementById('paint').click()", vec![]).await?;
        page.script("document.getElementById('brush').value = 1", vec![]).await?;
        page.element("mask").await?.send_keys("\u{e013}\u{e013}\u{e013}\u{e013}\u{e013} ").await?;
        let typed = mask_after(&page, pictures.picture(0)).await?;
        ensure!(0 < erased && erased < drawn && typed == erased + 1, "{drawn}, {erased}, {typed} unknown pixels");

        // While chains run for this picture it cannot be painted, with neither; while others run, it can.
        let seen = "return document.getElementById('mask').toDataURL()";
        page.fill("steps", "100000").await?;
        page.click("start").await?;
        page.wait_for("running", 10).await?;
        let before = page.script(seen, vec![]).await?;
        drag(browser, &page, -60, 60).await?;
        page.press("mask", ' ').await?;
        ensure!(page.script(seen, vec![]).await? == before, "the picture is painted while it is restored");
        page.click("cancel").await?;
        page.wait_for("cancelled", 10).await?;
        page.go_to("sample").await?;
        page.click("start").await?;
        page.wait_for("running", 10).await?;
        page.go_to("inpaint").await?;
        drag(browser, &page, -60, 60).await?;
        ensure!(page.script(seen, vec![]).await? != before, "the picture cannot be painted while others run");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_was_painted_can_be_undone_and_inverted() -> Result<()> {
    let site = Site::new()?;
    let pictures = held_out(&site.small_model())?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&mask=left&count=2&steps=4&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let picture = pictures.picture(0);
        let half = mask_after(&page, picture).await?;
        ensure!(half * 2 == picture.len());
        let quarter = picture.len() / 4;
        for (buttons, wanted) in [
            (&["mask-centre"][..], quarter),
            (&["invert"], picture.len() - quarter),
            (&["undo"], quarter),
            (&["undo"], half),
            (&["redo", "redo"], picture.len() - quarter),
            (&["mask-stripes"], half),
        ] {
            for button in buttons {
                page.click(button).await?;
            }
            let found = mask_after(&page, picture).await?;
            ensure!(found == wanted, "after {buttons:?} {found} pixels are unknown, not {wanted}");
        }
        Ok(())
    })
    .await
}

/// Runs, checks the result and gives the number of unknown pixels.
async fn mask_after(page: &Page<'_>, picture: &[f32]) -> Result<usize> {
    page.click("start").await?;
    page.wait_for("done", 60).await?;
    check(&page.save_json().await?, picture)
}

/// Drags the mouse along the middle row of the picture, `from` and `to` in pixels of the screen right of its middle.
async fn drag(browser: &browser::Browser, page: &Page<'_>, from: i64, to: i64) -> Result<()> {
    let canvas = page.element("mask").await?;
    page.script("document.getElementById('mask').scrollIntoView({block: 'center'})", vec![]).await?;
    let to_point = |x: i64| PointerAction::MoveToElement {
        element: canvas.clone(),
        duration: Some(Duration::from_millis(50)),
        x: x as f64,
        y: 0.0,
    };
    let mouse = MouseActions::new("mouse".to_owned())
        .then(to_point(from))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(to_point(to))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    Ok(browser.client.perform_actions(mouse).await?)
}

#[tokio::test]
async fn a_second_finger_does_not_draw() -> Result<()> {
    /// Moves one finger along the middle row, alone or with another that rests in a corner and is lifted later.
    const STROKE: &str = "
        const canvas = document.getElementById('mask');
        const { left, top, width, height } = canvas.getBoundingClientRect();
        const send = (kind, pointerId, x, y) => canvas.dispatchEvent(new PointerEvent(kind, {
            pointerId, pointerType: 'touch', button: 0, clientX: left + x * width, clientY: top + y * height, bubbles: true }));
        const second = arguments[0];
        send('pointerdown', 1, 0.2, 0.5);
        if (second) send('pointerdown', 2, 0.9, 0.1);
        for (const x of [0.4, 0.6, 0.8]) {
            send('pointermove', 1, x, 0.5);
            if (second) send('pointermove', 2, 0.9, 0.1);
        }
        send('pointerup', 1, 0.8, 0.5);
        if (second) {
            send('pointermove', 2, 0.1, 0.9);
            send('pointerup', 2, 0.1, 0.9);
        }";
    let site = Site::new()?;
    let pictures = held_out(&site.small_model())?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&count=2&steps=4&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let mut found = Vec::new();
        for second in [false, true] {
            page.click("clear").await?;
            page.script("document.getElementById('mask').scrollIntoView({block: 'center'})", vec![]).await?;
            page.script(STROKE, vec![second.into()]).await?;
            found.push(mask_after(&page, pictures.picture(0)).await?);
        }
        ensure!(found[0] > 0 && found[0] == found[1], "{found:?} unknown pixels");
        Ok(())
    })
    .await
}

/// The answers to a link that asks for a restoration in which nothing is painted.
async fn answers(page: &Page<'_>, known: &str) -> Result<Pictures> {
    page.wait_for("done", 60).await?;
    ensure!(!page.element("mask").await?.is_displayed().await?, "there is nothing to paint");
    let beside = page.script("return document.querySelectorAll('#beside figure').length", vec![]).await?;
    // Of a picture that is blurred itself there is no original.
    let wanted = if known == "soft" { 1 } else { 2 };
    ensure!(beside == wanted, "{known}: {beside} pictures beside the answers");
    let run = page.save_json().await?;
    ensure!(run["settings"]["known"] == known, "{}", run["settings"]);
    let answers = Pictures::from_json(&run)?;
    ensure!(answers.picture(0) != answers.picture(1), "{known}: the answers are all the same");
    Ok(answers)
}

/// The largest difference between what is seen of any answer and what is seen of the picture.
fn error(answers: &Pictures, picture: &[f32], seen: impl Fn(&[f32]) -> Vec<f32>) -> f32 {
    let wanted = seen(picture);
    let found = (0..answers.shape[0]).flat_map(|answer| seen(answers.picture(answer)));
    found.zip(wanted.iter().cycle()).map(|(found, wanted)| (found - wanted).abs()).fold(0.0, f32::max)
}

#[tokio::test]
async fn what_is_known_of_a_smaller_or_blurred_picture_stays() -> Result<()> {
    let site = Site::new()?;
    let pictures = held_out(&site.small_model())?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for (known, task) in [
            ("half", "--task super-resolution --factor 2"),
            ("quarter", "--task super-resolution --factor 4"),
            ("eighth", "--task super-resolution --factor 8"),
            ("blurred", ""),
            ("soft", "--task deblur --blur 1.5"),
        ] {
            let query = format!("?task=inpaint&picture=1&known={known}&seed=5&count=4&steps=30&backend=cpu&autorun=1");
            let page = Page::open(browser, &site.url(&query)).await?;
            let answers = answers(&page, known).await?;
            let picture = pictures.picture(1);
            ensure!(answers.picture(0) != picture, "{known}: the answer is the picture itself");
            let off = match known {
                "half" => error(&answers, picture, |picture| means(picture, 2)),
                "quarter" => error(&answers, picture, |picture| means(picture, 4)),
                "eighth" => error(&answers, picture, |picture| means(picture, 8)),
                "blurred" => error(&answers, picture, blurred),
                _ => 0.0,
            };
            // A blur leaves next to nothing of the finest components, which are found anew.
            ensure!(off < if known == "blurred" { 0.01 } else { 1e-3 }, "{known}: what is known is off by {off}");
            // The trainer reads files of 256 values, which the page's own blur has more of.
            if known != "blurred" {
                let task = format!("restore --samples 8 {task}");
                let found = from_trainer(&site.small_model(), &task, &pictures, 1, 30)?;
                answers.ensure_like(&found).context(known)?;
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn colours_that_are_found_have_the_brightness_of_the_grey_picture() -> Result<()> {
    let site = Site::new()?;
    let model = site.path("models/colour");
    trainer::export_colour_model(&model)?;
    fs::write(site.path("models/index.json"), r#"{"models": [{"name": "colour"}]}"#)?;
    let pictures = held_out(&model)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?task=inpaint&picture=1&known=grey&seed=5&count=4&steps=30&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        let answers = answers(&page, "grey").await?;
        ensure!(answers.shape[3] == 3, "pictures of shape {:?}", answers.shape);
        let off = error(&answers, pictures.picture(1), brightness);
        ensure!(off < 1e-3, "the brightness is off by {off}");
        let colours = error(&answers, pictures.picture(1), <[f32]>::to_vec);
        ensure!(colours > 0.01, "the colours are those of the picture, of which only the brightness is known");
        answers.ensure_like(&from_trainer(&model, "restore --samples 8 --task colour", &pictures, 1, 30)?)
    })
    .await
}

/// How bright each pixel of a colour picture is.
fn brightness(picture: &[f32]) -> Vec<f32> {
    picture.chunks(3).map(|pixel| 0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2]).collect()
}

/// A square grey picture under a Gaussian blur of 1.5 pixels, mirrored at its edges.
fn blurred(picture: &[f32]) -> Vec<f32> {
    const REACH: isize = 9;
    let side = picture.len().isqrt();
    let mirrored = |at: isize| {
        let place = at.rem_euclid(2 * side.cast_signed()).cast_unsigned();
        place.min(2 * side - 1 - place)
    };
    let around: Vec<isize> = (-REACH..=REACH).collect();
    let weight = |at: isize| (-((at * at) as f32) / (2.0 * 1.5 * 1.5)).exp();
    let sum: f32 = around.iter().map(|&at| weight(at)).sum();
    let pixel = |at: usize| {
        let (y, x) = ((at / side).cast_signed(), (at % side).cast_signed());
        let row = |down: isize| {
            let values =
                around.iter().map(|&right| weight(right) * picture[mirrored(y + down) * side + mirrored(x + right)]);
            weight(down) * values.sum::<f32>()
        };
        around.iter().map(|&down| row(down)).sum::<f32>() / (sum * sum)
    };
    (0..picture.len()).map(pixel).collect()
}

/// The means of blocks of a square grey picture.
fn means(picture: &[f32], block: usize) -> Vec<f32> {
    let side = picture.len().isqrt();
    let starts = (0..side).step_by(block).flat_map(|y| (0..side).step_by(block).map(move |x| (y, x)));
    let mean = |(top, left): (usize, usize)| {
        let cells = (top..(top + block).min(side)).flat_map(|y| (left..(left + block).min(side)).map(move |x| (y, x)));
        let values: Vec<f32> = cells.map(|(y, x)| picture[y * side + x]).collect();
        values.iter().sum::<f32>() / values.len() as f32
    };
    starts.map(mean).collect()
}
