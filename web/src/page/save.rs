//! Handing files to the visitor.

use js_sys::{Array, Uint8Array};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::dom::{Result, after, body, create};

/// Has the browser save a file.
pub fn save(name: &str, kind: &str, bytes: &[u8]) -> Result<()> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let address = Url::create_object_url_with_blob(&Blob::new_with_u8_array_sequence_and_options(&parts, &options)?)?;
    save_from(name, address)
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
