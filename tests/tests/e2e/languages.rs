//! The page in another language than English.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
    waiting::until,
};

/// Chooses a language, as a visitor does, and waits for the page that comes.
async fn choose(page: &Page<'_>, code: &str) -> Result<()> {
    const CHOOSE: &str = "const choice = document.getElementById('language'), kept = localStorage.language;
        choice.value = arguments[0]; choice.dispatchEvent(new Event('change'));
        return choice.value === document.documentElement.lang && localStorage.language === kept";
    const CHOSEN: &str = "return document.documentElement.lang === arguments[0]
        && document.getElementById('language').value === arguments[0]";
    let stays = page.script(CHOOSE, vec![code.into()]).await?;
    ensure!(stays == true, "who stays on the page after all has another language there");
    // Between two pages there may be none to ask.
    let chosen = async || page.script(CHOSEN, vec![code.into()]).await.is_ok_and(|chosen| chosen == true);
    until(30, async || Ok(chosen().await.then_some(())))
        .await?
        .with_context(|| format!("the page does not speak {code}"))?;
    page.wait_for("ready", 60).await
}

async fn title(page: &Page<'_>) -> Result<String> {
    let title = page.script("return document.title", vec![]).await?;
    Ok(title.as_str().context("title")?.to_owned())
}

#[tokio::test]
async fn german_is_asked_for_and_left_again() -> Result<()> {
    let site = Site::new()?;
    // For the engine to say something, too.
    fs::remove_file(site.small_model().join("held-out.png"))?;
    site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let asked = "model=small&seed=5&count=2&sampler=annealed&steps=7&task=sample&lesson=1";
        let page = Page::open(browser, &site.url(&format!("?backend=cpu&amp;lang=de&amp;{asked}"))).await?;
        page.wait_for("ready", 60).await?;
        // As a link is that was copied out of the text of a web page.
        ensure!(page.script("return document.documentElement.lang", vec![]).await? == "de");
        ensure!(title(&page).await?.starts_with("Bilder aus einem energiebasierten"), "{}", title(&page).await?);
        for (id, wanted) in [
            ("new", "Neuer Lauf"),
            ("lessons", ""),
            ("lesson-number", "Lektion 1 von 8"),
            ("lesson-title", "Rauschen wird zum Bild"),
            ("status", "Bereit auf der CPU. Start drücken, um den Lauf dieses Links zu sehen."),
        ] {
            ensure!(page.text(id).await? == wanted, "#{id}: {}", page.text(id).await?);
        }
        // What the engine says, and what the page adds.
        page.wait_for_notice(&["held-out.png", "konnte nicht geholt werden", "404", "Eigene Bilder"]).await?;
        page.fill("count", "1000").await?;
        page.click("start").await?;
        page.wait_for_notice(&["Die Zahl der Bilder", "eine ganze Zahl von 1 bis 256"]).await?;
        page.fill("count", "2").await?;
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.text("status").await?.starts_with("Fertig in "), "{}", page.text("status").await?);
        ensure!(page.text("step").await? == "7 von 7" && page.text("lesson-done").await?.contains("neu"));
        page.go_to("denoise").await?;
        let value = page.script("return document.getElementById('level').value", vec![]).await?;
        ensure!(value == "0,4", "{value}");
        page.fill("level", "9").await?;
        page.click("start").await?;
        page.wait_for_notice(&["eine Zahl von 0,05 bis 2."]).await?;
        page.go_to("sample").await?;
        let value = page.script("return document.getElementById('continue-level').value", vec![]).await?;
        ensure!(value == "0,5", "{value}");
        page.go_to("about").await?;
        let card = page.text("card").await?;
        ensure!(card.contains("Rauschstufen") && card.contains("0,"), "{card}");
        // A screen reader is told what is English there, in all rows of measurements and in sentences.
        let english =
            "const of = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.lang === 'en').length;
            return [of('#card dd'), of('#card th') > 0 && of('#card th') === of('#card td:last-child'),
                of('#about-model span'), of('#model option')]";
        let english = page.script(english, vec![]).await?;
        ensure!(english == json!([2, true, 2, 1]), "{english}");
        page.go_to("sample").await?;

        choose(&page, "en").await?;
        ensure!(title(&page).await? == "Pictures from an energy-based model" && page.text("new").await? == "New run");
        ensure!(page.text("lesson-title").await? == "Noise becomes a picture");
        let address = browser.client.current_url().await?;
        let parts: Vec<&str> = address.query().unwrap_or_default().split('&').collect();
        for part in asked.split('&').chain(["lang=en"]) {
            ensure!(parts.contains(&part), "{part} is lost: {address}");
        }
        ensure!(parts.len() == asked.split('&').count() + 1, "{address}");

        // A choice is remembered, and a link has the last word.
        choose(&page, "de").await?;
        let page = Page::open(browser, &site.url("?seed=1&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.text("new").await? == "Neuer Lauf");
        let address = browser.client.current_url().await?;
        ensure!(!address.as_str().contains("lang="), "a link is in everybody's own language: {address}");
        let page = Page::open(browser, &site.url("?seed=1&backend=cpu&lang=en")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.text("new").await? == "New run");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_browsers_language_is_spoken_where_it_is_there() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Phone, async |browser| {
        let agent = browser.client.execute("return navigator.userAgent", vec![]).await?;
        let german = json!({ "userAgent": agent, "acceptLanguage": "fr,de-AT,en" });
        browser.devtools("Emulation.setUserAgentOverride", german).await?;
        let page = Page::open(browser, &site.url("?seed=1&count=1&steps=2&backend=cpu&lang=xx")).await?;
        page.wait_for("ready", 60).await?;
        let notices = page.notices().await?;
        ensure!(notices.len() == 1 && notices[0].contains("„lang=xx“ wird nicht beachtet"), "{notices:?}");
        // Longer words have room, too.
        for room in ["sample", "inpaint", "denoise", "outliers", "landscape", "about"] {
            page.go_to(room).await?;
            page.script("scrollTo(0, 0)", vec![]).await?;
            page.look(&format!("german-{room}-phone")).await?;
        }
        // Also where the names of all rooms hardly stand in one row.
        for width in [621, 630, 640, 859] {
            page.resize(width, 900).await?;
            page.ensure_fits(&format!("German at {width}")).await?;
            let over = "const { scrollWidth, clientWidth } = document.querySelector('.rooms'); return scrollWidth - clientWidth";
            let over = page.script(over, vec![]).await?;
            ensure!(over == 0, "at {width} the tabs are {over} pixels wider than their bar");
        }
        browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await?;
        page.go_to("sample").await?;
        page.fill("steps", "100000").await?;
        page.click("start").await?;
        page.wait_for("running", 10).await?;
        page.click("pause").await?;
        page.wait_for_data("paused", "1", 10).await?;
        page.look_narrow("german-paused-narrow").await?;
        // English stands in for a language that does not come. On another site, where nothing is kept.
        let site = Site::new()?;
        fs::remove_file(site.path("texts/de.json"))?;
        site.publish()?;
        let page = Page::open(browser, &site.url("?seed=1&count=1&steps=2&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        page.wait_for_notice(&["Deutsch", "404", "English"]).await?;
        ensure!(page.text("new").await? == "New run");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_language_needs_no_network_after_the_first_visit() -> Result<()> {
    let site = Site::new()?;
    let build = site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?backend=cpu&embed=0&lang=en")).await?;
        page.wait_for("ready", 60).await?;
        page.wait_until_kept(&build).await?;
        let german = site.url("?backend=cpu&lang=de");
        drop(site);
        let page = Page::open(browser, &german).await?;
        page.wait_for("ready", 60).await?;
        ensure!(
            page.notices().await?.is_empty() && page.text("new").await? == "Neuer Lauf",
            "{:?}",
            page.notices().await?
        );
        Ok(())
    })
    .await
}
