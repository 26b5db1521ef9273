//! From an address to a page that loads its model.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Reflect, Uint8Array, WebAssembly::RuntimeError};
use options::Words;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web::{Models, Request, Task, shortened, texts};
use web_sys::{Element, EventTarget, HtmlInputElement, KeyboardEvent, PointerEvent, Response};

use crate::{
    app::{App, Event, dispatch, random_seed},
    controls,
    dom::{Result, by_id, document, on, window, within},
    drops, language, said, status, stop,
};

/// Sets the page up and loads the first model.
pub async fn start() -> Result<()> {
    language::begin()?;
    let Request { mut settings, says_run, autorun, lesson, embed, language, problems, .. } =
        Request::parse(&window()?.location().search()?, random_seed());
    // A visit that is loaded again, and whose visitor has asked for no run, though its address says one.
    let form = window()?.history()?.state()?.as_string();
    let named = says_run && form.is_none();
    if let Some(form) = form {
        settings = Request::parse(&form, settings.seed).settings;
    }
    for problem in &problems {
        status::note(problem)?;
    }
    let language = language::check(language)?;
    let models = match models().await {
        Ok(models) if !models.models.is_empty() => models,
        Ok(_) => {
            status::fail(texts::no_models());
            return Ok(());
        }
        Err(problem) => {
            status::fail(&problem);
            return Ok(());
        }
    };
    if let Some(model) = settings.model.take_if(|model| !models.contains(model)) {
        status::note(&texts::unknown_model(shortened(&model)))?;
    }
    settings.model.get_or_insert_with(|| models.models[0].name.clone());
    controls::write(&settings, &models)?;

    let app = App::new(settings, models, autorun, language)?;
    listen(&app)?;
    if embed {
        app.borrow_mut().open_small(named)?;
    } else {
        app.borrow_mut().open(lesson, named)?;
    }
    #[expect(clippy::mem_forget, reason = "the page lives as long as its document")]
    std::mem::forget(app);
    Ok(())
}

fn listen(app: &Rc<RefCell<App>>) -> Result<()> {
    let hear = |id: &str, kind: &str, event: fn() -> Event| {
        let app = Rc::downgrade(app);
        on(&by_id::<EventTarget>(id)?, kind, move |_: web_sys::Event| dispatch(&app, event()))
    };
    hear("start", "click", || Event::Start)?;
    hear("new", "click", || Event::New)?;
    hear("pause", "click", || Event::Pause)?;
    hear("step-once", "click", || Event::StepOnce)?;
    hear("cancel", "click", || Event::Cancel)?;
    hear("continue", "click", || Event::Continue)?;
    hear("new-seed", "click", || Event::NewSeed)?;
    for &room in Task::all() {
        hear(&format!("task-{}", room.word()), "change", || Event::RoomChosen)?;
    }
    hear("copy-embed", "click", || Event::CopyEmbed)?;
    hear("lessons", "click", || Event::Lesson(1))?;
    hear("lesson-back", "click", || Event::LessonBy(-1))?;
    hear("lesson-next", "click", || Event::LessonBy(1))?;
    hear("lesson-end", "click", || Event::EndLessons)?;
    hear("sampler", "change", || Event::SamplerChosen)?;
    hear("known", "change", || Event::KnownChosen)?;
    hear("model", "change", || Event::ModelChosen)?;
    hear("backend", "change", || Event::BackendChosen)?;
    for field in ["count", "steps", "seed"] {
        hear(field, "change", || Event::RunChanged)?;
    }
    for field in ["level", "continue-level"] {
        hear(field, "change", || Event::Changed)?;
    }
    for corner in ["corner-a", "corner-b", "corner-c"] {
        hear(corner, "change", || Event::CornerChosen)?;
    }
    hear("other-corners", "click", || Event::OtherCorners)?;
    hear("compare-models", "click", || Event::CompareModels)?;
    hear("walk", "click", || Event::Walk)?;
    hear("train-toy", "click", || Event::TrainToy)?;
    hear("toy-shape", "change", || Event::Changed)?;
    hear("chain-close", "click", || Event::CloseChain)?;
    hear("chain-complete", "click", || Event::ChainTo(Task::Inpaint))?;
    hear("chain-denoise", "click", || Event::ChainTo(Task::Denoise))?;
    hear("chain-score", "click", || Event::ChainTo(Task::Outliers))?;
    hear("chain-save", "click", || Event::SaveChain)?;
    hear("play", "click", || Event::Play)?;
    hear("save-png", "click", || Event::SavePng)?;
    hear("save-apng", "click", || Event::SaveAnimation)?;
    hear("save-json", "click", || Event::SaveJson)?;
    hear("copy-link", "click", || Event::CopyLink)?;
    let (window, resized, moved) = (window()?, Rc::downgrade(app), Rc::downgrade(app));
    on(&window, "popstate", move |_: web_sys::Event| dispatch(&moved, Event::Moved))?;
    on(&window, "resize", move |_: web_sys::Event| dispatch(&resized, Event::Redraw))?;
    // What is drawn has the colours of the style sheet.
    if let Some(scheme) = window.match_media("(prefers-color-scheme: dark)")? {
        let changed = Rc::downgrade(app);
        on(&scheme, "change", move |_: web_sys::Event| dispatch(&changed, Event::Redraw))?;
    }
    let left = Rc::downgrade(app);
    on(&window, "beforeunload", move |event: web_sys::Event| {
        // The browser asks in words of its own.
        if left.upgrade().is_some_and(|app| app.try_borrow().is_ok_and(|app| app.would_lose())) {
            event.prevent_default();
        }
    })?;
    listen_to_browser(app)?;
    listen_to_map(app)?;
    listen_to_files(app)?;
    let (scrub, scrubbed) = (by_id::<HtmlInputElement>("scrub")?, Rc::downgrade(app));
    let moved = scrub.clone();
    on(&scrub, "input", move |_: web_sys::Event| {
        dispatch(&scrubbed, Event::Scrubbed(moved.value_as_number() as usize));
    })?;
    // Enter in a field starts a run, too, and must not load the page again.
    let form: EventTarget = by_id("controls")?;
    for kind in ["input", "focusin"] {
        let touched = Rc::downgrade(app);
        on(&form, kind, move |_: web_sys::Event| dispatch(&touched, Event::Touched))?;
    }
    on(&form, "submit", |event: web_sys::Event| event.prevent_default())
}

