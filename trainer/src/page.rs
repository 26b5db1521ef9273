//! What the pages that the trainer writes have in common: they stand alone in one file.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    error::{Error, Result},
    files,
};

/// How they look.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;margin:1rem 0}th,td{text-align:right;padding:.2rem .7rem;border-bottom:1px solid #ddd}\
th:first-child,td:first-child{text-align:left}img,svg{max-width:100%;height:auto}.grid{image-rendering:pixelated}\
.grids{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:1rem}figure{margin:0}\
figcaption{color:#666;font-size:.85rem}pre{background:#f6f6f4;padding:1rem;overflow-x:auto}";

/// A whole page.
pub fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (body)
            }
        }
    }
}

/// A picture file as an address that needs no file.
///
/// # Errors
/// The file cannot be read.
pub fn embedded(path: &Path) -> Result<String> {
    let bytes =
        fs::read(path).map_err(|error| Error::failed(format!("{}: {}", path.display(), files::reason(&error))))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}
