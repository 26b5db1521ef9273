//! Every room does what it says, on the one model.

use std::{ffi::OsStr, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{
    browser::{self, Gpu, Screen},
    compare::Pictures,
    page::Page,
    site::Site,
    trainer,
};

/// The numbers below the pictures beside the chains, in decibels, by name.
async fn decibels(page: &Page<'_>, name: &str) -> Result<f64> {
    let find = "const figures = [...document.querySelectorAll('#beside figure')];
        const figure = figures.find(f => f.querySelector('span').textContent === arguments[0]);
        return figure?.querySelector('.number').textContent ?? ''";
    let text = page.script(find, vec![name.into()]).await?;
    let text = text.as_str().unwrap_or_default().replace('−', "-");
    text.trim_end_matches("\u{a0}dB").parse().with_context(|| format!("{name}: {text:?} is no number of decibels"))
}

#[tokio::test]
async fn denoising_comes_nearer_to_the_clean_picture() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?task=denoise&picture=1&level=0.8&count=4&steps=30&seed=3&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 60).await?;
        let [noisy, jump, mean] = [
            decibels(&page, "Noisy").await?,
            decibels(&page, "One jump").await?,
            decibels(&page, "Mean of the chains").await?,
        ];
        ensure!(noisy + 1.0 < jump && noisy + 1.0 < mean, "noisy {noisy}, one jump {jump}, mean of the chains {mean}");
        // The model is not told the level.
        let told = page.text("level-read").await?;
        let read: f64 = told.trim_end_matches('.').rsplit(' ').next().unwrap_or_default().parse()?;
        ensure!(told.contains("picture: 0.8") && (read / 0.8 - 1.0).abs() < 0.15, "{told}");
        let run = page.save_json().await?;
        ensure!(run["settings"]["task"] == "denoise" && run["settings"]["picture"] == 1, "{}", run["settings"]);
        ensure!(Pictures::from_json(&run)?.shape[0] == 4);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn energies_are_the_trainers() -> Result<()> {
    let site = Site::new()?;
    let manifest: Value = serde_json::from_slice(&fs::read(site.small_model().join("model.json"))?)?;
    let count = manifest["held_out_pictures"].as_u64().context("held_out_pictures")? as usize;
    let pictures = Pictures::from_strip(&site.small_model().join("held-out.png"), count)?;
    let file = site.path("picture.png");
    write_grey(&file, pictures.picture(2))?;
    let model = site.small_model();
    let said = trainer::run([
        OsStr::new("score"),
        OsStr::new("--backend"),
        OsStr::new("flex"),
        OsStr::new("--json"),
        OsStr::new("--model"),
        model.as_os_str(),
        file.as_os_str(),
    ])?;
    let said: Value = serde_json::from_str(&said)?;
    let number = |name: &str| said["scores"][0][name].as_f64().context("score");
    let (energy, bits, unusual) = (number("energy")?, number("bits")?, number("percentile")?);
    // A model of an earlier version knows no bits.
    let old = site.path("models/old");
    let mut known = manifest.clone();
    known.as_object_mut().context("manifest")?.remove("likelihood").context("likelihood")?;
    fs::create_dir(&old)?;
    for file in fs::read_dir(site.small_model())? {
        let file = file?;
        fs::copy(file.path(), old.join(file.file_name()))?;
    }
    fs::write(old.join("model.json"), known.to_string())?;
    fs::write(site.path("models/index.json"), r#"{"models": [{"name": "small"}, {"name": "old"}]}"#)?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let before = |verdict: &str, from: &str, to: &str| -> Result<f64> {
            let number = verdict.split(from).nth(1).and_then(|rest| rest.split(to).next());
            Ok(number.with_context(|| format!("no number: {verdict}"))?.replace('−', "-").replace(',', "").parse()?)
        };
        let page = Page::open(browser, &site.url("?model=old&task=outliers&picture=2&backend=cpu")).await?;
        page.wait_for_data("judged", "done", 60).await?;
        let verdict = page.text("verdict").await?;
        let found = before(&verdict, "The energy is ", ", ")?;
        ensure!((found - energy).abs() <= 0.01 * energy.abs() + 0.01, "{verdict} The trainer says {energy}.");
        let share = if unusual > 99.0 && unusual < 100.0 { "more than 99".to_owned() } else { format!("{unusual:.0}") };
        let words = format!("more unusual than {share} % of");
        ensure!(verdict.contains(&words), "{verdict} The trainer says {unusual}.");
        let page = Page::open(browser, &site.url("?task=outliers&picture=2&backend=cpu")).await?;
        page.wait_for_data("judged", "done", 60).await?;
        let verdict = page.text("verdict").await?;
        let found = before(&verdict, "It has ", " ± ")?;
        ensure!((found - bits).abs() <= 0.51, "{verdict} The trainer says {bits}.");
        ensure!(page.element("surprise-map").await?.is_displayed().await?, "no map");
        // One of them is the other model's, which comes a little later.
        let kinds = "return document.querySelectorAll('#kinds figure').length";
        page.wait_for_value(kinds, |kinds| *kinds == 10, 30).await?;
        page.wait_for_data("judged", "done", 60).await?;
        // The chosen one is measured as it is told, the others more roughly.
        let kinds = "return [...document.querySelectorAll('#kinds .number')].map((number) => number.textContent)";
        let kinds: Vec<String> = serde_json::from_value(page.script(kinds, vec![]).await?)?;
        let rough = kinds.iter().skip(1).all(|number| number.starts_with("≈ "));
        ensure!(rough && kinds[0].contains(" ± "), "{kinds:?}");
        // The same picture as a file of the visitor's, and a drawing.
        page.drop_files(&[("mine.png", "picture.png")]).await?;
        page.wait_for_pictures(count + 1).await?;
        page.wait_for_data("judged", "done", 30).await?;
        ensure!(
            page.text("verdict").await? == verdict,
            "an upload is judged otherwise: {}",
            page.text("verdict").await?
        );
        page.script("document.getElementById('draw').open = true", vec![]).await?;
        page.click("drawing").await?;
        page.click("drawing-use").await?;
        page.wait_for_data("judged", "done", 10).await?;
        page.wait_for_pictures(count + 2).await?;
        page.look("judged-desk").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_landscape_is_drawn_and_chains_walk_on_it() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let page = Page::open(browser, &site.url("?task=landscape&corners=0,1,2&backend=cpu")).await?;
        page.wait_for_data("map", "done", 120).await?;
        page.element("map").await?.send_keys("\u{e014}").await?;
        let reading = page.text("map-reading").await?;
        ensure!(reading.starts_with("Energy "), "{reading}");
        // Enter in a field is no wish for a run here.
        page.press("corner-b", '\u{e007}').await?;
        ensure!(page.data("state").await? == "ready", "{}", page.data("state").await?);
        // No disc hides the mark of the lowest point.
        let widest = "const { arc } = CanvasRenderingContext2D.prototype;
            const drawn = [];
            CanvasRenderingContext2D.prototype.arc = function (...what) { drawn.push(what[2]); return arc.apply(this, what); };
            document.getElementById('map').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp' }));
            CanvasRenderingContext2D.prototype.arc = arc;
            return Math.max(...drawn) / Math.max(...drawn.filter((radius) => radius < Math.max(...drawn)))";
        let widest = page.script(widest, vec![]).await?;
        ensure!(widest.as_f64().is_some_and(|factor| factor > 1.3), "{widest}");
        // Chains that are stopped at once leave no pictures here.
        page.script("for (const id of ['walk', 'cancel']) document.getElementById(id).click()", vec![]).await?;
        page.wait_for("cancelled", 20).await?;
        ensure!(page.text("status").await? == "Stopped early.", "{}", page.text("status").await?);
        page.click("walk").await?;
        page.wait_for("done", 60).await?;
        page.look("landscape-walked-phone").await?;
        // A picture that comes while chains walk leaves them their plane.
        let hold = "new MutationObserver((_, observer) => {
                if (document.body.dataset.state !== 'running') return;
                observer.disconnect();
                document.getElementById('pause').click();
            }).observe(document.body, { attributes: true });
            document.getElementById('walk').click();
            return document.querySelectorAll('#pictures input').length";
        let there = page.script(hold, vec![]).await?.as_u64().context("no pictures")?;
        page.wait_for_data("paused", "1", 20).await?;
        page.drop_files(&[("mine.png", "models/small/samples.png")]).await?;
        page.wait_for_pictures(there as usize + 1).await?;
        let chosen = "return document.querySelector('#pictures label:last-child input').checked";
        let chosen = page.script(chosen, vec![]).await?;
        ensure!(page.data("map").await? == "done" && chosen == false, "there is another plane under the chains");
        page.click("pause").await?;
        page.wait_for("done", 60).await?;
        page.script("document.getElementById('corner-b').click()", vec![]).await?;
        page.script("document.querySelectorAll('#pictures input')[3].click()", vec![]).await?;
        page.wait_for_data("map", "done", 120).await?;
        let address = browser.client.current_url().await?;
        ensure!(address.query().is_some_and(|query| query.contains("corners=0%2C3%2C2")), "{address}");
        let reading = page.text("map-reading").await?;
        ensure!(reading.starts_with("Point at the map"), "of the map before: {reading}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn many_noise_levels_find_what_one_does_not() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=landscape&toy=rings&backend=cpu&autorun=1")).await?;
        page.wait_for_data("toy", "done", 180).await?;
        let captions = page.script(
            "return [...document.querySelectorAll('.toys figcaption span')].map(s => parseInt(s.textContent))",
            vec![],
        );
        let shares: Vec<i64> = serde_json::from_value(captions.await?)?;
        ensure!(shares.len() == 2 && shares[0] < 75 && shares[1] > 85, "at the data: {shares:?} %");
        page.look("toy-desk").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_run_goes_on_while_other_rooms_are_visited() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=4&steps=4000&backend=cpu&autorun=1")).await?;
        page.wait_for("running", 60).await?;
        page.go_to("outliers").await?;
        page.wait_for_data("judged", "done", 30).await?;
        ensure!(page.text("status").await?.contains("under “Sample”"), "{}", page.text("status").await?);
        ensure!(page.data("state").await? == "running", "the run was over before the pictures were judged");
        page.go_to("about").await?;
        let card = page.text("card").await?;
        ensure!(card.contains("SHA-256") && !card.contains("MDSM loss"), "the long table is not folded: {card}");
        page.script("document.querySelector('#card summary').click()", vec![]).await?;
        let card = page.text("card").await?;
        ensure!(card.contains("MDSM loss"), "{card}");
        page.wait_for("done", 120).await?;
        page.go_to("sample").await?;
        ensure!(page.save_json().await?["settings"]["steps"] == 4000);
        // A chain, large, and its picture in another room.
        page.script("document.querySelector('#grid button').click()", vec![]).await?;
        page.click("chain-score").await?;
        page.wait_for_data("room", "outliers", 5).await?;
        page.wait_for_data("judged", "done", 30).await?;
        // On from a noise level.
        page.go_to("sample").await?;
        page.fill("continue-level", "0.3").await?;
        page.press("continue", ' ').await?;
        page.wait_for("done", 120).await?;
        ensure!(page.focused().await? == "start", "the focus is on #{}", page.focused().await?);
        let level = page.save_json().await?["continued_from_level"].as_f64();
        ensure!(level.is_some_and(|level| (level - 0.3).abs() < 1e-6), "{level:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rooms_work_on_a_gpu() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::Software, Screen::Desk, async |browser| {
        let query = "?task=denoise&picture=1&level=0.8&count=1&steps=2&backend=webgpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 300).await?;
        ensure!(page.data("backend").await? == "webgpu", "{:?}", page.notices().await?);
        ensure!(decibels(&page, "Noisy").await? < decibels(&page, "One jump").await?);
        page.go_to("outliers").await?;
        page.wait_for_data("judged", "done", 120).await
    })
    .await
}

