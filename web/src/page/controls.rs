//! The form: settings in, settings out.

use options::{Sampler, ToyShape, Words};
use wasm_bindgen::JsCast;
use web::{Backend, Known, Models, Settings, Task, decimal, default_steps, level, number, texts};
use web_sys::{HtmlElement, HtmlFieldSetElement, HtmlInputElement, HtmlOptionElement, HtmlSelectElement};

use crate::{
    dom::{Result, all, by_id, create, document, refill, write as write_text},
    status::State,
};

/// Fills the form in.
pub fn write(settings: &Settings, models: &Models) -> Result<()> {
    let mut options: Vec<HtmlOptionElement> = Vec::new();
    for model in &models.models {
        let option: HtmlOptionElement = create("option", "")?;
        option.set_value(&model.name);
        option.set_text(model.title());
        option.set_lang("en");
        options.push(option);
    }
    let select: HtmlSelectElement = by_id("model")?;
    refill(&select, options)?;
    select.set_value(settings.model.as_deref().unwrap_or_default());
    write_backend(settings.backend.unwrap_or(Backend::WebGpu))?;
    by_id::<HtmlSelectElement>("sampler")?.set_value(settings.sampler.word());
    input("count")?.set_value(&settings.count.to_string());
    input("steps")?.set_value(&settings.steps.to_string());
    write_seed(settings.seed)?;
    input("level")?.set_value(&decimal(settings.level));
    by_id::<HtmlSelectElement>("toy-shape")?.set_value(settings.toy.word());
    show_room(settings.task)?;
    show_known(settings)
}

pub fn write_backend(backend: Backend) -> Result<()> {
    by_id::<HtmlSelectElement>("backend")?.set_value(backend.word());
    Ok(())
}

pub fn write_model(name: &str) -> Result<()> {
    by_id::<HtmlSelectElement>("model")?.set_value(name);
    Ok(())
}

pub fn write_seed(seed: u64) -> Result<()> {
    input("seed")?.set_value(&seed.to_string());
    Ok(())
}

/// The chosen model.
pub fn model() -> Result<String> {
    Ok(by_id::<HtmlSelectElement>("model")?.value())
}

/// The chosen backend.
pub fn backend() -> Result<Backend> {
    let chosen = by_id::<HtmlSelectElement>("backend")?.value();
    Ok(if chosen == Backend::Cpu.word() { Backend::Cpu } else { Backend::WebGpu })
}

/// The chosen sampler.
pub fn sampler() -> Result<Sampler> {
    let chosen = by_id::<HtmlSelectElement>("sampler")?.value();
    Ok(Sampler::from_word(&chosen).unwrap_or(Sampler::Consistent))
}

/// Proposes the number of steps that suits the chosen sampler.
pub fn propose_steps() -> Result<()> {
    input("steps")?.set_value(&default_steps(sampler()?).to_string());
    Ok(())
}

/// The chosen room.
pub fn room() -> Result<Task> {
    for &task in Task::all() {
        if input(&format!("task-{}", task.word()))?.checked() {
            return Ok(task);
        }
    }
    Ok(Task::Sample)
}

/// What the toy is to learn.
pub fn toy_shape() -> Result<ToyShape> {
    let chosen = by_id::<HtmlSelectElement>("toy-shape")?.value();
    Ok(ToyShape::from_word(&chosen).unwrap_or(ToyShape::Moons))
}

/// What is known of a picture that is restored.
pub fn known() -> Result<Known> {
    let chosen = by_id::<HtmlSelectElement>("known")?.value();
    Ok(Known::from_word(&chosen).unwrap_or(Known::Part))
}

/// Shows what belongs to what is known: the painting to a part.
pub fn show_known(settings: &Settings) -> Result<()> {
    by_id::<HtmlSelectElement>("known")?.set_value(settings.known.word());
    let painted = settings.task == Task::Inpaint && settings.known == Known::Part;
    by_id::<HtmlElement>("inpaint")?.set_hidden(!painted);
    Ok(())
}

/// Offers colours to models of colour pictures only; gives whether what was chosen can stay.
pub fn offer_colours(channels: usize) -> Result<bool> {
    let option = document()?.query_selector("#known option[value=grey]")?.ok_or("there is no such option")?;
    option.unchecked_into::<HtmlOptionElement>().set_disabled(channels != 3);
    Ok(channels == 3 || known()? != Known::Grey)
}

/// The level that a finished run is to be continued from, or what is wrong with it.
pub fn continue_level() -> Result<std::result::Result<f32, String>> {
    field("continue-level", texts::the_level, level)
}

