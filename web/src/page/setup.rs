//! From an address to a page that loads its model.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web::{Models, Request};
use web_sys::{EventTarget, Response};

use crate::{
    app::{App, Event, dispatch, random_seed},
    controls,
    dom::{Result, by_id, on, window},
    said, status,
};

const NO_MODEL: &str = "There is no model here yet. Train one and export it: “cargo run --release -p trainer -- train”, then \
                        “cargo run --release -p trainer -- export --run runs/digits --out models/digits”. Then build the site \
                        again with “cargo xtask demo”.";

/// Sets the page up and loads the first model.
pub async fn start() -> Result<()> {
    let Request { mut settings, autorun, problems } = Request::parse(&window()?.location().search()?, random_seed());
    for problem in &problems {
        status::note(problem)?;
    }
    let models = match models().await {
        Ok(models) if !models.models.is_empty() => models,
        Ok(_) => {
            status::fail(NO_MODEL);
            return Ok(());
        }
        Err(problem) => {
            status::fail(&problem);
            return Ok(());
        }
    };
    if let Some(model) = settings.model.take_if(|model| !models.contains(model)) {
        status::note(&format!("The address asks for the model “{model}”, which is not here; another one is used."))?;
    }
    settings.model.get_or_insert_with(|| models.models[0].name.clone());
    controls::write(&settings, &models)?;

    let app = App::new(settings, autorun)?;
    listen(&app)?;
    app.borrow_mut().load()?;
    // The page lives as long as its document.
    std::mem::forget(app);
    Ok(())
}

fn listen(app: &Rc<RefCell<App>>) -> Result<()> {
    let hear = |id: &str, kind: &str, event: fn() -> Event| {
        let app = Rc::downgrade(app);
        on(&by_id::<EventTarget>(id)?, kind, move |_: web_sys::Event| dispatch(&app, event()))
    };
    hear("start", "click", || Event::Start)?;
    hear("cancel", "click", || Event::Cancel)?;
    hear("new-seed", "click", || Event::NewSeed)?;
    hear("task-sample", "change", || Event::TaskChosen)?;
    hear("task-inpaint", "change", || Event::TaskChosen)?;
    hear("sampler", "change", || Event::SamplerChosen)?;
    hear("model", "change", || Event::ModelChosen)?;
    hear("backend", "change", || Event::ModelChosen)?;
    hear("save-png", "click", || Event::SavePng)?;
    hear("save-json", "click", || Event::SaveJson)?;
    // Enter in a field starts a run, too, and must not load the page again.
    let form: EventTarget = by_id("controls")?;
    on(&form, "submit", |event: web_sys::Event| event.prevent_default())
}

/// The models on offer, or a sentence why there are none.
async fn models() -> std::result::Result<Models, String> {
    let broken =
        |reason: String| format!("The list of models, “models/index.json”, cannot be read ({reason}). {NO_MODEL}");
    let exception = |error: JsValue| broken(said(&error));
    let window = window().map_err(exception)?;
    let response = JsFuture::from(window.fetch_with_str("models/index.json")).await.map_err(exception)?;
    let response: Response = response.unchecked_into();
    match response.status() {
        404 => return Err(NO_MODEL.to_owned()),
        status if !response.ok() => return Err(broken(format!("the server answers {status}"))),
        _ => {}
    }
    let text = JsFuture::from(response.text().map_err(exception)?).await.map_err(exception)?;
    Models::parse(&text.as_string().unwrap_or_default()).map_err(broken)
}
