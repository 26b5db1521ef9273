//! What is kept for later visits: where this browser is to compute, as it was measured here or as the visitor chose, and
//! the language that the visitor chose.

use options::Words;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web::{Backend, texts};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = localStorage, js_name = getItem, catch)]
    fn get_item(key: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(js_namespace = localStorage, js_name = setItem, catch)]
    fn set_item(key: &str, value: &str) -> Result<(), JsValue>;
}

const KEY: &str = "compute";
const LANGUAGE: &str = "language";

/// What was kept, if the browser keeps anything.
pub fn read() -> Option<Backend> {
    Backend::from_word(&get_item(KEY).ok()??)
}

/// Keeps it, where the browser does.
pub fn write(backend: Backend) {
    // One that keeps nothing measures again.
    let _ = set_item(KEY, backend.word());
}

/// The language that was chosen, if it is here.
pub fn language() -> Option<&'static str> {
    texts::listed(&get_item(LANGUAGE).ok()??)
}

/// Keeps the language, where the browser keeps anything.
pub fn write_language(code: &str) {
    // The address says it too.
    let _ = set_item(LANGUAGE, code);
}