fn write_grey(path: &std::path::Path, picture: &[f32]) -> Result<()> {
    let side = picture.len().isqrt() as u32;
    let mut encoder = png::Encoder::new(fs::File::create(path)?, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    let bytes: Vec<u8> = picture.iter().map(|value| (value * 255.0).round() as u8).collect();
    Ok(encoder.write_header()?.write_image_data(&bytes)?)
}

#[tokio::test]
async fn a_picture_belongs_to_the_model_of_its_own_data() -> Result<()> {
    /// Pictures of another model, to be judged beside it, come when this is wanted.
    const LATE: &str = "
        const load = window.fetch;
        window.fetch = (path, ...how) => `${path}`.endsWith('held-out.png')
            ? new Promise((go) => window.release = () => go(load(path, ...how))) : load(path, ...how);";
    let site = Site::with(&["fashion", "digits", "faces"])?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": LATE })).await?;
        let query = "?model=fashion&task=outliers&seed=1&count=1&steps=2&level=0.4&backend=cpu";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for_data("judged", "done", 60).await?;
        page.script("document.getElementById('compare-models').click(); window.release()", vec![]).await?;
        page.wait_for_data("compared", "done", 60).await?;
        let said = page.text("belongings").await?;
        // The likeliest first; faces have other pictures.
        let right = said.starts_with("This model") && said.contains("Digits (MNIST)");
        // Nothing is certain, and the bits are not those of the judgement.
        let honest = ["more than 99 %", "less than 1 %", "if the picture belongs", "the prior"];
        ensure!(right && honest.iter().all(|words| said.contains(words)), "{said}");
        ensure!(!said.contains("faces"), "{said}");
        // Another picture is another question.
        page.script("document.querySelectorAll('#pictures input')[1].click()", vec![]).await?;
        page.wait_for_data("judged", "done", 60).await?;
        ensure!(page.text("belongings").await?.is_empty(), "the answer is of another picture");
        // A jump from a picture whose frame has no noise is three decibels short.
        page.go_to("denoise").await?;
        page.script("document.querySelectorAll('#pictures input')[4].click()", vec![]).await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let jump = decibels(&page, "One jump").await?;
        ensure!(jump > 19.5, "one jump: {jump} dB");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pictures_of_other_models_come_where_they_are_judged_and_a_judgement_stays() -> Result<()> {
    /// What the page, not its engine, has fetched of the other model.
    const FETCHED: &str = "return performance.getEntriesByType('resource').map(({ name }) => name)
        .filter((name) => name.includes('models/digits/')).length";
    let site = Site::with(&["fashion", "digits"])?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?model=fashion&task=sample&seed=1&count=1&steps=2&backend=cpu";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("ready", 60).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let fetched = page.script(FETCHED, vec![]).await?;
        ensure!(fetched == 0, "{fetched} files of another model");
        page.go_to("outliers").await?;
        page.wait_for_words("kinds", "From Digits", 60).await?;
        page.wait_for_data("judged", "done", 60).await?;
        let (fetched, kinds) = (page.script(FETCHED, vec![]).await?, page.text("kinds").await?);
        ensure!(fetched == 2 && !kinds.contains('…'), "{fetched} files: {kinds}");
        // What is known is not asked again.
        let note = "window.asked = 0;
            new MutationObserver(() => window.asked += document.body.dataset.judged !== 'done')
                .observe(document.body, { attributes: true })";
        page.script(note, vec![]).await?;
        page.go_to("sample").await?;
        page.go_to("outliers").await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let asked = page.script("return window.asked", vec![]).await?;
        ensure!(asked == 0 && page.text("kinds").await? == kinds, "the same picture is judged anew");
        // Another picture is.
        page.go_to("denoise").await?;
        page.script("document.querySelectorAll('#pictures input')[1].click()", vec![]).await?;
        page.go_to("outliers").await?;
        ensure!(page.script("return window.asked", vec![]).await? != 0, "another picture is not judged");
        page.wait_for_data("judged", "done", 60).await
    })
    .await
}

