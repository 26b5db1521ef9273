//! The page's policy holds: nothing but its own files runs or is asked for.

use anyhow::{Result, ensure};
use serde_json::Value;
use tests::{
    browser::{self, Gpu, Screen},
    page::Page,
    site::Site,
};

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
    try { new Worker('data:text/javascript,1'); } catch { violated.add('worker'); }
    const asked = [
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
            "eval",
        ] {
            ensure!(violated.iter().any(|found| found == directive), "{directive} was not in the way: {outcome}");
        }
        page.click("start").await?;
        page.wait_for("done", 60).await
    })
    .await
}
