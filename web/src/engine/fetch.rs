//! Files of the site.

use js_sys::{Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

/// Brings a file of at most `limit` bytes; `progress` hears how many have come. `path` is relative to the site.
///
/// # Errors
/// A sentence that names the file.
pub async fn fetch(path: &str, limit: u64, mut progress: impl FnMut(u64)) -> Result<Vec<u8>, String> {
    let broken = |error: JsValue| format!("“{path}” could not be fetched ({}).", said(&error));
    let init = RequestInit::new();
    // An old manifest beside new weights would look like damage.
    init.set_cache(RequestCache::NoCache);
    let scope: DedicatedWorkerGlobalScope = global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_str_and_init(path, &init)).await.map_err(broken)?;
    let response: Response = response.unchecked_into();
    if !response.ok() {
        return Err(format!("“{path}” could not be fetched (the server answers {}).", response.status()));
    }
    let Some(stream) = response.body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(broken)?;
        if Reflect::get(&part, &"done".into()).map_err(broken)?.is_truthy() {
            return Ok(bytes);
        }
        let part: Uint8Array = Reflect::get(&part, &"value".into()).map_err(broken)?.unchecked_into();
        if bytes.len() as u64 + u64::from(part.length()) > limit {
            return Err(format!("“{path}” is longer than the {limit} bytes that it may have."));
        }
        bytes.extend(part.to_vec());
        progress(bytes.len() as u64);
    }
}

/// What an exception says.
pub fn said(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
