//! The page: it owns the document, asks the engine, and shows what comes back. It computes nothing itself.
//!
//! What scripts and tests can rely on: `document.body.dataset` (`state`, `backend`, `model`, `step`) and the element
//! ids in `index.html`.

mod about;
mod app;
mod chart;
mod controls;
mod decoder;
mod dom;
mod drawing;
mod drops;
mod editor;
mod engine;
mod focus;
mod heat;
mod language;
mod lesson;
mod map;
mod newest;
mod numbers;
mod others;
mod outliers;
mod pad;
mod painted;
mod preference;
mod save;
mod setup;
mod shelf;
mod stage;
mod status;
mod tile;
mod toy;
mod view;
mod viewer;

use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::JsValue;
use web::texts;

/// Whether the page has stopped on an internal error: then it answers no more.
static STOPPED: AtomicBool = AtomicBool::new(false);

fn stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// Stops the page, which says so.
fn stop() {
    if !STOPPED.swap(true, Ordering::Relaxed) {
        status::fail(texts::page_panicked());
    }
}

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        stop();
    }));
    // From here on boot.js leaves failures to this program.
    let _ = status::set_data("started", "true");
    wasm_bindgen_futures::spawn_local(async {
        if let Err(error) = setup::start().await {
            status::fail(&texts::page_not_set_up(said(&error)));
        }
    });
}

/// What an exception says.
fn said(error: &JsValue) -> String {
    use wasm_bindgen::JsCast;
    let text = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    text.or_else(|| error.as_string()).unwrap_or_else(|| format!("{error:?}"))
}
