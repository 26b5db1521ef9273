//! The page fits a phone and a desk, and can be used without seeing or pointing. The screenshots in `target/e2e` are
//! for people.

use std::io::{Write, stderr};

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Gpu, Screen},
    looks,
    page::Page,
    site::Site,
};

#[tokio::test]
async fn the_page_fits_a_desk_and_a_phone() -> Result<()> {
    let site = Site::new()?;
    for (screen, name) in [(Screen::Desk, "desk"), (Screen::Phone, "phone")] {
        browser::with(Gpu::None, screen, async |browser| {
            let page = Page::open(browser, &site.url("?seed=4&count=16&steps=100000&backend=cpu&autorun=1")).await?;
            page.wait_for("running", 60).await?;
            page.wait_for_step(300).await?;
            page.look(&format!("sampling-{name}")).await?;
            page.script("document.getElementById('stage').scrollIntoView()", vec![]).await?;
            page.look(&format!("sampling-{name}-scrolled")).await?;
            page.script("document.getElementById('cancel').click()", vec![]).await?;
            page.wait_for("cancelled", 10).await?;
            for room in ["inpaint", "denoise", "outliers", "landscape", "about"] {
                page.go_to(room).await?;
                page.script("scrollTo(0, 0)", vec![]).await?;
                page.look(&format!("{room}-{name}")).await?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Leaves what another machine may round otherwise, or take longer for, out of the picture.
const STILL: &str = "
    for (const canvas of document.querySelectorAll('canvas')) canvas.style.opacity = 0;
    document.getElementById('status').textContent = '';
    scrollTo(0, 0)";

/// How wide the page's two fonts write a sentence.
const FONTS: &str = "
    const pen = document.createElement('canvas').getContext('2d');
    return ['h1', 'body'].map((name) => {
        pen.font = `40px ${getComputedStyle(document.querySelector(name)).fontFamily}`;
        return Math.round(pen.measureText('Noise goes downhill and becomes a picture.').width);
    })";

#[tokio::test]
async fn every_room_looks_as_it_did() -> Result<()> {
    let site = Site::new()?;
    for (screen, width) in [(Screen::Desk, 1280), (Screen::Phone, 390)] {
        browser::with(Gpu::None, screen, async |browser| {
            let page = Page::open(browser, &site.url("?seed=4&count=16&steps=20&backend=cpu&autorun=1")).await?;
            page.wait_for("done", 60).await?;
            if !looks::same_fonts(&page.script(FONTS, vec![]).await?.to_string())? {
                writeln!(stderr(), "not compared: this machine has other fonts than the one whose looks are kept")?;
                return Ok(());
            }
            for room in ["sample", "inpaint", "denoise", "outliers", "landscape", "about"] {
                page.go_to(room).await?;
                let (ready, value) = match room {
                    "outliers" => ("judged", "done"),
                    "landscape" => ("map", "done"),
                    _ => ("state", "done"),
                };
                page.wait_for_data(ready, value, 60).await?;
                page.script(STILL, vec![]).await?;
                let name = format!("{room}-{width}");
                looks::compare(&page.look(&name).await?, &name)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Keys, as `WebDriver` has them.
const ENTER: char = '\u{e007}';
const SPACE: char = ' ';

/// Elements that a screen reader could not name, by id.
const NAMELESS: &str = "
    const named = e => e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim();
    return [...document.querySelectorAll('input, select, button, canvas, progress, svg')]
        .filter(e => e.checkVisibility() && !e.parentElement.closest('label, button') && !named(e)).map(e => e.id || e.outerHTML)";

#[tokio::test]
async fn every_control_has_a_name_and_is_reached_with_the_keyboard() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=inpaint&count=2&steps=3&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let nameless = page.script(NAMELESS, vec![]).await?;
        ensure!(nameless.as_array().is_some_and(Vec::is_empty), "without a name: {nameless}");

        let mut reached = Vec::new();
        for _ in 0..60 {
            browser.client.active_element().await?.send_keys("\u{e004}").await?;
            reached.push(
                page.script("return document.activeElement.id", vec![]).await?.as_str().unwrap_or_default().to_owned(),
            );
        }
        for id in [
            "task-inpaint",
            "mask",
            "brush",
            "mask-left",
            "clear",
            "model",
            "count",
            "steps",
            "seed",
            "backend",
            "start",
        ] {
            ensure!(reached.iter().any(|found| found == id), "Tab does not reach #{id}: {reached:?}");
        }
        page.element("start").await?.send_keys(" ").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.focused().await? == "start", "after a run the focus is on #{}", page.focused().await?);

        // What is hidden or disabled while it has the focus gives it to its neighbour.
        for (id, key) in [("new", SPACE), ("seed", ENTER), ("mask-left", SPACE), ("undo", SPACE)] {
            page.script("document.body.dataset.step = ''", vec![]).await?;
            page.press(id, key).await?;
            let wanted = match id {
                "mask-left" => continue,
                "undo" => "redo",
                _ => {
                    page.wait_for_data("step", "3", 10).await?;
                    page.wait_for("done", 10).await?;
                    // Who was typing is nowhere where the next key starts or ends something.
                    if id == "seed" { "status" } else { "start" }
                }
            };
            ensure!(page.focused().await? == wanted, "after #{id} the focus is on #{}", page.focused().await?);
        }
        page.fill("steps", "100000").await?;
        page.press("start", SPACE).await?;
        page.wait_for("running", 10).await?;
        page.script("document.getElementById('pause').focus()", vec![]).await?;
        ensure!(page.focused().await? == "pause", "Pause cannot have the focus");
        page.script("document.getElementById('cancel').click()", vec![]).await?;
        page.wait_for("cancelled", 10).await?;
        ensure!(page.focused().await? == "status", "after Pause the focus is on #{}", page.focused().await?);
        page.fill("steps", "many").await?;
        page.press("start", SPACE).await?;
        page.wait_for_notice(&["The number of steps"]).await?;
        page.script("document.querySelector('#notice button').id = 'dismiss'", vec![]).await?;
        for (id, wanted) in [
            ("dismiss", "task-inpaint"),
            ("lessons", "lesson-title"),
            ("lesson-next", "lesson-title"),
            ("lesson-back", "lesson-title"),
            ("lesson-end", "lessons"),
        ] {
            page.press(id, SPACE).await?;
            ensure!(page.focused().await? == wanted, "after #{id} the focus is on #{}", page.focused().await?);
        }
        Ok(())
    })
    .await
}

/// When the first steps of a run are done, notes what has the focus and scrolls to the pictures: in the page, as a run may
/// be over before a test asks.
const SCROLL_WHILE_IT_RUNS: &str = "
    new MutationObserver((_, observer) => {
        const { state, step } = document.body.dataset;
        // Not at once: what a run shows first has come by then.
        if (state !== 'running' || Number(step) < 100) return;
        observer.disconnect();
        document.getElementById('grid').scrollIntoView();
        const place = document.getElementById('grid').getBoundingClientRect().top;
        window.noted = [document.activeElement.id, scrollY, place];
    }).observe(document.body, { attributes: true })";

/// Whether Start is in sight as soon as the settings are: on a phone the heading comes first.
const START_IS_SEEN: &str = "
    document.getElementById('controls').scrollIntoView();
    const { top, bottom } = document.getElementById('start').getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight";

#[tokio::test]
async fn start_is_in_sight_and_the_end_of_a_run_moves_nothing() -> Result<()> {
    let site = Site::new()?;
    for screen in [Screen::Desk, Screen::Phone] {
        browser::with(Gpu::None, screen, async |browser| {
            let page = Page::open(browser, &site.url("?task=inpaint&mask=left&count=4&steps=400&backend=cpu")).await?;
            page.wait_for("ready", 60).await?;
            ensure!(page.script(START_IS_SEEN, vec![]).await? == true, "Start is out of sight in Restore, {screen:?}");
            page.script(SCROLL_WHILE_IT_RUNS, vec![]).await?;
            page.element("start").await?.send_keys(" ").await?;
            page.wait_for("done", 60).await?;
            let noted = page.script("return window.noted", vec![]).await?;
            let (focused, before) = (&noted[0], &noted[1]);
            ensure!(focused == "cancel", "while it ran the focus was on {focused}");
            let after = page.script("return scrollY", vec![]).await?;
            ensure!(*before == after && *before != 0, "the page moved from {before} to {after}, {screen:?}");
            let place =
                page.script("return document.getElementById('grid').getBoundingClientRect().top", vec![]).await?;
            ensure!(noted[2] == place, "the grid moved from {} to {place}, {screen:?}", noted[2]);
            // Tablets, a desk at 150 and 200 %, and phones on their side.
            for (width, height) in [(744, 1133), (820, 1180), (853, 600), (640, 450), (844, 390), (640, 360)] {
                page.resize(width, height).await?;
                for room in ["denoise", "inpaint"] {
                    page.go_to(room).await?;
                    let name = format!("{room} at {width}x{height}");
                    ensure!(page.script(START_IS_SEEN, vec![]).await? == true, "Start is out of sight in {name}");
                    page.ensure_fits(&name).await?;
                }
                let mask = "return document.getElementById('mask').clientHeight / innerHeight";
                let mask = page.script(mask, vec![]).await?;
                ensure!(mask.as_f64().is_some_and(|share| share < 0.61), "the mask takes {mask} of {width}x{height}");
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}
