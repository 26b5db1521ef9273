//! Firefox and WebKit, as much of them as a walk through the rooms needs. What Chromium's tests look at more closely is
//! left to those.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::waiting::until;

/// A browser that is not Chromium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// By its own protocol, Marionette, which geckodriver translates to.
    Firefox,
    /// `WebKitGTK`'s small browser, behind `WebKitWebDriver` and without a screen.
    WebKit,
}

/// A browser session; dropping it ends the browser.
#[derive(Debug)]
pub struct Session {
    speaker: Speaker,
    _processes: Vec<Process>,
    _files: TempDir,
}

#[derive(Debug)]
enum Speaker {
    Marionette(Marionette),
    WebDriver(Client),
}

/// A program that ends with its value.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Engine {
    /// The programs that it needs and this machine lacks.
    #[must_use]
    pub fn lacks(self) -> Vec<&'static str> {
        let needed: &[&str] = match self {
            Self::Firefox => &["firefox-esr"],
            Self::WebKit => &["WebKitWebDriver", "Xvfb"],
        };
        let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
        let there = |name: &str| folders.iter().any(|folder| folder.join(name).is_file());
        needed.iter().copied().filter(|name| !there(name)).collect()
    }

    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(self) -> Result<Session> {
        match self {
            Self::Firefox => firefox(),
            Self::WebKit => webkit().await,
        }
    }
}

impl Session {
    /// Opens an address.
    ///
    /// # Errors
    /// The browser cannot.
    pub async fn open(&mut self, url: &str) -> Result<()> {
        match &mut self.speaker {
            Speaker::Marionette(marionette) => marionette.ask("WebDriver:Navigate", json!({ "url": url })).map(drop),
            Speaker::WebDriver(client) => Ok(client.goto(url).await?),
        }
    }

    /// Runs JavaScript in the page.
    ///
    /// # Errors
    /// It throws.
    pub async fn script(&mut self, code: &str) -> Result<Value> {
        match &mut self.speaker {
            Speaker::Marionette(marionette) => {
                let answer = marionette.ask("WebDriver:ExecuteScript", json!({ "script": code, "args": [] }))?;
                Ok(answer["value"].clone())
            }
            Speaker::WebDriver(client) => Ok(client.execute(code, vec![]).await?),
        }
    }

    /// Waits until JavaScript gives true.
    ///
    /// # Errors
    /// It takes longer than the [patient](until) `seconds`; the error has what the page says.
    pub async fn wait(&mut self, condition: &str, seconds: u64) -> Result<()> {
        let code = format!("return Boolean({condition})");
        let true_now = async || Ok((self.script(&code).await? == true).then_some(()));
        if until(seconds, true_now).await?.is_none() {
            let said = "return [JSON.stringify(document.body.dataset),
                document.getElementById('status').textContent, document.getElementById('notice').textContent]";
            bail!("waited for {condition}: {}", self.script(said).await?);
        }
        Ok(())
    }
}

fn firefox() -> Result<Session> {
    let files = tempfile::tempdir()?;
    let settings = [
        // A port of its own choice, which it writes into its profile.
        r#"user_pref("marionette.port", 0);"#,
        r#"user_pref("ui.prefersReducedMotion", 1);"#,
        r#"user_pref("datareporting.policy.dataSubmissionEnabled", false);"#,
        r#"user_pref("app.update.disabledForTesting", true);"#,
    ];
    fs::write(files.path().join("user.js"), settings.join("\n"))?;
    let mut command = Command::new("firefox-esr");
    command.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(files.path());
    command.env("HOME", files.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process(command.spawn().context("firefox-esr: cannot be started")?);
    let marionette = Marionette::connect(&files.path().join("MarionetteActivePort"))?;
    Ok(Session { speaker: Speaker::Marionette(marionette), _processes: vec![process], _files: files })
}

async fn webkit() -> Result<Session> {
    let files = tempfile::tempdir()?;
    // It prints the number of the screen that it makes.
    let mut screen = Command::new("Xvfb");
    screen.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
    let mut screen = screen.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("Xvfb: cannot be started")?;
    let mut number = String::new();
    BufReader::new(screen.stdout.take().context("Xvfb: has no output")?).read_line(&mut number)?;
    let screen = Process(screen);
    ensure!(!number.trim().is_empty(), "Xvfb: makes no screen");
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut driver = Command::new("WebKitWebDriver");
    driver.arg(format!("--port={port}")).env("DISPLAY", format!(":{}", number.trim())).env("HOME", files.path());
    let driver = Process(driver.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("WebKitWebDriver")?);
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(begin.elapsed() < Duration::from_secs(20), "WebKitWebDriver: does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let session = builder.capabilities(Map::new()).connect(&format!("http://127.0.0.1:{port}")).await;
    let client = session.context("WebKitWebDriver: starts no browser")?;
    Ok(Session { speaker: Speaker::WebDriver(client), _processes: vec![driver, screen], _files: files })
}

/// Firefox's own protocol: numbered commands and answers, each JSON after its length and a colon.
#[derive(Debug)]
struct Marionette {
    stream: TcpStream,
    number: u64,
}

impl Marionette {
    /// Connects to the port in this file, once it is there.
    fn connect(port: &Path) -> Result<Self> {
        let begin = Instant::now();
        let stream = loop {
            let port = fs::read_to_string(port).ok().and_then(|text| text.trim().parse::<u16>().ok());
            if let Some(stream) = port.and_then(|port| TcpStream::connect(("127.0.0.1", port)).ok()) {
                break stream;
            }
            ensure!(begin.elapsed() < Duration::from_secs(60), "firefox-esr: opens no port for Marionette");
            std::thread::sleep(Duration::from_millis(50));
        };
        let mut marionette = Self { stream, number: 0 };
        // It introduces itself.
        marionette.read()?;
        marionette.ask("WebDriver:NewSession", json!({}))?;
        Ok(marionette)
    }

    fn ask(&mut self, command: &str, parameters: Value) -> Result<Value> {
        self.number += 1;
        let message = json!([0, self.number, command, parameters]).to_string();
        self.stream.write_all(format!("{}:{message}", message.len()).as_bytes())?;
        let answer = self.read()?;
        ensure!(answer[1] == self.number, "{command}: another answer comes: {answer}");
        ensure!(answer[2].is_null(), "{command}: {}", answer[2]);
        Ok(answer[3].clone())
    }

    fn read(&mut self) -> Result<Value> {
        let (mut length, mut byte) = (0, [0]);
        loop {
            self.stream.read_exact(&mut byte)?;
            match byte[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit.wrapping_sub(b'0')),
            }
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message)?;
        Ok(serde_json::from_slice(&message)?)
    }
}
