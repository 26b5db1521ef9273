//! Held-out pictures of the other models, to be judged by this one.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web::{ModelEntry, Pictures};
use web_sys::Response;

use crate::dom::{Result, window};

/// A model's title and its held-out pictures; none if they cannot be had.
pub async fn fetch(model: &ModelEntry) -> Option<(String, Pictures)> {
    let manifest = bytes(&format!("models/{}/model.json", model.name)).await.ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(user_files::without_byte_order_mark(&manifest)).ok()?;
    let number = |value: &serde_json::Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let (count, side) = (number(&manifest["held_out_pictures"])?, number(&manifest["data"]["size"])?);
    let channels = number(&manifest["channels"])?;
    if count == 0 || count > 1000 || side == 0 || side > 256 {
        return None;
    }
    let strip = bytes(&format!("models/{}/held-out.png", model.name)).await.ok()?;
    Some((model.title().to_owned(), Pictures::from_strip(&strip, count, side, channels).ok()?))
}

async fn bytes(path: &str) -> Result<Vec<u8>> {
    let response: Response = JsFuture::from(window()?.fetch_with_str(path)).await?.unchecked_into();
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
