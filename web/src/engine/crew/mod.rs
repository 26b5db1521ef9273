//! Helpers: workers that share the engine's compiled program, each with its own copy of the model, and compute chains and
//! measures beside it. They need no shared memory, and so no headers that a static host cannot send.

mod division;
mod helper;
mod line;
mod measuring;
mod messages;

use futures::channel::oneshot;
use js_sys::Date;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web::messages::ModelFiles;
use web_sys::{Blob, Url};

use crate::link;

pub use division::Division;
pub use helper::run as help;
pub use line::Helper;
pub use measuring::Workers;

/// The helpers of a model.
pub struct Crew {
    /// What they load; nothing where there are none.
    files: Option<Files>,
    idle: Vec<Helper>,
    starting: Vec<oneshot::Receiver<Helper>>,
    /// How many are to be there.
    size: usize,
    /// How many more may be started in place of lost ones: where none works, that comes to an end.
    spare: usize,
}

impl Crew {
    /// Nobody.
    pub fn none() -> Self {
        Self { files: None, idle: Vec::new(), starting: Vec::new(), size: 0, spare: 0 }
    }

    /// Starts so many helpers with a model. Those that cannot start are not there.
    pub fn start(count: usize, manifest: &[u8], weights: &[u8]) -> Self {
        let mut crew = Self::none();
        if count == 0 {
            return crew;
        }
        crew.files = Files::new(manifest, weights).ok();
        (crew.size, crew.spare) = (count, 2 * count);
        (0..count).for_each(|_| crew.enlist());
        crew
    }

    /// Starts one more.
    fn enlist(&mut self) {
        let Some(files) = self.files.as_ref().map(|files| files.0.clone()) else { return };
        let (started, starting) = oneshot::channel();
        self.starting.push(starting);
        spawn_local(async move {
            if let Ok(helper) = Helper::start(files).await {
                // A crew that is gone ends it.
                let _ = started.send(helper);
            }
        });
    }

    /// Starts others in place of those that were lost, when no helper is at work.
    fn replace_lost(&mut self) {
        while self.idle.len() + self.starting.len() < self.size && self.spare > 0 {
            self.spare -= 1;
            self.enlist();
        }
    }

    /// At most so many helpers; those that are still starting are waited for, but not longer than so many milliseconds.
    async fn gather(&mut self, most: usize, within: f64) -> Vec<Helper> {
        let deadline = Date::now() + within;
        let waiting = std::mem::take(&mut self.starting);
        for mut helper in waiting {
            if self.idle.len() >= most {
                self.starting.push(helper);
                continue;
            }
            match link::in_time(&mut helper, deadline - Date::now()).await {
                Some(Ok(helper)) => self.idle.push(helper),
                Some(Err(_)) => {}
                None => self.starting.push(helper),
            }
        }
        self.replace_lost();
        let left = self.idle.len().saturating_sub(most);
        self.idle.split_off(left)
    }

    /// One in place of one that was lost.
    async fn another(&self) -> Option<Helper> {
        Helper::start(self.files.as_ref()?.0.clone()).await.ok()
    }
}

/// A model in memory, under addresses that helpers can load it from.
struct Files(ModelFiles);

impl Files {
    fn new(manifest: &[u8], weights: &[u8]) -> Result<Self, JsValue> {
        let address = |bytes: &[u8]| {
            let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
            Url::create_object_url_with_blob(&Blob::new_with_u8_array_sequence(&parts)?)
        };
        Ok(Self(ModelFiles { manifest: address(manifest)?, weights: address(weights)?, held_out: None }))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for address in [&self.0.manifest, &self.0.weights] {
            // An address that is none any more is what is wanted.
            let _ = Url::revoke_object_url(address);
        }
    }
}
