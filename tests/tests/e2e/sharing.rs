//! What is saved leads back to what it was saved from.

use std::fs;

use anyhow::{Context, Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::{SMALL, Site},
};

#[tokio::test]
async fn a_saved_picture_brings_its_settings_back() -> Result<()> {
    let site = Site::new()?;
    // The same model under another name.
    fs::create_dir(site.path("models/twin"))?;
    for file in fs::read_dir(site.small_model())? {
        let file = file?;
        fs::copy(file.path(), site.path("models/twin").join(file.file_name()))?;
    }
    fs::write(site.path("models/index.json"), r#"{"models": [{"name": "small"}, {"name": "twin"}]}"#)?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?task=inpaint&picture=2&mask=top&seed=77&count=2&steps=12&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 60).await?;
        let first = page.save_json().await?;
        fs::write(site.path("saved.png"), page.save("save-png", "png").await?)?;
        fs::write(site.path("saved.json"), page.save("save-json", "json").await?)?;

        let page = Page::open(browser, &site.url("?model=twin&seed=1")).await?;
        page.wait_for("ready", 60).await?;
        for (file, model) in [("saved.png", "twin"), ("saved.json", "small")] {
            // The room changes once the model is there, and no earlier.
            let note = "const { dataset } = document.body;
                window.early = false;
                new MutationObserver(() => window.early ||= dataset.room === 'inpaint' && dataset.model !== 'small')
                    .observe(document.body, { attributes: true })";
            page.script(note, vec![]).await?;
            page.fill("seed", "1").await?;
            ensure!(page.data("model").await? == model, "{file}");
            page.drop_files(&[(file, file)]).await?;
            page.wait_for_words("status", "are in use", 30).await?;
            page.wait_for_data("room", "inpaint", 10).await?;
            let seed = page.script("return document.getElementById('seed').value", vec![]).await?;
            let notices = page.notices().await?;
            ensure!(seed == "77" && page.data("model").await? == "small" && notices.is_empty(), "{seed}, {notices:?}");
            ensure!(page.script("return window.early", vec![]).await? == false, "{file}: the room came first");
            page.go_to("sample").await?;
        }
        page.go_to("inpaint").await?;
        let backend = page.script("return document.getElementById('backend').value", vec![]).await?;
        ensure!(backend == "cpu", "the form says that the {backend} computes");
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await? == first, "the settings of the file lead to another run");
        // No settings bring back what was painted: then a file has none, and a link says so.
        page.click("invert").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let painted = page.save("save-png", "png").await?;
        let has_settings = |file: &[u8]| file.windows(5).any(|part| part == b"task=");
        ensure!(has_settings(&fs::read(site.path("saved.png"))?) && !has_settings(&painted));
        // Nor do they lead to an earlier moment of a run.
        page.go_to("sample").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let open = "document.querySelector('#grid button').click()";
        page.script(open, vec![]).await?;
        let end = page.save("chain-save", "png").await?;
        fs::write(site.path("end.png"), &end)?;
        let look_back = "const scrub = document.getElementById('scrub');
            scrub.value = 1;
            scrub.dispatchEvent(new Event('input'))";
        page.script(look_back, vec![]).await?;
        ensure!(has_settings(&end) && !has_settings(&page.save("chain-save", "png").await?));
        // A file of another task leaves the mask that was painted, and what is brought is not behind a dialog.
        page.drop_files(&[("end.png", "end.png")]).await?;
        page.wait_for_words("status", "are in use", 10).await?;
        let is_open = "return document.querySelector('dialog[open]') !== null";
        ensure!(page.script(is_open, vec![]).await? == false, "settings are restored behind a dialog");
        // What is shown is saved, an earlier moment without its settings, and goes on.
        let moment = page.save_json().await?;
        let step = page.text("step").await?;
        let shown = moment["stopped_at_step"].as_u64().is_some_and(|done| step == format!("{done} of 12"));
        ensure!(shown && !has_settings(&page.save("save-png", "png").await?), "{step}: {}", moment["stopped_at_step"]);
        page.script("document.querySelector('#scrub').value = 999", vec![]).await?;
        page.script("document.querySelector('#scrub').dispatchEvent(new Event('input'))", vec![]).await?;
        ensure!(page.save_json().await?["stopped_at_step"].is_null(), "the end is no earlier moment");
        page.script(open, vec![]).await?;
        page.drop_files(&[("samples.png", &format!("models/{SMALL}/samples.png"))]).await?;
        page.wait_for_data("room", "inpaint", 10).await?;
        ensure!(page.script(is_open, vec![]).await? == false, "a picture is behind a dialog");
        page.copied("copy-link").await?;
        page.wait_for_words("status", "mask that you painted", 5).await?;
        // A file that was made with another model of the same name: what it asks for is looked at as what an address does.
        let foreign = "model=small&task=inpaint&known=grey&picture=99&weights=0badc0de";
        let mut encoder = png::Encoder::new(fs::File::create(site.path("foreign.png"))?, 1, 1);
        encoder.add_itxt_chunk("Comment".to_owned(), foreign.to_owned())?;
        encoder.write_header()?.write_image_data(&[0])?;
        page.drop_files(&[("foreign.png", "foreign.png")]).await?;
        page.wait_for_notice(&["made with a model that is not here"]).await?;
        page.wait_for_notice(&["have no colours"]).await?;
        page.wait_for_notice(&["Picture 99 was asked for"]).await?;
        let known = page.script("return document.getElementById('known').value", vec![]).await?;
        ensure!(known == "part", "{known} is known");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_run_that_was_continued_is_not_taken_for_one_of_its_settings() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=3&count=1&steps=3&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        page.click("continue").await?;
        page.wait_for("done", 60).await?;
        fs::write(site.path("continued.json"), page.save("save-json", "json").await?)?;
        page.fill("seed", "9").await?;
        page.drop_files(&[("continued.json", "continued.json")]).await?;
        page.wait_for_notice(&["do not lead to its pictures"]).await?;
        let seed = page.script("return document.getElementById('seed').value", vec![]).await?;
        ensure!(seed == "9" && page.text("status").await?.starts_with("Done"), "{seed}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn many_pictures_are_saved_without_holding_the_page_up() -> Result<()> {
    /// Saves, and resolves to the longest time in milliseconds that the page's thread did not come round until there was a
    /// file, and to the whole time.
    const SAVE: &str = "const [done] = arguments;
        const begun = performance.now();
        let last = begun, longest = 0, saved = false;
        HTMLAnchorElement.prototype.click = () => { saved = true; };
        document.getElementById('save-json').click();
        const tick = () => {
            const now = performance.now();
            longest = Math.max(longest, now - last);
            last = now;
            saved ? done([longest, now - begun]) : setTimeout(tick);
        };
        tick();";
    let site = Site::with(&["avatars"])?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?model=avatars&seed=1&count=256&steps=1&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 120).await?;
        let idle = page.longest_gap().await?;
        let (longest, whole): (f64, f64) = serde_json::from_value(page.ask(SAVE).await?)?;
        println!("{whole:.0} ms, gaps of {longest:.0} ms, idle {idle:.0} ms");
        ensure!(longest < 300.0 + 3.0 * idle, "the page's thread was away for {longest:.0} ms");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_run_is_saved_as_an_animation() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=4&count=4&steps=300&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        let still = page.save("save-png", "png").await?;
        let moving = page.save("save-apng", "png").await?;
        let mut reader = png::Decoder::new(std::io::Cursor::new(&moving)).read_info()?;
        let frames = reader.info().animation_control.context("no animation")?.num_frames;
        ensure!((2..=60).contains(&frames), "{frames} frames");
        let mut first = vec![0; reader.output_buffer_size().context("size")?];
        let mut last = first.clone();
        reader.next_frame(&mut first)?;
        for _ in 1..frames {
            reader.next_frame(&mut last)?;
        }
        let mut reader = png::Decoder::new(std::io::Cursor::new(&still)).read_info()?;
        let mut end = vec![0; reader.output_buffer_size().context("size")?];
        reader.next_frame(&mut end)?;
        ensure!(first != last && last == end, "the animation does not end with the finished pictures");
        Ok(())
    })
    .await
}
