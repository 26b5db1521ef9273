//! Files of the site, and of the visitor's own model.

use js_sys::{Reflect, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web::texts;
use web_sys::{DedicatedWorkerGlobalScope, ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

use crate::store;

/// Why a file did not come: a sentence that names it.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No server answered, or not to the end, or one that is out of order: later it may.
    Offline(String),
    /// Everything else.
    Other(String),
}

impl From<Problem> for String {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Offline(sentence) | Problem::Other(sentence) => sentence,
        }
    }
}

/// Brings a file of at most `limit` bytes; `progress` hears how many have come. `path` is relative to the site.
///
/// # Errors
/// A sentence that names the file.
pub(crate) async fn fetch(path: &str, limit: u64, mut progress: impl FnMut(u64)) -> Result<Vec<u8>, Problem> {
    let broken = |error: JsValue| texts::not_fetched(path, said(&error));
    let init = RequestInit::new();
    // An old manifest beside new weights would look like damage.
    init.set_cache(RequestCache::NoCache);
    let scope: DedicatedWorkerGlobalScope = global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_str_and_init(path, &init)).await;
    let response: Response = response.map_err(|error| Problem::Offline(broken(error)))?.unchecked_into();
    if !response.ok() {
        let status = response.status();
        let sentence = texts::not_fetched(path, texts::server_answers(status));
        return Err(if status < 500 { Problem::Other(sentence) } else { Problem::Offline(sentence) });
    }
    let other = |error| Problem::Other(broken(error));
    let Some(stream) = response.body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(|error| Problem::Offline(broken(error)))?;
        if Reflect::get(&part, &"done".into()).map_err(other)?.is_truthy() {
            return Ok(bytes);
        }
        let part: Uint8Array = Reflect::get(&part, &"value".into()).map_err(other)?.unchecked_into();
        if bytes.len() as u64 + u64::from(part.length()) > limit {
            return Err(Problem::Other(texts::too_long(path, limit)));
        }
        bytes.extend(part.to_vec());
        progress(bytes.len() as u64);
    }
}

/// The newest version of a small file; without a network the one that is kept.
///
/// # Errors
/// A sentence that names the file.
pub(crate) async fn newest(path: &str, limit: u64) -> Result<Vec<u8>, Problem> {
    match fetch(path, limit, |_| ()).await {
        Err(Problem::Offline(sentence)) => store::find(path).await.ok_or(Problem::Offline(sentence)),
        answer => answer,
    }
}

/// What an exception says.
pub fn said(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
