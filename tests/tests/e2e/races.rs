//! What comes too late, or at the wrong moment, changes nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tests::{
    browser::{self, Browser, Gpu, Screen},
    pace::GATE,
    page::Page,
    site::{SMALL, Site},
};

/// Has the engine count what it hears and says, by the beginning of the message, and lets the page ask.
const COUNTING: &str = "
    const counts = {};
    const note = ([text]) => { const kind = text.match(/\\w+/)[0]; counts[kind] = (counts[kind] ?? 0) + 1; };
    addEventListener('message', ({ data }) => note(data));
    const post = globalThis.postMessage;
    globalThis.postMessage = (data, ...how) => { note(data); post(data, ...how); };
    const ask = new BroadcastChannel('counts');
    ask.onmessage = () => ask.postMessage(counts);";

/// How often the engine has heard or said this; never, if it does not answer within so many milliseconds.
async fn count_within(browser: &Browser, kind: &str, milliseconds: u64) -> Result<u64> {
    const ASK: &str = "const [kind, within, done] = arguments;
        const ask = new BroadcastChannel('counts');
        setTimeout(() => { ask.close(); done(0); }, within);
        ask.onmessage = ({ data }) => { ask.close(); done(data[kind] ?? 0); };
        ask.postMessage('');";
    let arguments = vec![kind.into(), milliseconds.into()];
    Ok(browser.client.execute_async(ASK, arguments).await?.as_u64().unwrap_or(u64::MAX))
}

async fn count(browser: &Browser, kind: &str) -> Result<u64> {
    count_within(browser, kind, 20_000).await
}

/// The small model as a visitor's own, with these weights.
async fn drop_model(page: &Page<'_>, weights: &str) -> Result<()> {
    let [manifest, held_out] = ["model.json", "held-out.png"].map(|file| format!("models/{SMALL}/{file}"));
    page.drop_files(&[("model.json", &manifest), ("model.safetensors", weights), ("held-out.png", &held_out)]).await
}

