//! Held-out pictures of the other models, to be judged by this one.

use web::{ModelEntry, Pictures, address};

use crate::newest::newest;

/// A model's title and its held-out pictures; none if they cannot be had.
pub async fn fetch(model: &ModelEntry) -> Option<(String, Pictures)> {
    // The engine keeps them where the model is used.
    let file = async |name: &str| newest(&address(&model.name, name), false).await.ok();
    let manifest = file("model.json").await?;
    let manifest: serde_json::Value = serde_json::from_slice(user_files::without_byte_order_mark(&manifest)).ok()?;
    let number = |value: &serde_json::Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let (count, side) = (number(&manifest["held_out_pictures"])?, number(&manifest["data"]["size"])?);
    let channels = number(&manifest["channels"])?;
    if count == 0 || count > 1000 || side == 0 || side > 256 {
        return None;
    }
    let strip = file("held-out.png").await?;
    Some((model.title().to_owned(), Pictures::from_strip(&strip, count, side, channels).ok()?))
}
