//! Models that the visitor brings, and files that are none.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::{SMALL, Site},
    trainer,
};

/// The files of the small model, under the names that a dropped folder has.
const FILES: [(&str, &str); 3] = [
    ("model.json", "models/small/model.json"),
    ("model.safetensors", "models/small/model.safetensors"),
    ("held-out.png", "models/small/held-out.png"),
];

#[tokio::test]
async fn a_dropped_model_works_like_the_others() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?seed=6&count=2&steps=5&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        let wanted = page.save_json().await?;
        ensure!(wanted["settings"]["model"] == SMALL);
        page.drop_files(&FILES).await?;
        page.wait_for_data("model", "yours", 30).await?;
        page.wait_for("ready", 30).await?;
        let address = browser.client.current_url().await?;
        ensure!(address.as_str().contains("model=yours"), "{address}");
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        let found = page.save_json().await?;
        ensure!(found["pixels"] == wanted["pixels"] && found["settings"]["model"] == "yours");
        Ok(())
    })
    .await
}

/// Has the manifest of the small model say something else.
fn say(site: &Site, key: &str, value: Value) -> Result<()> {
    let path = site.small_model().join("model.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path)?)?;
    manifest[key] = value;
    Ok(fs::write(&path, manifest.to_string())?)
}

/// Has the small model come without held-out pictures.
fn without_held_out(site: &Site) -> Result<()> {
    say(site, "held_out_pictures", 0.into())?;
    Ok(fs::remove_file(site.small_model().join("held-out.png"))?)
}

/// Whether the hint of this name can be seen.
async fn hinted(page: &Page<'_>, id: &str) -> Result<bool> {
    let seen = page.script("return document.getElementById(arguments[0]).checkVisibility()", vec![id.into()]).await?;
    Ok(seen == true)
}

#[tokio::test]
async fn a_model_without_held_out_pictures_offers_its_own_samples() -> Result<()> {
    let site = Site::new()?;
    without_held_out(&site)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&mask=left&count=1&steps=3&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let count = page.script("return document.querySelectorAll('#pictures input').length", vec![]).await?;
        ensure!(count.as_u64().is_some_and(|count| count >= 3), "{count} pictures");
        ensure!(hinted(&page, "samples-instead").await? && !hinted(&page, "no-pictures").await?);
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        page.go_to("outliers").await?;
        page.wait_for_data("judged", "done", 30).await?;
        page.go_to("landscape").await?;
        page.wait_for_data("map", "done", 60).await?;
        page.click("other-corners").await?;
        page.wait_for_data("map", "done", 60).await?;
        ensure!(page.notices().await?.is_empty());
        // Samples that come after the model are waited for: a link may ask for one of them.
        let late = "const load = window.fetch;
            window.fetch = (path, ...how) => `${path}`.endsWith('run.png')
                ? new Promise((go) => window.release = () => go(load(path, ...how))) : load(path, ...how);";
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": late })).await?;
        let query = "?task=inpaint&picture=2&mask=left&count=1&steps=3&seed=1&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        // The engine is done with the model a moment after it tests it.
        let begin = Instant::now();
        while !page.text("status").await?.starts_with("Testing") {
            ensure!(begin.elapsed() < Duration::from_secs(60), "no test of the model: {}", page.text("status").await?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        page.script("window.release()", vec![]).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await?["settings"]["picture"] == 2 && page.notices().await?.is_empty());
        page.go_to("outliers").await?;
        page.wait_for_data("judged", "done", 30).await?;
        // Nor do they have to come.
        let never = "const before = window.fetch;
            window.fetch = (path, ...how) =>
                `${path}`.endsWith('run.png') ? Promise.reject(new TypeError()) : before(path, ...how);";
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": never })).await?;
        page.script("return caches.delete('models')", vec![]).await?;
        let page = Page::open(browser, &site.url("?task=inpaint&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(hinted(&page, "no-pictures").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pictures_that_are_not_of_the_models_data_say_whose_they_are() -> Result<()> {
    let site = Site::new()?;
    say(&site, "pictures_licence", "CC0 (Jane Doe)".into())?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=denoise&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let told = page.text("others-instead").await?;
        ensure!(told.contains("not come from the model’s data") && told.ends_with("CC0 (Jane Doe)."), "{told}");
        ensure!(hinted(&page, "others-instead").await? && !hinted(&page, "samples-instead").await?);
        page.go_to("about").await?;
        ensure!(page.text("card").await?.contains("CC0 (Jane Doe)"));
        // Pictures of the data need no such line.
        say(&site, "pictures_licence", Value::Null)?;
        let page = Page::open(browser, &site.url("?task=denoise&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(!hinted(&page, "others-instead").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_model_without_pictures_says_where_to_take_some() -> Result<()> {
    let site = Site::new()?;
    without_held_out(&site)?;
    site.edit("models/index.json", r#""recorded": true"#, r#""recorded": false"#)?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for room in ["inpaint", "landscape"] {
            let page = Page::open(browser, &site.url(&format!("?task={room}&backend=cpu"))).await?;
            page.wait_for("ready", 60).await?;
            let hint = hinted(&page, "no-pictures").await?;
            ensure!(hint && page.notices().await?.is_empty(), "{room}: {hint}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pictures_that_cannot_be_fetched_are_not_said_to_be_none() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "const load = globalThis.fetch;
         globalThis.fetch = async (path, ...how) =>
             `${path}`.endsWith('held-out.png') ? new Response('', { status: 503 }) : load(path, ...how);",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let query = "?task=inpaint&picture=2&mask=left&count=1&steps=3&seed=1&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for_notice(&["held-out.png", "503"]).await?;
        page.wait_for("ready", 60).await?;
        // The picture that the link means is not there: its number is that of another one.
        tokio::time::sleep(Duration::from_secs(1)).await;
        ensure!(page.data("state").await? == "ready", "a run with another picture than the link's");
        ensure!(!page.text("status").await?.contains("of this link"), "{}", page.text("status").await?);
        ensure!(hinted(&page, "samples-instead").await? && !hinted(&page, "none-come").await?);
        // What needs no picture runs.
        let page = Page::open(browser, &site.url("?count=1&steps=3&seed=1&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await
    })
    .await
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_chooses_no_device() -> Result<()> {
    /// Has the page note what it tells its workers.
    const NOTE: &str = "const { postMessage } = Worker.prototype;
        window.told = [];
        Worker.prototype.postMessage = function (data, ...how) {
            window.told.push(data[0]);
            return postMessage.call(this, data, ...how);
        };";
    let site = Site::new()?;
    fs::create_dir(site.path("models/other"))?;
    for file in fs::read_dir(site.small_model())? {
        let file = file?;
        fs::copy(file.path(), site.path("models/other").join(file.file_name()))?;
    }
    let list = json!({ "models": [{ "name": SMALL }, { "name": "gone" }, { "name": "other" }] });
    fs::write(site.path("models/index.json"), list.to_string())?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": NOTE })).await?;
        let page = Page::open(browser, &site.url("?count=1&steps=2")).await?;
        page.wait_for("ready", 60).await?;
        let choose = "const model = document.getElementById('model');
            model.value = arguments[0]; model.dispatchEvent(new Event('change'))";
        page.script(choose, vec!["gone".into()]).await?;
        page.wait_for_notice(&["model.json", "404", "stays"]).await?;
        page.script(choose, vec!["other".into()]).await?;
        page.wait_for_data("model", "other", 60).await?;
        let load = "return window.told.filter((text) => `${text}`.startsWith('{\"Load\"')).at(-1)";
        let load: Value = serde_json::from_str(page.script(load, vec![]).await?.as_str().unwrap_or_default())?;
        let load = &load["Load"];
        ensure!(load["model"] == "other" && load["backend"].is_null() && load["compare"] == true, "{load}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_dropped_model_is_checked_like_the_others() -> Result<()> {
    let site = Site::new()?;
    let mut bytes = fs::read(site.small_model().join("model.safetensors"))?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    fs::write(site.path("bad.safetensors"), bytes)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?backend=cpu&count=1&steps=2")).await?;
        page.wait_for("ready", 60).await?;
        page.drop_files(&[FILES[0], ("model.safetensors", "bad.safetensors"), FILES[2]]).await?;
        page.wait_for_notice(&["SHA-256", "damaged", "trainer export"]).await?;
        // The model from before is still there.
        page.wait_for("ready", 30).await?;
        ensure!(page.data("model").await? == SMALL);
        page.click("start").await?;
        page.wait_for("done", 60).await
    })
    .await
}

#[tokio::test]
async fn hostile_files_are_refused_with_a_sentence() -> Result<()> {
    let site = Site::new()?;
    // A PNG header that declares four thousand million pixels a side.
    let huge = [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &[0xFF; 8], &[8, 0, 0, 0, 0]].concat();
    let broken = [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08"[..], &[8, 0, 0, 0, 0]].concat();
    let files: [(&str, Vec<u8>, &str); 4] = [
        ("huge.png", huge, "cannot be used"),
        ("broken.png", broken, "cannot be decoded"),
        ("page.html", b"<script>alert(1)</script>".to_vec(), "a web page"),
        ("long.png", vec![0; (128 << 20) + 1], "larger than the 128 MB"),
    ];
    for (name, bytes, _) in &files {
        fs::write(site.path(name), bytes)?;
    }
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        for (name, _, word) in &files {
            page.drop_files(&[(name, name)]).await?;
            page.wait_for_notice(&[word]).await?;
        }
        page.click("start").await?;
        page.wait_for("done", 60).await
    })
    .await
}

#[tokio::test]
async fn a_colour_model_works_in_every_room() -> Result<()> {
    let site = Site::new()?;
    trainer::export_colour_model(&site.path("models/colour"))?;
    let list = format!(r#"{{"models": [{{"name": "{SMALL}", "title": "Small"}}, {{"name": "colour"}}]}}"#);
    fs::write(site.path("models/index.json"), list)?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let query = "?model=colour&task=inpaint&mask=left&count=2&steps=4&backend=cpu&autorun=1";
        let page = Page::open(browser, &site.url(query)).await?;
        page.wait_for("done", 60).await?;
        let run = page.save_json().await?;
        ensure!(run["shape"] == serde_json::json!([2, 16, 16, 3]), "{}", run["shape"]);
        page.go_to("denoise").await?;
        // The room before it is done, too.
        page.script("document.body.dataset.step = ''", vec![]).await?;
        page.click("start").await?;
        page.wait_for_data("step", "4", 60).await?;
        page.wait_for("done", 60).await?;
        page.go_to("outliers").await?;
        page.wait_for_words("kinds", "From Small", 30).await?;
        page.wait_for_data("judged", "done", 30).await?;
        page.go_to("landscape").await?;
        page.wait_for_data("map", "done", 60).await?;
        page.look("landscape-colour-phone").await?;
        // The other model, and back.
        for model in [SMALL, "colour"] {
            let choose = "const model = document.getElementById('model');
                model.value = arguments[0]; model.dispatchEvent(new Event('change'))";
            page.script(choose, vec![model.into()]).await?;
            page.wait_for_data("model", model, 30).await?;
            page.wait_for_data("map", "done", 60).await?;
        }
        Ok(())
    })
    .await
}
