//! The language of the page: which one, its texts, and where they stand in the document.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web::texts::{self, LANGUAGES, Part, Texts, preferred, translated};
use web_sys::{Element, HtmlElement, HtmlOptionElement, HtmlSelectElement, Response};

use crate::{
    dom::{Result, all, by_id, create, document, refill, window},
    preference, said, status,
};

/// The language of `index.html` and of the program.
const ENGLISH: &str = "en";

/// Has the page say everything in the language that the address asks for, that was chosen earlier, or that the browser is
/// set to: the first of these that there is.
pub async fn begin(asked: Option<&'static str>) -> Result<()> {
    let browsers = window()?.navigator().languages();
    let browsers = browsers.iter().filter_map(|language| language.as_string());
    let code = asked.or_else(preference::language).or_else(|| preferred(browsers)).unwrap_or(ENGLISH);
    if code == ENGLISH {
        return offer(ENGLISH);
    }
    match fetch(code).await {
        Ok(found) => {
            texts::speak(found);
            translate(code)?;
            offer(code)
        }
        Err(reason) => {
            let name = LANGUAGES.iter().find(|(language, _)| *language == code).map_or(code, |(_, name)| name);
            status::note(&texts::language_missing(name, reason))?;
            offer(ENGLISH)
        }
    }
}

/// Opens the same link in the language that was chosen, and remembers that.
pub fn choose() -> Result<()> {
    let chosen = by_id::<HtmlSelectElement>("language")?.value();
    preference::write_language(&chosen);
    let location = window()?.location();
    let search = location.search()?;
    let rest = search.trim_start_matches('?').split('&').filter(|part| !part.is_empty() && !part.starts_with("lang="));
    let rest: String = rest.map(|part| format!("{part}&")).collect();
    location.set_search(&format!("{rest}lang={chosen}"))
}

/// Offers the languages, of which one is spoken.
fn offer(spoken: &str) -> Result<()> {
    let mut options: Vec<HtmlOptionElement> = Vec::new();
    for (code, name) in LANGUAGES {
        let option: HtmlOptionElement = create("option", "")?;
        option.set_value(code);
        option.set_text(name);
        option.set_lang(code);
        options.push(option);
    }
    let select: HtmlSelectElement = by_id("language")?;
    refill(&select, options)?;
    select.set_value(spoken);
    select.closest("[hidden]")?.map_or(Ok(()), |label| label.remove_attribute("hidden"))
}

/// A language's file, or why it did not come.
async fn fetch(code: &str) -> std::result::Result<Texts, String> {
    let read = async {
        let path = format!("texts/{code}.json");
        let response: Response = JsFuture::from(window()?.fetch_with_str(&path)).await?.unchecked_into();
        if !response.ok() {
            return Err(texts::server_answers(response.status()).into());
        }
        let buffer = JsFuture::from(response.array_buffer()?).await?;
        Ok(Uint8Array::new(&buffer).to_vec())
    };
    let file = read.await.map_err(|error| said(&error))?;
    serde_json::from_slice(user_files::without_byte_order_mark(&file)).map_err(|error| error.to_string())
}

/// Puts the texts of the document in the place of the English ones.
fn translate(code: &str) -> Result<()> {
    let root = document()?.document_element().ok_or("there is no document")?;
    root.set_attribute("lang", code)?;
    let text = |element: &HtmlElement, attribute: &str| {
        let key = element.get_attribute(attribute)?;
        translated(|texts| texts.texts.get(&key).cloned())
    };
    for element in all("[data-text]")? {
        if let Some(text) = text(&element, "data-text") {
            rewrite(&element, &text)?;
        }
    }
    for (place, attribute) in [("data-label", "aria-label"), ("data-hint", "title")] {
        for element in all(&format!("[{place}]"))? {
            if let Some(text) = text(&element, place) {
                element.set_attribute(attribute, &text)?;
            }
        }
    }
    Ok(())
}

/// Writes a text into an element, with the elements in it where the text has their numbers.
fn rewrite(element: &Element, text: &str) -> Result<()> {
    let mut children = Vec::new();
    while let Some(child) = element.first_element_child() {
        child.remove();
        children.push(child);
    }
    element.set_text_content(None);
    for part in texts::parts(text) {
        match part {
            Part::Words(words) => element.append_with_str_1(words)?,
            Part::Place(number) => {
                let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                if let Some(child) = index.and_then(|index| children.get(index)) {
                    element.append_child(child)?;
                }
            }
        }
    }
    Ok(())
}
