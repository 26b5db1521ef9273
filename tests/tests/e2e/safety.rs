//! The page's policy holds: nothing but its own files runs or is asked for. And how far it reaches into workers.

use std::fs;

use anyhow::{Context, Result, ensure};
use fantoccini::Locator;
use serde_json::Value;
use tests::{
    browser::{self, Browser, Gpu, Screen},
    host::{self, Habit, Habits},
    page::Page,
    site::Site,
};
use xtask::{paths, serve};

/// Tries what an attacker would; gives what came through and which directives were violated.
const ATTACK: &str = "
    const done = arguments[arguments.length - 1];
    const violated = new Set(), through = [];
    document.addEventListener('securitypolicyviolation', (event) => violated.add(event.effectiveDirective));
    window.came = (what) => through.push(what);
    const add = (tag, properties) => document.body.append(Object.assign(document.createElement(tag), properties));
    add('script', { textContent: 'came(\"an inline script\")' });
    add('script', { src: 'data:text/javascript,came(\"a script from a data address\")' });
    add('script', { src: 'https://example.com/x.js' });
    add('div', { innerHTML: '<img src=x: onerror=\"came(1)\"><a id=attack href=\"javascript:came(2)\">x</a>' });
    document.getElementById('attack').click();
    add('iframe', { src: 'https://example.com/' });
    add('img', { src: 'https://example.com/x.png', onload: () => came('a foreign image') });
    add('style', { textContent: 'body { outline: 7px solid red }' });
    add('base', { href: 'https://example.com/' });
    add('form', { action: 'https://example.com/', id: 'sent' });
    document.getElementById('sent').submit();
    // Later, because the driver lets its own script do this.
    setTimeout(() => {
        try { new Function('came(\"a string as code\")')(); } catch { violated.add('eval'); }
    });
    const worker = new Worker('data:text/javascript,postMessage(1)');
    const asked = [
        // It says something or is refused; whoever waits for neither would notice nothing.
        new Promise((heard) => {
            worker.onmessage = () => { came('a worker from a data address'); heard(); };
            worker.onerror = heard;
        }),
        fetch('https://example.com/').then(() => came('a foreign answer'), () => {}),
        navigator.sendBeacon?.('https://example.com/'),
    ];
    Promise.allSettled(asked).then(() => setTimeout(() => {
        if (getComputedStyle(document.body).outlineWidth === '7px') came('an inline style');
        if (document.baseURI.startsWith('https://example.com')) came('another base');
        done({ through, violated: [...violated] });
    }, 500));";

#[tokio::test]
async fn the_policy_lets_nothing_through_and_the_page_works_on() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=2&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let outcome = browser.client.execute_async(ATTACK, vec![]).await?;
        ensure!(outcome["through"].as_array().is_some_and(Vec::is_empty), "{outcome}");
        let violated: Vec<Value> = outcome["violated"].as_array().cloned().unwrap_or_default();
        for directive in [
            "script-src-elem",
            "script-src-attr",
            "img-src",
            "style-src-elem",
            "connect-src",
            "frame-src",
            "form-action",
            "base-uri",
            "worker-src",
            "eval",
        ] {
            ensure!(violated.iter().any(|found| found == directive), "{directive} was not in the way: {outcome}");
        }
        page.click("start").await?;
        page.wait_for("done", 60).await
    })
    .await
}

/// What the engine's worker can do that the page's policy forbids: it is asked on its way up.
async fn reached(browser: &Browser, site: &Site) -> Result<Value> {
    let page = Page::open(browser, &site.url("?count=1&steps=2&backend=cpu&autorun=1")).await?;
    page.wait_for("done", 60).await?;
    let ask = "caches.match('reached', { cacheName: 'reached' }).then((found) => found.text()).then(arguments[0])";
    page.ask(ask).await
}

/// The policy that docs/hosting.md has a host send.
fn policy_of_the_guide() -> Result<String> {
    let guide = fs::read_to_string(paths::root().join("docs/hosting.md"))?;
    let line = guide.lines().find_map(|line| line.strip_prefix("Content-Security-Policy: "));
    Ok(line.context("docs/hosting.md has no policy")?.to_owned())
}

#[tokio::test]
async fn a_worker_is_held_by_headers_and_by_the_service_worker_but_not_by_the_page() -> Result<()> {
    // Another host, which answers everybody.
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("index.html"), "foreign")?;
    let habits = Habits::default();
    habits.set(Habit::Sends("access-control-allow-origin", "*".to_owned()));
    let foreign = host::serve(serve::bind(0)?, folder.path(), "/", habits)?;

    let site = Site::new()?;
    let attempt = format!(
        "const reached = [];
        try {{ new Function('1')(); reached.push('code'); }} catch {{}}
        try {{ await fetch('{}'); reached.push('foreign'); }} catch {{}}
        await (await caches.open('reached')).put('reached', new Response(reached.join()))",
        foreign.url()
    );
    site.before_engine(&attempt)?;
    let build = site.publish()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        // A host that only serves files: nothing holds the worker of a first visit. That is what the guide says.
        ensure!(reached(browser, &site).await? == "code,foreign");
        Page::open(browser, &site.url("?backend=cpu")).await?.wait_until_kept(&build).await?;
        // From the second on the service worker gives it the page's policy.
        let second = reached(browser, &site).await?;
        ensure!(second == "", "{second}");
        Ok(())
    })
    .await?;
    site.behave(Habit::Sends("content-security-policy", policy_of_the_guide()?));
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let first = reached(browser, &site).await?;
        ensure!(first == "", "{first}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_guides_policy_lets_others_embed_the_page_unless_it_is_told_not_to() -> Result<()> {
    let site = Site::new()?;
    let folder = tempfile::tempdir()?;
    let frame = format!("<!doctype html><iframe src=\"{}\"></iframe>", site.url("?backend=cpu"));
    fs::write(folder.path().join("index.html"), frame)?;
    let other = serve::Server::start(serve::bind(0)?, folder.path(), "/")?;
    // Another name for this machine is another site.
    let address = other.url().replace("127.0.0.1", "localhost");
    let policy = policy_of_the_guide()?;
    for (ancestors, embedded) in [("", true), ("; frame-ancestors 'none'", false)] {
        site.behave(Habit::Sends("content-security-policy", format!("{policy}{ancestors}")));
        // Each in a browser of its own: one that had the page with another policy would show what it has.
        browser::with(Gpu::None, Screen::Desk, async |browser| {
            let page = Page::open(browser, &address).await?;
            browser.client.find(Locator::Css("iframe")).await?.enter_frame().await?;
            if embedded {
                return page.wait_for("ready", 60).await;
            }
            // Something has come into the frame, and it is not the page: it might have been on its way.
            let address = page.wait_for_value("return location.href", |href| href != "about:blank", 20).await?;
            let start = browser.client.find_all(Locator::Id("start")).await?;
            ensure!(start.is_empty(), "the page is in the frame: {address}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
