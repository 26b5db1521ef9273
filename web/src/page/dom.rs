//! Small help with the document.

use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, Window};

/// An exception is the error here, as everywhere in the browser.
pub type Result<T> = std::result::Result<T, JsValue>;

pub fn window() -> Result<Window> {
    web_sys::window().ok_or_else(|| "there is no window".into())
}

pub fn document() -> Result<Document> {
    window()?.document().ok_or_else(|| "there is no document".into())
}

pub fn body() -> Result<HtmlElement> {
    document()?.body().ok_or_else(|| "there is no body".into())
}

/// The element of this id, of the expected kind.
pub fn by_id<T: JsCast>(id: &str) -> Result<T> {
    let element = document()?.get_element_by_id(id);
    element.and_then(|element| element.dyn_into().ok()).ok_or_else(|| format!("the element #{id} is missing").into())
}

/// A new element of a class.
pub fn create<T: JsCast>(tag: &str, class: &str) -> Result<T> {
    let element = document()?.create_element(tag)?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    element.dyn_into().map_err(|_| format!("<{tag}> is of another kind").into())
}

/// Replaces what is in an element.
pub fn refill(element: &Element, children: impl IntoIterator<Item = impl AsRef<web_sys::Node>>) -> Result<()> {
    element.set_text_content(None);
    for child in children {
        element.append_child(child.as_ref())?;
    }
    Ok(())
}

/// Has an event handled for the rest of the page's life.
pub fn on<E: JsCast>(target: &EventTarget, kind: &str, mut handle: impl FnMut(E) + 'static) -> Result<()> {
    let closure = Closure::<dyn FnMut(Event)>::new(move |event: Event| handle(event.unchecked_into()));
    target.add_event_listener_with_callback(kind, closure.as_ref().unchecked_ref())?;
    closure.forget();
    Ok(())
}