#[tokio::test]
async fn a_damaged_model_beside_it_is_told_when_models_are_compared() -> Result<()> {
    let site = Site::with(&["fashion", "digits"])?;
    fs::write(site.path("models/digits/model.safetensors"), b"damaged")?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?model=fashion&task=outliers&backend=cpu")).await?;
        page.wait_for_data("judged", "done", 60).await?;
        page.click("compare-models").await?;
        page.wait_for_notice(&["digits"]).await?;
        ensure!(page.text("belongings").await?.is_empty(), "{}", page.text("belongings").await?);
        ensure!(page.data("state").await? == "ready", "the model that works is lost");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_comparison_that_never_ends_holds_nothing_up() -> Result<()> {
    let site = Site::with(&["fashion", "digits"])?;
    site.before_engine(
        "const load = globalThis.fetch;
         globalThis.fetch = (path, ...how) =>
             `${path}`.includes('digits/model.safetensors') ? new Promise(() => {}) : load(path, ...how);",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?model=fashion&task=outliers&seed=1&count=1&steps=2&backend=cpu";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for_data("judged", "done", 60).await?;
        page.click("compare-models").await?;
        ensure!(page.text("belongings").await?.starts_with("Asking"), "{}", page.text("belongings").await?);
        page.go_to("sample").await?;
        page.click("start").await?;
        page.wait_for("done", 20).await?;
        page.go_to("outliers").await?;
        ensure!(page.text("belongings").await?.is_empty(), "nobody asks any more");
        // Nor does a model that never comes have the page say that it is ready.
        let choose = "const model = document.getElementById('model');
            model.value = 'digits'; model.dispatchEvent(new Event('change'))";
        page.script(choose, vec![]).await?;
        page.wait_for("loading", 5).await?;
        page.go_to("about").await?;
        ensure!(page.text("status").await?.starts_with("Loading"), "{}", page.text("status").await?);
        // Nor can a run go on without one.
        page.go_to("sample").await?;
        let (save, go_on) = (page.element("save-png").await?, page.element("continue").await?);
        ensure!(save.is_enabled().await? && !go_on.is_enabled().await?, "a run goes on without a model");
        Ok(())
    })
    .await
}
