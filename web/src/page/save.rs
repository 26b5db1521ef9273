//! Handing files to the visitor.

use js_sys::{Array, Date, Uint8Array};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::dom::{Result, after, body, create, others_first};

/// Has the browser save a file.
pub fn save(name: &str, kind: &str, file: &[u8]) -> Result<()> {
    save_from(name, address(kind, &Array::of1(&Uint8Array::from(file)))?)
}

/// The address of a file of parts that follow each other. The browser keeps them outside of the program's memory, of which
/// nothing is ever given back, and does not stand still meanwhile.
pub async fn write_parts(kind: &str, parts: impl IntoIterator<Item = Vec<u8>>) -> Result<String> {
    const AT_ONCE: f64 = 30.0;
    let (blobs, mut begun) = (Array::new(), Date::now());
    for part in parts {
        blobs.push(&*Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(&part[..])))?);
        if Date::now() - begun > AT_ONCE {
            others_first().await?;
            begun = Date::now();
        }
    }
    address(kind, &blobs)
}

fn address(kind: &str, parts: &Array) -> Result<String> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    Url::create_object_url_with_blob(&Blob::new_with_blob_sequence_and_options(parts, &options)?)
}

/// Has the browser save what is at an address of this page, which is then revoked.
pub fn save_from(name: &str, address: String) -> Result<()> {
    let anchor: HtmlAnchorElement = create("a", "")?;
    anchor.set_href(&address);
    anchor.set_download(name);
    body()?.append_child(&anchor)?;
    anchor.click();
    anchor.remove();
    // Some browsers read the file only after this event: a minute is enough for any of them.
    after(60_000, move || {
        let _ = Url::revoke_object_url(&address);
    })
}
