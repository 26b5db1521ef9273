//! Small help with the document.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CanvasRenderingContext2d, Document, Element, Event, EventTarget, HtmlCanvasElement, HtmlElement, Window,
};

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

/// Every element that a selector finds.
pub fn all(selector: &str) -> Result<Vec<HtmlElement>> {
    let found = document()?.query_selector_all(selector)?;
    Ok((0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect())
}

/// A new element of a class.
pub fn create<T: JsCast>(tag: &str, class: &str) -> Result<T> {
    let element = document()?.create_element(tag)?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    element.dyn_into().map_err(|_| format!("<{tag}> is of another kind").into())
}

/// A new element with a text.
pub fn written(tag: &str, class: &str, text: &str) -> Result<Element> {
    let element: Element = create(tag, class)?;
    element.set_text_content(Some(text));
    Ok(element)
}

/// Replaces what is in an element.
pub fn refill(element: &Element, children: impl IntoIterator<Item = impl AsRef<web_sys::Node>>) -> Result<()> {
    element.set_text_content(None);
    for child in children {
        element.append_child(child.as_ref())?;
    }
    Ok(())
}

/// Writes the text of the element of this id.
pub fn write(id: &str, text: &str) -> Result<()> {
    by_id::<Element>(id)?.set_text_content(Some(text));
    Ok(())
}

/// The same, if it says something else: what is read aloud is not to be read again.
pub fn rewrite(id: &str, text: &str) -> Result<()> {
    if by_id::<Element>(id)?.text_content().as_deref() == Some(text) { Ok(()) } else { write(id, text) }
}

/// Has an event handled as long as the target is there: the browser lets go of what handles it with the target.
pub fn on<E: JsCast>(target: &EventTarget, kind: &str, mut handle: impl FnMut(E) + 'static) -> Result<()> {
    let closure = Closure::<dyn FnMut(Event)>::new(move |event: Event| handle(event.unchecked_into()));
    target.add_event_listener_with_callback(kind, closure.into_js_value().unchecked_ref())
}

/// What a canvas is drawn with.
pub fn pen(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d> {
    let context = canvas.get_context("2d")?.ok_or("this browser draws no canvas")?;
    Ok(context.unchecked_into())
}

/// An empty canvas with a pixel for each of the screen's, and its size in them; nothing while it is hidden.
pub fn sharp(canvas: &HtmlCanvasElement) -> Result<Option<(CanvasRenderingContext2d, f64, f64)>> {
    let scale = window()?.device_pixel_ratio();
    let (width, height) =
        ((f64::from(canvas.client_width()) * scale).round(), (f64::from(canvas.client_height()) * scale).round());
    if width < 1.0 || height < 1.0 {
        return Ok(None);
    }
    // Setting the size clears the canvas, too.
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    Ok(Some((pen(canvas)?, width, height)))
}

/// A colour of the style sheet.
pub fn colour(name: &str) -> Result<String> {
    let style = window()?.get_computed_style(&*body()?)?.ok_or("there is no style")?;
    style.get_property_value(name)
}

/// What a promise comes to within so many milliseconds; undefined as the error if it comes to nothing.
pub async fn within(milliseconds: i32, promise: &Promise) -> Result<JsValue> {
    let mut timed = Ok(0);
    let late = Promise::new(&mut |_, reject| {
        timed = window()
            .and_then(|window| window.set_timeout_with_callback_and_timeout_and_arguments_0(&reject, milliseconds));
    });
    timed?;
    JsFuture::from(Promise::race(&Array::of2(promise, &late))).await
}

/// Comes back once the browser has done what waits.
pub async fn others_first() -> Result<()> {
    let never = Promise::new(&mut |_, _| {});
    within(0, &never).await.map(drop).or_else(|error| if error.is_undefined() { Ok(()) } else { Err(error) })
}

/// Calls a function once, after so many milliseconds.
pub fn after(milliseconds: i32, work: impl FnOnce() + 'static) -> Result<()> {
    let callback = Closure::once_into_js(work);
    window()?.set_timeout_with_callback_and_timeout_and_arguments_0(callback.unchecked_ref(), milliseconds)?;
    Ok(())
}
