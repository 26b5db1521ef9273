//! What the page says in words, and the state that it shows to scripts.

use web::texts;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::{
    dom::{Result, all, body, by_id, create, document, on, rewrite, written},
    focus::{self, ROOM},
};

/// What the page is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Loading,
    /// Nothing is loaded before the visitor wants it.
    Poster,
    Ready,
    Running,
    Done,
    Cancelled,
    Error,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Poster => "poster",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// Sets `document.body.dataset.state`. The button for another attempt is there as long as there was none.
pub fn set_state(state: State) -> Result<()> {
    if state != State::Error
        && let Some(restart) = document()?.get_element_by_id("restart")
    {
        restart.remove();
    }
    set_data("state", state.name())
}

/// Sets an entry of `document.body.dataset`.
pub fn set_data(key: &str, value: &str) -> Result<()> {
    body()?.dataset().set(key, value)
}

/// One short sentence on what happens now.
pub fn say(text: &str) -> Result<()> {
    rewrite("status", text)
}

/// Something worth knowing that stays on the page.
pub fn note(text: &str) -> Result<()> {
    notice("note", "status", text)
}

/// The same of a model, as long as that is there.
pub fn note_of_model(text: &str) -> Result<()> {
    notice("note of-model", "status", text)
}

/// Takes away what was said of the model before.
pub fn clear_notes_of_model() -> Result<()> {
    clear(all(".of-model")?)
}

/// Takes away what the last failure said.
pub fn clear_errors() -> Result<()> {
    clear(all("#notice .error")?)
}

fn clear(notices: Vec<HtmlElement>) -> Result<()> {
    focus::keep(&[ROOM], || {
        notices.iter().for_each(|notice| notice.remove());
        Ok(())
    })
}

/// A failure, in a sentence with what to do: the page's state is `error` from here on.
pub fn fail(text: &str) {
    let show = || {
        notice("error", "alert", text)?;
        say(texts::stopped())?;
        set_state(State::Error)
    };
    if show().is_err() {
        // There is no document to say it in.
        web_sys::console::error_1(&text.into());
    }
}

/// A failure with a button for another attempt, which `restart` hears of.
pub fn fail_with_restart(text: &str, label: &str, restart: impl Fn() + 'static) -> Result<()> {
    fail(text);
    if let Some(earlier) = document()?.get_element_by_id("restart") {
        earlier.remove();
    }
    let button: HtmlElement = create("button", "")?;
    button.set_id("restart");
    button.set_text_content(Some(label));
    on(&button, "click", move |_: web_sys::Event| restart())?;
    by_id::<Element>("notice")?.append_child(&button).map(drop)
}

/// A mistake in a setting: a sentence, after which the page goes on.
pub fn complain(text: &str) -> Result<()> {
    notice("error", "alert", text)
}

/// The same of a field of the form, as long as it is there.
pub fn complain_of_field(text: &str) -> Result<()> {
    notice("error of-field", "alert", text)
}

/// Takes away what was said of a field, unless this is still its mistake.
pub fn recheck(mistake: Option<&str>) -> Result<()> {
    let mut said = all(".of-field")?;
    said.retain(|notice| notice.text_content().as_deref() != mistake);
    clear(said)
}

fn notice(class: &str, role: &str, text: &str) -> Result<()> {
    // What is said once more is not there twice.
    let mut same = all("#notice p")?;
    same.retain(|notice| notice.text_content().as_deref() == Some(text));
    clear(same)?;
    let paragraph: HtmlElement = create("p", class)?;
    paragraph.set_attribute("role", role)?;
    let dismiss: HtmlElement = create("button", "")?;
    dismiss.set_attribute("type", "button")?;
    dismiss.set_attribute("aria-label", texts::dismiss())?;
    let dismissed = paragraph.clone();
    on(&dismiss, "click", move |_: web_sys::Event| {
        // What is left without a focus is no failure.
        let _ = focus::keep(&["#notice button", ROOM], || {
            dismissed.remove();
            Ok(())
        });
    })?;
    let span = written("span", "", text)?;
    paragraph.append_child(&span)?;
    paragraph.append_child(&dismiss)?;
    by_id::<Element>("notice")?.append_child(&paragraph)?;
    if role == "alert" {
        bring_into_view(&paragraph)?;
    }
    Ok(())
}

/// Scrolls no further than needed.
fn bring_into_view(element: &Element) -> Result<()> {
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
    Ok(())
}
