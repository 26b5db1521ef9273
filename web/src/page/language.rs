//! The language of the page. `language.js` has found it and put its texts into the document.

use js_sys::Reflect;
use web::{shortened, texts};
use web_sys::HtmlElement;

use crate::{
    dom::{Result, all, by_id, window},
    status,
};

/// Has the program say everything in the language of the page, or says why that is English after all.
pub fn begin() -> Result<()> {
    if let Some(file) = Reflect::get(&*window()?, &"spoken".into())?.as_string() {
        texts::speak(file).map_err(|error| error.to_string())?;
    }
    let missing = by_id::<HtmlElement>("language")?.dataset();
    match (missing.get("missing"), missing.get("reason")) {
        (Some(language), Some(reason)) => status::note(&texts::language_missing(language, reason)),
        _ => Ok(()),
    }
}

/// Keeps the language that the address asks for, if it is here; else says so.
pub fn check(asked: Option<String>) -> Result<Option<String>> {
    let here: Vec<String> =
        all("#language option")?.iter().filter_map(|option| option.get_attribute("value")).collect();
    match asked {
        Some(asked) if !here.contains(&asked) => {
            let wanted = texts::needs_word(here.join(", "));
            status::note(&texts::setting_ignored(wanted, format!("lang={}", shortened(&asked))))?;
            Ok(None)
        }
        asked => Ok(asked),
    }
}
