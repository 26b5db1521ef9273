//! Handing files to the visitor.

use js_sys::{Array, Uint8Array};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::dom::{Result, after, body, create};

/// Has the browser save a file, of parts that follow each other. It keeps them outside of the program's memory, of which
/// nothing is ever given back.
pub fn save(name: &str, kind: &str, parts: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let blobs = Array::new();
    for part in parts {
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(&part[..])))?;
        blobs.push(&blob);
    }
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    save_from(name, Url::create_object_url_with_blob(&Blob::new_with_blob_sequence_and_options(&blobs, &options)?)?)
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
