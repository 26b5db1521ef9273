//! The form: settings in, settings out.

use std::ops::RangeInclusive;

use web::{Backend, Models, Sampler, Settings, Task, number};
use web_sys::{Element, HtmlElement, HtmlFieldSetElement, HtmlInputElement, HtmlOptionElement, HtmlSelectElement};

use crate::{
    dom::{Result, by_id, create, refill},
    status::State,
};

/// Fills the form in.
pub fn write(settings: &Settings, models: &Models) -> Result<()> {
    let mut options: Vec<HtmlOptionElement> = Vec::new();
    for model in &models.models {
        let option: HtmlOptionElement = create("option", "")?;
        option.set_value(&model.name);
        option.set_text(model.title());
        options.push(option);
    }
    let select: HtmlSelectElement = by_id("model")?;
    refill(&select, options)?;
    select.set_value(settings.model.as_deref().unwrap_or_default());
    write_backend(settings.backend.unwrap_or(Backend::WebGpu))?;
    by_id::<HtmlSelectElement>("sampler")?.set_value(settings.sampler.name());
    input("count")?.set_value(&settings.count.to_string());
    input("steps")?.set_value(&settings.steps.to_string());
    write_seed(settings.seed)?;
    input("task-sample")?.set_checked(settings.task == Task::Sample);
    input("task-inpaint")?.set_checked(settings.task == Task::Inpaint);
    show_task(settings.task)
}

pub fn write_backend(backend: Backend) -> Result<()> {
    by_id::<HtmlSelectElement>("backend")?.set_value(backend.name());
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
    Ok(if chosen == Backend::Cpu.name() { Backend::Cpu } else { Backend::WebGpu })
}

/// The chosen sampler.
pub fn sampler() -> Result<Sampler> {
    let chosen = by_id::<HtmlSelectElement>("sampler")?.value();
    Ok(Sampler::from_name(&chosen).unwrap_or(Sampler::Consistent))
}

/// Proposes the number of steps that suits the chosen sampler.
pub fn propose_steps() -> Result<()> {
    input("steps")?.set_value(&sampler()?.default_steps().to_string());
    Ok(())
}

/// The chosen task.
pub fn task() -> Result<Task> {
    Ok(if input("task-inpaint")?.checked() { Task::Inpaint } else { Task::Sample })
}

/// The three numbers of the form, over what `settings` has; or the first mistake as a sentence, with the field in focus.
pub fn read_numbers(settings: &mut Settings) -> Result<std::result::Result<(), String>> {
    for id in ["count", "steps", "seed"] {
        input(id)?.remove_attribute("aria-invalid")?;
    }
    let seed = match field("seed", "The seed", 0..=u64::MAX)? {
        Ok(seed) => seed,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let count = match field("count", "The number of pictures", Settings::COUNTS)? {
        Ok(count) => count,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let steps = match field("steps", "The number of steps", Settings::STEPS)? {
        Ok(steps) => steps,
        Err(mistake) => return Ok(Err(mistake)),
    };
    (settings.seed, settings.count, settings.steps) = (seed, count, steps);
    Ok(Ok(()))
}

fn field<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    id: &str,
    name: &str,
    range: RangeInclusive<T>,
) -> Result<std::result::Result<T, String>> {
    let field = input(id)?;
    let value = number(field.value().trim(), range);
    if value.is_err() {
        field.set_attribute("aria-invalid", "true")?;
        field.focus()?;
    }
    Ok(value.map_err(|wanted| format!("{name} cannot be used: {wanted}.")))
}

/// Shows what belongs to a task.
pub fn show_task(task: Task) -> Result<()> {
    by_id::<HtmlElement>("inpaint")?.set_hidden(task != Task::Inpaint);
    Ok(())
}

/// Whether there is anything to complete.
pub fn allow_inpainting(allowed: bool) -> Result<()> {
    input("task-inpaint")?.set_disabled(!allowed);
    Ok(())
}

/// Makes usable what can be used now. The focus moves along from Start to Cancel and back.
pub fn enable(state: State, model_loaded: bool, finished: bool) -> Result<()> {
    let running = state == State::Running;
    let focused = |id: &str| -> Result<bool> { by_id::<Element>(id)?.matches(":focus") };
    let (start_focused, cancel_focused) = (focused("start")?, focused("cancel")?);
    by_id::<HtmlFieldSetElement>("fields")?.set_disabled(running);
    for id in ["model", "backend"] {
        by_id::<HtmlSelectElement>(id)?.set_disabled(state == State::Loading);
    }
    button("start")?.set_disabled(running || !model_loaded);
    button("cancel")?.set_disabled(!running);
    for id in ["save-png", "save-json"] {
        button(id)?.set_disabled(!finished);
    }
    if running && start_focused {
        button("cancel")?.focus()?;
    } else if !running && cancel_focused {
        button("start")?.focus()?;
    }
    Ok(())
}

fn button(id: &str) -> Result<web_sys::HtmlButtonElement> {
    by_id(id)
}

fn input(id: &str) -> Result<HtmlInputElement> {
    by_id(id)
}
