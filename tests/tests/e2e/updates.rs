//! New versions of the site, and hosts that misbehave: a visitor always gets one whole version.

use std::fs::{self, File};

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Browser, Gpu, Screen},
    host::Habit,
    page::Page,
    site::Site,
};

const RUN: &str = "?seed=2&count=1&steps=2&backend=cpu&autorun=1";

/// Visits a site until it is kept, and gives the name of its version.
async fn visit(browser: &Browser, site: &Site) -> Result<String> {
    let build = site.publish()?;
    let page = Page::open(browser, &site.url(RUN)).await?;
    page.wait_for("done", 60).await?;
    page.wait_until_kept(&build).await?;
    Ok(build)
}

/// Changes the page, the engine's loader and the list of models, as an update does.
fn update(site: &Site) -> Result<()> {
    site.edit("index.html", "Pictures from an energy-based model</h1>", "The new version</h1>")?;
    site.edit("engine_loader.js", "import", "/* new */ import")?;
    site.edit("models/index.json", "Small", "New small")
}

/// Whether each part that [`update`] changes is new, in the page that is open.
async fn parts(page: &Page<'_>) -> Result<Vec<bool>> {
    let ask = "const done = arguments[0];
        (async () => [
            document.querySelector('h1').textContent === 'The new version',
            (await (await fetch('engine_loader.js')).text()).startsWith('/* new */'),
            (await (await fetch('models/index.json')).text()).includes('New small'),
        ])().then(done, (problem) => done(`${problem}`));";
    Ok(serde_json::from_value(page.ask(ask).await?)?)
}

#[tokio::test]
async fn an_update_is_there_at_the_first_reload_and_an_open_tab_goes_on() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        visit(browser, &site).await?;
        let old_tab = browser.client.window().await?;
        update(&site)?;
        let build = site.publish()?;
        let new_tab = browser.client.new_window(true).await?.handle;
        browser.client.switch_to_window(new_tab).await?;
        let page = Page::open(browser, &site.url(RUN)).await?;
        page.wait_for("done", 60).await?;
        ensure!(parts(&page).await? == [true; 3], "{:?}", parts(&page).await?);
        page.wait_until_kept(&build).await?;

        browser.client.switch_to_window(old_tab).await?;
        ensure!(parts(&page).await? == [false; 3], "an open tab meets the new version: {:?}", parts(&page).await?);
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        browser.client.refresh().await?;
        page.wait_for("ready", 60).await?;
        ensure!(parts(&page).await? == [true; 3], "{:?}", parts(&page).await?);
        // The old version is kept as long as a tab is of it.
        browser.client.refresh().await?;
        page.wait_for("ready", 60).await?;
        let kept = page
            .ask("caches.keys().then((all) => arguments[0](all.filter((name) => name.startsWith('site ')).length))");
        ensure!(kept.await? == 1, "versions that nobody needs are kept");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn half_of_an_update_is_no_version() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        visit(browser, &site).await?;
        update(&site)?;
        site.publish()?;
        // One file has not come to this host yet, or an old one is answered from somewhere between.
        site.edit("engine_loader.js", "/* new */ import", "import")?;
        let page = Page::open(browser, &site.url(RUN)).await?;
        page.wait_for("done", 60).await?;
        ensure!(parts(&page).await? == [false; 3], "{:?}", parts(&page).await?);
        // It comes within the same second, which is all that hosts tell of a file's age.
        let loader = site.path("engine_loader.js");
        let written = fs::metadata(&loader)?.modified()?;
        site.edit("engine_loader.js", "import", "/* new */ import")?;
        File::options().write(true).open(&loader)?.set_modified(written)?;
        let page = Page::open(browser, &site.url(RUN)).await?;
        page.wait_for("done", 60).await?;
        ensure!(parts(&page).await? == [true; 3], "{:?}", parts(&page).await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn files_that_were_changed_on_the_host_do_no_harm() -> Result<()> {
    let site = Site::new()?;
    site.publish()?;
    // The owner edits the list, and the host rewrites a script.
    site.edit("models/index.json", "Small", "Edited")?;
    site.edit("engine_loader.js", "import", "/* smaller */ import")?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        for visit in 1..=3 {
            let page = Page::open(browser, &site.url(RUN)).await?;
            page.wait_for("done", 60).await?;
            ensure!(page.text("model").await?.contains("Edited"), "visit {visit}: another list");
            let controlled =
                "return navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)";
            page.wait_for_value(controlled, |controlled| *controlled == true, 20).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_host_that_fails_or_hangs_does_no_harm() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        visit(browser, &site).await?;
        for habit in [Habit::Fails, Habit::Hangs] {
            site.behave(habit.clone());
            let page = Page::open(browser, &site.url(RUN)).await?;
            page.wait_for("done", 60).await?;
            ensure!(parts(&page).await? == [false; 3], "{habit:?}");
        }
        site.behave(Habit::Good);
        Page::open(browser, &site.url(RUN)).await?.wait_for("done", 60).await
    })
    .await
}

#[tokio::test]
async fn a_host_that_redirects_can_be_visited_again() -> Result<()> {
    let site = Site::new()?;
    site.behave(Habit::RedirectsFolder);
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        visit(browser, &site).await?;
        let url = site.url(RUN);
        Page::open(browser, &url).await?.wait_for("done", 60).await?;
        drop(site);
        Page::open(browser, &url).await?.wait_for("done", 60).await
    })
    .await
}

#[tokio::test]
async fn without_room_the_newest_version_comes_from_the_network() -> Result<()> {
    let site = Site::new()?;
    // Room for one version: what is put into a second one finds none.
    site.edit(
        "offline.js",
        "const LIST",
        "const put = Cache.prototype.put;
        Cache.prototype.put = async function (...what) {
            const sites = (await caches.keys()).filter((name) => name.startsWith('site '));
            if (sites.length > 1 && this !== null) throw new DOMException('full', 'QuotaExceededError');
            return put.apply(this, what);
        };
        const LIST",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        visit(browser, &site).await?;
        update(&site)?;
        site.publish()?;
        for _ in 0..2 {
            let page = Page::open(browser, &site.url(RUN)).await?;
            page.wait_for("done", 60).await?;
            ensure!(parts(&page).await? == [true; 3], "{:?}", parts(&page).await?);
        }
        // The version from before is whole, and there when the host is not.
        site.behave(Habit::Fails);
        let page = Page::open(browser, &site.url(RUN)).await?;
        page.wait_for("done", 60).await?;
        ensure!(parts(&page).await? == [false; 3], "{:?}", parts(&page).await?);
        Ok(())
    })
    .await
}
