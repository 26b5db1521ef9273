//! The page in a browser, as scripts see it.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use fantoccini::{
    Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
};
use serde_json::{Value, json};

use crate::{browser::Browser, waiting::until};

/// The page, opened in a browser.
#[derive(Debug)]
pub struct Page<'a> {
    pub(crate) browser: &'a Browser,
}

impl<'a> Page<'a> {
    /// Opens an address.
    ///
    /// # Errors
    /// The browser cannot.
    pub async fn open(browser: &'a Browser, url: &str) -> Result<Self> {
        browser.client.goto(url).await?;
        let page = Self { browser };
        // Settings are folded; tests fill them in.
        page.script("document.getElementById('more')?.setAttribute('open', '')", vec![]).await?;
        Ok(page)
    }

    /// An entry of `document.body.dataset`, empty if there is none.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn data(&self, key: &str) -> Result<String> {
        let value = self.script("return document.body.dataset[arguments[0]] ?? ''", vec![key.into()]).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page is in this state.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) `seconds`, or the page ends in the state `error` instead: the error has what
    /// the page says.
    pub async fn wait_for(&self, state: &str, seconds: u64) -> Result<()> {
        let ended = async || {
            let now = self.data("state").await?;
            Ok((now == state || now == "error").then_some(now))
        };
        let now = until(seconds, ended).await?.unwrap_or(self.data("state").await?);
        if now == state {
            return Ok(());
        }
        let (status, notices) = (self.text("status").await?, self.notices().await?);
        bail!("waited for the state {state}, the page is in {now} and says “{status}” {notices:?}")
    }

    /// Waits until an entry of `document.body.dataset` has this value.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) `seconds`.
    pub async fn wait_for_data(&self, key: &str, value: &str, seconds: u64) -> Result<()> {
        let there = async || Ok((self.data(key).await? == value).then_some(()));
        if until(seconds, there).await?.is_none() {
            let (now, notices) = (self.data(key).await?, self.notices().await?);
            bail!("waited for {key} {value}: {now:?}, the page says {notices:?}");
        }
        Ok(())
    }

    /// Waits until the page tells something with all of these words.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) minute: the page itself waits for a worker that does not start.
    pub async fn wait_for_notice(&self, words: &[&str]) -> Result<()> {
        let told = |notice: &String| words.iter().all(|word| notice.contains(word));
        let there = async || Ok(self.notices().await?.iter().any(told).then_some(()));
        if until(60, there).await?.is_none() {
            bail!(
                "no word of {words:?}: {:?}, and the status is “{}”",
                self.notices().await?,
                self.text("status").await?
            );
        }
        Ok(())
    }

    /// Waits until JavaScript gives a value that is wanted, and gives it.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) `seconds`, or the script throws.
    pub async fn wait_for_value(&self, code: &str, wanted: impl Fn(&Value) -> bool, seconds: u64) -> Result<Value> {
        let there = async || Ok(Some(self.script(code, vec![]).await?).filter(&wanted));
        match until(seconds, there).await? {
            Some(value) => Ok(value),
            None => bail!("waited for another value than {} of {code}", self.script(code, vec![]).await?),
        }
    }

    /// Waits until an element's text has these words.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) `seconds`.
    pub async fn wait_for_words(&self, id: &str, words: &str, seconds: u64) -> Result<()> {
        let there = async || Ok(self.text(id).await?.contains(words).then_some(()));
        if until(seconds, there).await?.is_none() {
            bail!("waited for “{words}” in #{id}, which says “{}”", self.text(id).await?);
        }
        Ok(())
    }

    /// Goes to a room, as a click on its name does.
    ///
    /// # Errors
    /// There is no such room.
    pub async fn go_to(&self, room: &str) -> Result<()> {
        self.script("document.getElementById(`task-${arguments[0]}`).click()", vec![room.into()]).await?;
        self.wait_for_data("room", room, 5).await
    }

    /// Drops files on the page: each a name, and where the site has it.
    ///
    /// # Errors
    /// The site does not have it.
    pub async fn drop_files(&self, files: &[(&str, &str)]) -> Result<()> {
        const DROP: &str = "
            const [files, done] = arguments;
            (async () => {
                const dataTransfer = new DataTransfer();
                for (const [name, address] of files) {
                    dataTransfer.items.add(new File([await (await fetch(address)).blob()], name));
                }
                document.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
            })().then(() => done(''), (problem) => done(`${problem}`));";
        let problem = self.browser.client.execute_async(DROP, vec![serde_json::to_value(files)?]).await?;
        if problem != "" {
            bail!("nothing could be dropped: {problem}");
        }
        Ok(())
    }

    /// Drops files and folders of this machine on the page, as a user would.
    ///
    /// # Errors
    /// The browser cannot.
    pub async fn drop_paths(&self, paths: &[PathBuf]) -> Result<()> {
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({ "items": [], "files": paths, "dragOperationsMask": 1 });
            let event = json!({ "type": kind, "x": 20, "y": 20, "data": data });
            self.browser.devtools("Input.dispatchDragEvent", event).await?;
        }
        Ok(())
    }

    /// Waits until there are so many pictures to choose from.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) minute: the page itself waits for a worker that does not start.
    pub async fn wait_for_pictures(&self, count: usize) -> Result<()> {
        let pictures = async || self.script("return document.querySelectorAll('#pictures input').length", vec![]).await;
        let there = async || Ok((pictures().await? == count).then_some(()));
        if until(60, there).await?.is_none() {
            let (found, notices) = (pictures().await?, self.notices().await?);
            bail!("waited for {count} pictures, there are {found}: {notices:?}");
        }
        Ok(())
    }

    /// The last of the pictures to choose from, as red, green and blue bytes.
    ///
    /// # Errors
    /// There is none.
    pub async fn last_picture(&self) -> Result<Vec<u8>> {
        let read = "const canvas = [...document.querySelectorAll('#pictures canvas')].at(-1);
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return [...data].filter((_, i) => i % 4 < 3);";
        Ok(serde_json::from_value(self.script(read, vec![]).await?)?)
    }

    /// Waits until a version of the site is kept for when there is no network, and this page is known to be of it.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) minute.
    pub async fn wait_until_kept(&self, build: &str) -> Result<()> {
        let ask = "const [build, done] = arguments;
            (async () => {
                const names = (await caches.keys()).filter((name) => name.startsWith('site ') && name.endsWith(` ${build}`));
                const list = names.length === 1 && (await caches.match('build.json', { cacheName: names[0] }));
                const known = (await caches.keys()).some((name) => name.startsWith('tabs '));
                return Boolean(list && known && navigator.serviceWorker.controller);
            })().then(done, (problem) => done(`${problem}`));";
        let answer = async || self.browser.client.execute_async(ask, vec![build.into()]).await;
        let kept = async || Ok((answer().await? == true).then_some(()));
        if until(60, kept).await?.is_none() {
            bail!("the version {build} is not kept: {}", answer().await?);
        }
        Ok(())
    }

    /// Waits until a run has done this many steps.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) minute.
    pub async fn wait_for_step(&self, step: usize) -> Result<()> {
        let done = async || Ok((self.data("step").await?.parse().unwrap_or(0) >= step).then_some(()));
        if until(60, done).await?.is_none() {
            bail!("step {step} does not come; the page is in {}", self.data("state").await?);
        }
        Ok(())
    }

    /// What the page has to tell, a text for each message.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn notices(&self) -> Result<Vec<String>> {
        let texts =
            self.script("return [...document.querySelectorAll('#notice p')].map(p => p.textContent)", vec![]).await?;
        Ok(serde_json::from_value(texts)?)
    }

    /// The text of an element.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn text(&self, id: &str) -> Result<String> {
        Ok(self.element(id).await?.text().await?)
    }

    /// The element of this id.
    ///
    /// # Errors
    /// There is none.
    pub async fn element(&self, id: &str) -> Result<Element> {
        self.browser.client.find(Locator::Id(id)).await.with_context(|| format!("#{id}"))
    }

    /// Clicks an element as a user would: it must be visible and in nobody's shade. What lies under the bar at the foot of a
    /// small screen is scrolled from there first.
    ///
    /// # Errors
    /// It cannot be clicked.
    pub async fn click(&self, id: &str) -> Result<()> {
        const SCROLL: &str = "
            const element = document.getElementById(arguments[0]);
            const { left, top, width, height } = element?.getBoundingClientRect() ?? {};
            const there = document.elementFromPoint(left + width / 2, top + height / 2);
            if (element && !element.contains(there)) element.scrollIntoView({ block: 'center' });";
        self.script(SCROLL, vec![id.into()]).await?;
        self.element(id).await?.click().await.with_context(|| format!("#{id}"))
    }

    /// Gives an element the focus and presses a key there.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn press(&self, id: &str, key: char) -> Result<()> {
        self.script("document.getElementById(arguments[0]).focus()", vec![id.into()]).await?;
        let keys = KeyActions::new("keys".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        Ok(self.browser.client.perform_actions(keys).await?)
    }

    /// The id of what has the focus, empty if nothing has.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn focused(&self) -> Result<String> {
        let id = self.script("return document.activeElement.id", vec![]).await?;
        Ok(id.as_str().unwrap_or_default().to_owned())
    }

    /// Replaces what a field holds.
    ///
    /// # Errors
    /// The field cannot be edited.
    pub async fn fill(&self, id: &str, text: &str) -> Result<()> {
        let field = self.element(id).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Runs JavaScript in the page; `arguments` are there.
    ///
    /// # Errors
    /// It throws.
    pub async fn script(&self, code: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.browser.client.execute(code, arguments).await?)
    }

    /// Runs JavaScript that tells its result to the last of `arguments`, a function.
    ///
    /// # Errors
    /// It throws, or tells nothing.
    pub async fn ask(&self, code: &str) -> Result<Value> {
        Ok(self.browser.client.execute_async(code, vec![]).await?)
    }

    /// What one of the page's buttons copies.
    ///
    /// # Errors
    /// It copies nothing.
    pub async fn copied(&self, button: &str) -> Result<String> {
        const KEEP: &str = "window.copied = '';
            const writeText = async (text) => { window.copied = text; };
            Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText } });";
        self.script(KEEP, vec![]).await?;
        self.click(button).await?;
        let copied = self.wait_for_value("return window.copied", |copied| copied != "", 5).await?;
        Ok(copied.as_str().unwrap_or_default().to_owned())
    }

    /// Saves by one of the page's buttons and gives the file.
    ///
    /// # Errors
    /// No file with this ending comes within the [patient](until) minute.
    pub async fn save(&self, button: &str, ending: &str) -> Result<Vec<u8>> {
        self.click(button).await?;
        let saved = async || {
            for entry in fs::read_dir(self.browser.downloads.path())? {
                let path = entry?.path();
                if path.extension().is_some_and(|found| found == ending) {
                    let bytes = fs::read(&path)?;
                    // Chromium reserves the name with an empty file until all has come.
                    if !bytes.is_empty() {
                        fs::remove_file(path)?;
                        return Ok(Some(bytes));
                    }
                }
            }
            Ok(None)
        };
        until(60, saved).await?.with_context(|| format!("#{button} saves no .{ending} file"))
    }

    /// Saves the finished run as JSON.
    ///
    /// # Errors
    /// It is not saved, or is no JSON.
    pub async fn save_json(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.save("save-json", "json").await?)?)
    }
}
