//! Small files of models: the newest, and without a network those that came last.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Response};

use crate::dom::{Result, window};

/// Where the engine keeps files of models, too.
const CACHE: &str = "models";

/// The bytes of a file; `keeps`: for the next visit as well. Where nobody answers, or the server fails, those kept before; not
/// where it says that there is no such file any more.
pub async fn newest(path: &str, keeps: bool) -> Result<Vec<u8>> {
    let Ok(response) = fetch(path).await else { return find(path).await };
    if response.status() >= 500 {
        return find(path).await;
    }
    if !response.ok() {
        return Err(response.status().into());
    }
    // A network may break in the middle of a file.
    let Ok(bytes) = bytes(response).await else { return find(path).await };
    if keeps {
        let (path, kept) = (path.to_owned(), bytes.clone());
        // Nobody waits for that; a browser that stores nothing fetches it again.
        wasm_bindgen_futures::spawn_local(async move { drop(keep(&path, &kept).await) });
    }
    Ok(bytes)
}

async fn fetch(path: &str) -> Result<Response> {
    Ok(JsFuture::from(window()?.fetch_with_str(path)).await?.unchecked_into())
}

async fn keep(path: &str, bytes: &[u8]) -> Result<()> {
    let cache: Cache = JsFuture::from(caches()?.open(CACHE)).await?.unchecked_into();
    let file = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))?;
    JsFuture::from(cache.put_with_str(path, &file)).await.map(drop)
}

async fn find(path: &str) -> Result<Vec<u8>> {
    bytes(JsFuture::from(caches()?.match_with_str(path)).await?.dyn_into()?).await
}

fn caches() -> Result<CacheStorage> {
    let caches = window()?.caches()?;
    // There are none at an address that is not secure.
    if caches.is_undefined() { Err("no storage".into()) } else { Ok(caches) }
}

async fn bytes(response: Response) -> Result<Vec<u8>> {
    if !response.ok() {
        return Err(response.status().into());
    }
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