/// The form over what `settings` has; or the first mistake in a field of the room as a sentence, with the field marked.
/// What other rooms have in their fields is no obstacle.
pub fn read(settings: &mut Settings) -> Result<std::result::Result<(), String>> {
    settings.sampler = sampler()?;
    settings.toy = toy_shape()?;
    settings.known = known()?;
    let (denoises, chains) = (settings.task == Task::Denoise, settings.task.runs_chains());
    let level = field("level", texts::the_level, level)?;
    let the_count = if denoises { texts::the_chains } else { texts::the_count };
    let count = field("count", the_count, |text| number(text, Settings::COUNTS))?;
    let steps = field("steps", texts::the_steps, |text| number(text, Settings::STEPS))?;
    let seed = field("seed", texts::the_seed, |text| number(text, 0..=u64::MAX))?;
    // It is told when it is to be used.
    let _ = continue_level()?;
    // In the order of the page: the first one has the focus.
    let mistakes = [
        take(level, &mut settings.level).filter(|_| denoises),
        take(count, &mut settings.count).filter(|_| chains),
        take(steps, &mut settings.steps).filter(|_| chains),
        take(seed, &mut settings.seed).filter(|_| chains),
    ];
    Ok(mistakes.into_iter().flatten().next().map_or(Ok(()), Err))
}

/// Takes over a value, or gives the mistake.
fn take<T>(value: std::result::Result<T, String>, place: &mut T) -> Option<String> {
    match value {
        Ok(value) => {
            *place = value;
            None
        }
        Err(mistake) => Some(mistake),
    }
}

/// Moves the focus to the first field with a mistake.
pub fn focus_mistake() -> Result<()> {
    for field in all("#controls [aria-invalid]")? {
        if field.closest("[hidden]")?.is_none() {
            if let Some(folded) = field.closest("details")? {
                folded.set_attribute("open", "")?;
            }
            return field.focus();
        }
    }
    Ok(())
}

fn field<T>(
    id: &str,
    name: fn() -> &'static str,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<std::result::Result<T, String>> {
    let field = input(id)?;
    let value = parse(field.value().trim());
    match value {
        Ok(_) => field.remove_attribute("aria-invalid")?,
        Err(_) => field.set_attribute("aria-invalid", "true")?,
    }
    Ok(value.map_err(|wanted| texts::unusable(name(), wanted)))
}

/// Shows what belongs to a room, and only that.
pub fn show_room(room: Task) -> Result<()> {
    input(&format!("task-{}", room.word()))?.set_checked(true);
    for element in all("[data-rooms]")? {
        let rooms = element.get_attribute("data-rooms").unwrap_or_default();
        element.set_hidden(!rooms.split(' ').any(|name| name == room.word()));
    }
    write_text("count-name", if room == Task::Denoise { texts::chains() } else { texts::pictures() })
}

/// Adds the visitor's own model to the models, and chooses it.
pub fn offer_own_model(name: &str, title: &str) -> Result<()> {
    let select: HtmlSelectElement = by_id("model")?;
    if document()?.query_selector(&format!("#model option[value=\"{name}\"]"))?.is_none() {
        let option: HtmlOptionElement = create("option", "")?;
        option.set_value(name);
        option.set_text(title);
        select.append_child(&option)?;
    }
    select.set_value(name);
    Ok(())
}

/// Takes a model from those that are offered.
pub fn withdraw_model(name: &str) -> Result<()> {
    if let Some(option) = document()?.query_selector(&format!("#model option[value=\"{name}\"]"))? {
        option.remove();
    }
    Ok(())
}

/// What can be used depends on this.
pub struct Situation {
    pub state: State,
    pub engine_started: bool,
    pub model_loaded: bool,
    /// Whether the room on the screen is the one whose chains run.
    pub running_here: bool,
    pub paused: bool,
    /// Whether the room on the screen has a finished run.
    pub finished: bool,
    /// Whether there is a plane for chains to walk on.
    pub plane: bool,
}

/// Makes usable what can be used now.
pub fn enable(situation: &Situation) -> Result<()> {
    let Situation { state, engine_started, model_loaded, running_here, paused, finished, plane } = *situation;
    let running = state == State::Running;
    by_id::<HtmlFieldSetElement>("fields")?.set_disabled(running_here);
    for id in ["model", "backend"] {
        by_id::<HtmlSelectElement>(id)?.set_disabled(running);
    }
    let waits = (running || !model_loaded) && state != State::Poster;
    for id in ["start", "new"] {
        button(id)?.set_disabled(waits);
    }
    button("walk")?.set_disabled(waits || !plane);
    button("train-toy")?.set_disabled(!engine_started);
    for id in ["compare-models", "other-corners"] {
        button(id)?.set_disabled(!model_loaded);
    }
    for id in ["cancel", "pause"] {
        button(id)?.set_disabled(!running);
    }
    button("pause")?.set_text_content(Some(if paused { texts::resume() } else { texts::pause() }));
    button("step-once")?.set_disabled(!(running && paused));
    for id in ["save-png", "save-json"] {
        button(id)?.set_disabled(!finished);
    }
    // The engine writes it.
    button("save-apng")?.set_disabled(!finished || !engine_started);
    button("continue")?.set_disabled(!finished || waits);
    Ok(())
}

fn button(id: &str) -> Result<web_sys::HtmlButtonElement> {
    by_id(id)
}

fn input(id: &str) -> Result<HtmlInputElement> {
    by_id(id)
}
