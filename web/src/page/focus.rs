//! The keyboard's focus: what is hidden or disabled while it has the focus loses it to nothing, and who uses the keyboard
//! would have to begin at the top of the page.

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::dom::{Result, document};

/// The room that is chosen: above everything else, for when there is nothing nearer.
pub const ROOM: &str = ".rooms :checked";

/// Does what may take the focus from what has it. It then moves to the first of `others`, which are selectors, that can
/// have it.
pub fn keep<T>(others: &[&str], change: impl FnOnce() -> Result<T>) -> Result<T> {
    let held = held()?;
    let changed = change()?;
    if held.is_some_and(|held| !can_have_it(&held)) {
        for other in others {
            if let Some(found) = find(other)?.filter(can_have_it) {
                give(&found)?;
                break;
            }
        }
    }
    Ok(changed)
}

/// Whether what a selector names has the focus.
pub fn is_at(selector: &str) -> Result<bool> {
    Ok(held()?.is_some_and(|held| held.matches(selector).unwrap_or(false)))
}

/// Gives the focus to the first element of a selector and leaves the page where it is: who looks at the pictures would be
/// taken from them.
pub fn move_to(selector: &str) -> Result<()> {
    find(selector)?.map_or(Ok(()), |element| give(&element))
}

fn give(element: &HtmlElement) -> Result<()> {
    let options = Object::new();
    Reflect::set(&options, &"preventScroll".into(), &true.into())?;
    let focus: Function = Reflect::get(element, &"focus".into())?.unchecked_into();
    focus.call1(element, &options).map(drop)
}

/// What has the focus; none: nothing has.
fn held() -> Result<Option<HtmlElement>> {
    find(":focus")
}

fn find(selector: &str) -> Result<Option<HtmlElement>> {
    Ok(document()?.query_selector(selector)?.and_then(|element| element.dyn_into().ok()))
}

/// Whether it is in sight and does something. Browsers notice only later that it has lost the focus.
fn can_have_it(element: &HtmlElement) -> bool {
    let area = element.get_bounding_client_rect();
    let is_drawn = area.width() > 0.0 && area.height() > 0.0;
    is_drawn && element.is_connected() && !element.matches(":disabled").unwrap_or(false)
}