#[tokio::test]
async fn a_model_that_comes_while_another_loads_starts_one_run() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(&format!(
        "{COUNTING}
         const load = globalThis.fetch, opened = (async () => {{ {GATE} }})();
         globalThis.fetch = async (...what) => {{
             // Its own program it gets.
             if (!`${{what[0].url ?? what[0]}}`.includes('.wasm')) await opened;
             return load(...what);
         }}"
    ))?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=2&steps=30&backend=cpu&autorun=1")).await?;
        let begin = Instant::now();
        // While it has not started it does not answer.
        while count_within(browser, "Load", 300).await? == 0 {
            ensure!(begin.elapsed() < Duration::from_secs(60), "the engine is not asked for a model");
        }
        ensure!(page.data("state").await? == "loading");
        drop_model(&page, &format!("models/{SMALL}/model.safetensors")).await?;
        while count(browser, "Load").await? < 2 {
            ensure!(begin.elapsed() < Duration::from_secs(120), "the engine is not asked for the other model");
        }
        page.open_gate().await?;
        page.wait_for("done", 60).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        ensure!(page.data("model").await? == "yours", "{}", page.data("model").await?);
        let (loads, loaded, runs) =
            (count(browser, "Load").await?, count(browser, "Loaded").await?, count(browser, "Run").await?);
        ensure!(loads == 2 && loaded == 1 && runs == 1, "{loads} loads, {loaded} loaded, {runs} runs");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_leaves_the_one_before() -> Result<()> {
    let site = Site::new()?;
    // An engine that takes as long to judge as this test takes until then.
    site.before_engine(&format!(
        "const post = globalThis.postMessage, opened = (async () => {{ {GATE} }})();
         globalThis.postMessage = (data, ...how) =>
             data[0].startsWith('{{\"Scored\"') ? opened.then(() => post(data, ...how)) : post(data, ...how);"
    ))?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=2&steps=5&seed=1&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 60).await?;
        let before = page.save_json().await?;
        drop_model(&page, "index.html").await?;
        page.wait_for_notice(&["weights", "bytes"]).await?;
        ensure!(page.data("state").await? == "ready", "{}", page.data("state").await?);
        let chosen = page.script("return document.getElementById('model').value", vec![]).await?;
        ensure!(chosen == SMALL && page.data("model").await? == SMALL, "{chosen}");
        let offered = "return document.querySelectorAll('#model option[value=yours]').length";
        ensure!(page.script(offered, vec![]).await? == 0, "a model that was refused is offered");
        page.click("start").await?;
        page.wait_for("done", 60).await?;
        ensure!(page.save_json().await? == before, "the model is another one");
        // And with what it was about to say.
        page.go_to("outliers").await?;
        ensure!(page.text("verdict").await?.starts_with("Scoring"), "{}", page.text("verdict").await?);
        drop_model(&page, "index.html").await?;
        page.wait_for_notice(&["weights", "bytes"]).await?;
        page.open_gate().await?;
        page.wait_for_data("judged", "done", 60).await?;
        let verdict = page.text("verdict").await?;
        // Another picture has no verdict yet, at least until its answer can be heard.
        let choose = "document.querySelectorAll('#pictures input')[1].click();
            return document.getElementById('verdict').textContent";
        let next = page.script(choose, vec![]).await?;
        let none_yet = next.as_str().is_some_and(|next| next.starts_with("Scoring"));
        ensure!(none_yet && verdict.contains("bits"), "{verdict}, then {next}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pictures_that_do_not_come_are_not_waited_for_when_another_model_is_wanted() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(
        "const load = globalThis.fetch;
         globalThis.fetch = (path, ...how) =>
             `${path}`.startsWith('models') && `${path}`.endsWith('held-out.png') ? new Promise(() => {}) : load(path, ...how);",
    )?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=1&steps=2&backend=cpu")).await?;
        page.wait_for("loading", 20).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop_model(&page, &format!("models/{SMALL}/model.safetensors")).await?;
        page.wait_for("ready", 60).await?;
        ensure!(page.data("model").await? == "yours", "{}", page.data("model").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn of_many_pictures_chosen_in_a_row_the_last_is_judged() -> Result<()> {
    let site = Site::new()?;
    site.before_engine(COUNTING)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?task=outliers&backend=cpu")).await?;
        page.wait_for_data("judged", "done", 60).await?;
        let before = count(browser, "Scored").await?;
        let choose = "for (const radio of [...document.querySelectorAll('#pictures input')].slice(1, 9)) radio.click()";
        page.script(choose, vec![]).await?;
        page.wait_for_data("judged", "done", 60).await?;
        let (asked, answered) = (count(browser, "Score").await?, count(browser, "Scored").await? - before);
        // Each in two parts.
        ensure!(asked >= 9 && answered <= 4, "{answered} answers of {asked}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_a_stopped_run_came_to_can_be_saved() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=3&steps=100000&backend=cpu&autorun=1")).await?;
        page.wait_for("running", 60).await?;
        page.wait_for_step(5).await?;
        page.click("cancel").await?;
        page.wait_for("cancelled", 10).await?;
        let run = page.save_json().await?;
        ensure!(run["stopped_at_step"].as_u64().is_some_and(|step| step >= 5), "{}", run["stopped_at_step"]);
        ensure!(run["shape"][0] == 3 && run["pixels"].as_array().is_some_and(|pixels| pixels.len() == 3));
        ensure!(!page.save("save-png", "png").await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_field_with_the_focus_does_not_stop_the_page() -> Result<()> {
    let site = Site::new()?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=2&steps=10&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        page.fill("steps", "7").await?;
        page.script("document.getElementById('start').click()", vec![]).await?;
        page.wait_for("done", 60).await?;
        ensure!(page.data("step").await? == "7" && page.notices().await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_toy_stops_when_nobody_looks() -> Result<()> {
    let site = Site::new()?;
    std::fs::remove_file(site.small_model().join("model.safetensors"))?;
    site.before_engine(COUNTING)?;
    browser::with(Gpu::None, Screen::Desk, async |browser| {
        // It needs no model.
        let page = Page::open(browser, &site.url("?task=landscape&backend=cpu")).await?;
        page.wait_for("error", 60).await?;
        page.click("train-toy").await?;
        while count(browser, "Toy").await? < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        page.go_to("sample").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let said = count(browser, "Toy").await?;
        tokio::time::sleep(Duration::from_millis(800)).await;
        ensure!(count(browser, "Toy").await? == said, "the toy goes on");
        page.go_to("landscape").await?;
        let left = "const { width, height } = document.getElementById('toy-one');
            const pen = document.getElementById('toy-one').getContext('2d');
            const texts = [...document.querySelectorAll('#toy-status, .toys figcaption span')].map((e) => e.textContent);
            return texts.join('') + pen.getImageData(0, 0, width, height).data.some((byte) => byte)";
        let left = page.script(left, vec![]).await?;
        ensure!(left == "false", "of the toy that stopped there is still something: {left}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pauses_are_no_time_of_a_run() -> Result<()> {
    let site = Site::new()?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=2&steps=400&backend=cpu")).await?;
        page.wait_for("ready", 60).await?;
        let (begin, pause) = (Instant::now(), Duration::from_secs(5));
        page.start_and_pause(1).await?;
        tokio::time::sleep(pause).await;
        page.click("pause").await?;
        page.wait_for("done", 60).await?;
        let without = (begin.elapsed() - pause).as_secs_f64();
        let said = page.text("status").await?;
        let number: String = said.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
        let seconds: f64 = number.trim_end_matches('.').parse()?;
        // It is rounded to seconds.
        ensure!(said.contains(" s ") && seconds < without + 0.6, "{said} Without the pause it took {without:.2} s.");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_animation_is_saved_without_holding_the_page_up() -> Result<()> {
    /// Saves, and resolves to the longest time in milliseconds that the page's thread did not come round until it was.
    const SAVE: &str = "
        const done = arguments[arguments.length - 1];
        let last = performance.now(), longest = 0;
        document.getElementById('save-apng').click();
        const tick = () => {
            const now = performance.now();
            longest = Math.max(longest, now - last);
            last = now;
            /is saved/.test(document.getElementById('status').textContent) ? done(longest) : setTimeout(tick);
        };
        tick();";
    let site = Site::new()?;
    browser::alone_with(Gpu::None, Screen::Desk, async |browser| {
        let page = Page::open(browser, &site.url("?count=256&steps=15&backend=cpu&autorun=1")).await?;
        page.wait_for("done", 120).await?;
        // There are no numbers under so many pictures, nor words on them.
        let told = "return [...document.querySelectorAll('.hint .numbers')].some((words) => words.checkVisibility())";
        ensure!(page.script(told, vec![]).await? == false, "numbers that are not there are spoken of");
        let idle = page.longest_gap().await?;
        let longest = page.ask(SAVE).await?.as_f64().unwrap_or(f64::MAX);
        println!("gaps of {longest:.0} ms, idle {idle:.0} ms");
        ensure!(longest < 300.0 + 3.0 * idle, "the page's thread was away for {longest:.0} ms, idle for {idle:.0} ms");
        let file = page.save("save-apng", "png").await?;
        ensure!(file.windows(4).any(|chunk| chunk == b"acTL"), "no animation");
        Ok(())
    })
    .await
}
