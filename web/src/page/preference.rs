//! Where this browser is to compute, as it was measured here or as the visitor chose: kept for later visits.

use std::cell::Cell;

use options::Words;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web::Backend;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = localStorage, js_name = getItem, catch)]
    fn get_item(key: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(js_namespace = localStorage, js_name = setItem, catch)]
    fn set_item(key: &str, value: &str) -> Result<(), JsValue>;
}

const KEY: &str = "compute";

thread_local! {
    /// What was found or chosen since the page was opened.
    static NOW: Cell<Option<Backend>> = const { Cell::new(None) };
    static KEEPS: Cell<bool> = const { Cell::new(true) };
}

/// Keeps nothing for later visits.
pub fn keep_nothing() {
    KEEPS.set(false);
}

/// What was kept, now or at an earlier visit.
pub fn read() -> Option<Backend> {
    NOW.get().or_else(|| Backend::from_word(&get_item(KEY).ok()??))
}

/// Keeps it, for later visits where the browser does.
pub fn write(backend: Backend) {
    NOW.set(Some(backend));
    if KEEPS.get() {
        // A browser that keeps nothing measures again at the next visit.
        let _ = set_item(KEY, backend.word());
    }
}