/// Notices when the page is seen, and what ended a part of it without a word of its own.
fn listen_to_browser(app: &Rc<RefCell<App>>) -> Result<()> {
    let (seen, window, document) = (Rc::downgrade(app), window()?, document()?);
    let shown = document.clone();
    on(&document, "visibilitychange", move |_: web_sys::Event| {
        if !shown.hidden() {
            dispatch(&seen, Event::Seen);
        }
    })?;
    for (kind, key) in [("error", "error"), ("unhandledrejection", "reason")] {
        let app = Rc::downgrade(app);
        on(&window, kind, move |event: web_sys::Event| {
            // Only a program such as this one fails so: what it was doing is half done. Other exceptions may be those of
            // somebody else's script.
            match Reflect::get(&event, &key.into()) {
                Ok(error) if error.is_instance_of::<RuntimeError>() => stop(),
                _ => dispatch(&app, Event::Uncaught),
            }
        })?;
    }
    Ok(())
}

fn listen_to_map(app: &Rc<RefCell<App>>) -> Result<()> {
    let map: Element = by_id("map")?;
    // A finger that only taps does not move.
    for kind in ["pointermove", "pointerdown"] {
        let (app, on_map) = (Rc::downgrade(app), map.clone());
        on(&map, kind, move |event: PointerEvent| {
            let area = on_map.get_bounding_client_rect();
            let across = (f64::from(event.client_x()) - area.left()) / area.width().max(1.0);
            let down = (f64::from(event.client_y()) - area.top()) / area.height().max(1.0);
            dispatch(&app, Event::MapPointed(across, down));
        })?;
    }
    let moved = Rc::downgrade(app);
    on(&map, "keydown", move |event: KeyboardEvent| {
        let (across, down) = match event.key().as_str() {
            "ArrowLeft" => (-1, 0),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            _ => return,
        };
        event.prevent_default();
        dispatch(&moved, Event::MapMoved(across, down));
    })
}

fn listen_to_files(app: &Rc<RefCell<App>>) -> Result<()> {
    let dropped = Rc::downgrade(app);
    drops::listen(move |items| dispatch(&dropped, Event::Files(items)))?;
    for id in ["upload", "own-model", "own-files"] {
        let (field, app) = (by_id::<HtmlInputElement>(id)?, Rc::downgrade(app));
        let (chosen, opened) = (field.clone(), field.clone());
        on(&by_id::<EventTarget>(&format!("{id}-open"))?, "click", move |_: web_sys::Event| opened.click())?;
        on(&field, "change", move |_: web_sys::Event| {
            let items = drops::chosen(chosen.files());
            // So that the same file can be chosen again.
            chosen.set_value("");
            dispatch(&app, if id == "upload" { Event::Files(items) } else { Event::OwnModel(items) });
        })?;
    }
    Ok(())
}

/// Milliseconds that the server has for the list of models.
const SERVER_ANSWERS_WITHIN: i32 = 60_000;

/// The models on offer, or a sentence why there are none.
async fn models() -> std::result::Result<Models, String> {
    let broken = |reason: String| format!("{} {}", texts::models_unreadable(reason), texts::reload());
    let exception = |error: JsValue| broken(said(&error));
    let window = window().map_err(exception)?;
    let late = |error: JsValue| {
        if error.is_undefined() { broken(texts::server_silent().to_owned()) } else { exception(error) }
    };
    let response = within(SERVER_ANSWERS_WITHIN, &window.fetch_with_str("models/index.json")).await.map_err(late)?;
    let response: Response = response.unchecked_into();
    match response.status() {
        404 => return Err(texts::no_models().to_owned()),
        status if !response.ok() => return Err(broken(texts::server_answers(status))),
        _ => {}
    }
    let text = JsFuture::from(response.array_buffer().map_err(exception)?).await.map_err(exception)?;
    Models::parse(&Uint8Array::new(&text).to_vec()).map_err(broken)
}
