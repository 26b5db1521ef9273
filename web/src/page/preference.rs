//! Where this browser is to compute, as it was measured here or as the visitor chose: kept for later visits.

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

/// What was kept, if the browser keeps anything.
pub fn read() -> Option<Backend> {
    Backend::from_word(&get_item(KEY).ok()??)
}

/// Keeps it, where the browser does.
pub fn write(backend: Backend) {
    // One that keeps nothing measures again.
    let _ = set_item(KEY, backend.word());
}
