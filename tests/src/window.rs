//! How the page looks in windows of several sizes.

use std::{fs, path::PathBuf};

use anyhow::{Result, bail};
use serde_json::json;
use xtask::paths;

use crate::page::Page;

impl Page<'_> {
    /// Looks at the page in a window of 320 pixels, the narrowest that it must fit, and then again as before.
    ///
    /// # Errors
    /// As [`Page::look`].
    pub async fn look_narrow(&self, name: &str) -> Result<()> {
        self.resize(320, 640).await?;
        self.look(name).await?;
        self.browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await.map(drop)
    }

    /// Takes a picture of the whole page, for people to look at, and fails if the page is wider than the window.
    ///
    /// # Errors
    /// The page must be scrolled sideways, or the picture cannot be written.
    pub async fn look(&self, name: &str) -> Result<PathBuf> {
        let folder = paths::target().join("e2e");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, self.browser.client.screenshot().await?)?;
        self.ensure_fits(&path.display().to_string()).await?;
        Ok(path)
    }

    /// Fails if the page must be scrolled sideways.
    ///
    /// # Errors
    /// It must; the error has `name`.
    pub async fn ensure_fits(&self, name: &str) -> Result<()> {
        let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let overflow = self.script(overflow, vec![]).await?;
        if overflow.as_i64() != Some(0) {
            bail!("{name}: the page is {overflow} pixels wider than the window");
        }
        Ok(())
    }

    /// Gives the page a window of this size: a tablet's, or that of a desk where the page is shown larger.
    ///
    /// # Errors
    /// The browser cannot.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", size).await.map(drop)
    }
}
