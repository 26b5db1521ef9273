//! Files that came once, in the browser's cache: models work without a network afterwards. A browser that stores
//! nothing, as in private windows of some, only has to fetch them again, so nothing here can fail.

use std::cell::Cell;

use js_sys::{Array, Promise, Uint8Array, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, DedicatedWorkerGlobalScope, Request, Response};

use crate::link::in_time;

const NAME: &str = "models";

thread_local! {
    static KEEPS: Cell<bool> = const { Cell::new(true) };
}

/// Says whether files are kept from now on. What was kept before is found all the same.
pub fn set_keeping(keeps: bool) {
    KEEPS.set(keeps);
}

/// Keeps a file under a name that is an address relative to the site. Says whether it is kept.
pub async fn keep(name: &str, bytes: &[u8]) -> bool {
    KEEPS.get() && try_to_keep(name, bytes).await.is_ok()
}

/// Keeps no other file than `name` whose name begins with `folder`.
pub async fn forget_others(folder: &str, name: &str) {
    let _ = try_to_forget_others(folder, name).await;
}

/// The file that was kept under this name.
pub async fn find(name: &str) -> Option<Vec<u8>> {
    try_to_find(name).await.ok().flatten()
}

fn caches() -> Result<CacheStorage, JsValue> {
    let scope: DedicatedWorkerGlobalScope = global().unchecked_into();
    let caches = scope.caches()?;
    // There are none at an address that is not secure.
    if caches.is_undefined() { Err("no storage".into()) } else { Ok(caches) }
}

async fn open() -> Result<Cache, JsValue> {
    Ok(soon(caches()?.open(NAME)).await?.unchecked_into())
}

/// A storage that does not answer is none: the network has the same files.
async fn soon(promise: Promise) -> Result<JsValue, JsValue> {
    const WITHIN: f64 = 10_000.0;
    in_time(JsFuture::from(promise), WITHIN).await.unwrap_or_else(|| Err("the storage does not answer".into()))
}

async fn try_to_keep(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let response = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))?;
    JsFuture::from(open().await?.put_with_str(name, &response)).await.map(drop)
}

async fn try_to_forget_others(folder: &str, name: &str) -> Result<(), JsValue> {
    let cache = open().await?;
    let address = |name: &str| Request::new_with_str(name).map(|request| request.url());
    let (folder, kept) = (address(folder)?, address(name)?);
    let requests: Array = JsFuture::from(cache.keys()).await?.unchecked_into();
    for request in requests.iter() {
        let request: Request = request.unchecked_into();
        if request.url().starts_with(&folder) && request.url() != kept {
            JsFuture::from(cache.delete_with_request(&request)).await?;
        }
    }
    Ok(())
}

async fn try_to_find(name: &str) -> Result<Option<Vec<u8>>, JsValue> {
    // Opening a cache would make it.
    let found = soon(caches()?.match_with_str(name)).await?;
    let Ok(response) = found.dyn_into::<Response>() else { return Ok(None) };
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Some(Uint8Array::new(&buffer).to_vec()))
}
