//! Leaves the names of functions out of the page's programs: they would be a quarter of the download. The profiles'
//! `strip` does not do it: cargo forgets that for a package which has an optimisation level of its own in the profile.
//!
//! Makes a function of each English text: so the compiler sees to it that a text is there with all that it needs, and a
//! program holds no more texts than it says.

use std::{collections::BTreeSet, env, error::Error, fs, path::Path};

use serde_json::Value;

const ENGLISH: &str = "texts/en.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ENGLISH}");
    if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-bins=--strip-all");
    }
    let english: Value = serde_json::from_str(&fs::read_to_string(ENGLISH)?)?;
    let texts = english["texts"].as_object().ok_or("no object “texts”")?;
    let functions: String = texts.iter().filter_map(|(key, text)| function(key, text.as_str()?)).collect();
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("texts.rs"), functions)?;
    fs::write(Path::new(&folder).join("lessons.json"), english["lessons"].to_string())?;
    Ok(())
}

/// The function that says a text. Its arguments are what the text has in braces, in alphabetical order: a sentence may be
/// turned round. Nothing for texts with numbers in braces, which stand for elements of `index.html`.
fn function(key: &str, text: &str) -> Option<String> {
    let names: BTreeSet<&str> = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    if names.iter().any(|name| name.starts_with(|first: char| first.is_ascii_digit())) {
        return None;
    }
    let parameters: Vec<String> = names.iter().map(|name| format!("{name}: impl Display")).collect();
    if names.is_empty() {
        return Some(format!("#[doc = {text:?}]\npub fn {key}() -> &'static str {{ text({key:?}, {text:?}) }}\n"));
    }
    let values: Vec<String> = names.iter().map(|name| format!("({name:?}, &{name})")).collect();
    Some(format!(
        "#[doc = {text:?}]\npub fn {key}({}) -> String {{ fill({key:?}, {text:?}, &[{}]) }}\n",
        parameters.join(", "),
        values.join(", "),
    ))
}
