//! Where the chains are seen: their pictures, their energies and how far they are.

use js_sys::Date;
use web::texts;
use web_sys::{Element, HtmlButtonElement, HtmlCanvasElement, HtmlElement, HtmlInputElement, HtmlProgressElement};

use crate::{
    chart::Chart,
    dom::{Result, by_id, create, on, refill, window, write},
    numbers::{duration, mean, short},
    tile,
    view::View,
};

/// The results of the rooms that run chains.
pub struct Stage {
    tiles: Vec<(HtmlCanvasElement, Element)>,
    chart: HtmlCanvasElement,
    /// When the run began, pauses left out.
    started: f64,
    /// Since when it is held.
    held: Option<f64>,
    /// Steps and time of the first report after the first step, which takes longer than all others.
    first_report: Option<(usize, f64)>,
}

impl Stage {
    pub fn new() -> Result<Self> {
        Ok(Self { tiles: Vec::new(), chart: by_id("chart")?, started: 0.0, held: None, first_report: None })
    }

    /// Shows so many empty places; `choose` hears which one is clicked.
    pub fn set_count(&mut self, count: usize, choose: impl Fn(usize) + Clone + 'static) -> Result<()> {
        if self.tiles.len() == count {
            return Ok(());
        }
        self.tiles.clear();
        let mut figures: Vec<Element> = Vec::new();
        for index in 0..count {
            let (figure, caption): (Element, Element) = (create("figure", "")?, create("figcaption", "")?);
            let button: HtmlButtonElement = create("button", "tile")?;
            button.set_type("button");
            button.set_attribute("aria-label", &texts::picture_number(index + 1))?;
            let canvas: HtmlCanvasElement = create("canvas", "")?;
            button.append_child(&canvas)?;
            let choose = choose.clone();
            on(&button, "click", move |_: web_sys::Event| choose(index))?;
            figure.append_child(&button)?;
            figure.append_child(&caption)?;
            figures.push(figure);
            self.tiles.push((canvas, caption));
        }
        let columns = (count as f64).sqrt().ceil();
        let grid: HtmlElement = by_id("grid")?;
        grid.style().set_property("--columns", &columns.to_string())?;
        // Captions of many small pictures would run into each other.
        grid.set_class_name(if columns > 6.0 {
            "dense"
        } else if columns < 3.0 {
            "few"
        } else {
            ""
        });
        refill(&grid, figures)
    }

    /// Prepares for a run, which the visitor asked for or not.
    pub fn start(&mut self, asked_for: bool) -> Result<()> {
        (self.started, self.held, self.first_report) = (Date::now(), None, None);
        // On a phone the chains are below the settings. Who asked for none is not taken there.
        let stage: Element = by_id("stage")?;
        let height = window()?.inner_height()?.as_f64().unwrap_or_default();
        if asked_for && stage.get_bounding_client_rect().top() > 0.6 * height {
            stage.scroll_into_view();
        }
        Ok(())
    }

    /// The run is held, or goes on: what it is held for is no time of its own.
    pub fn hold(&mut self, held: bool) {
        let now = Date::now();
        if held {
            self.held.get_or_insert(now);
        } else if let Some(since) = self.held.take() {
            self.started += now - since;
            // Steps may have been done one by one meanwhile.
            self.forget_pace();
        }
    }

    /// How fast the run was says nothing of what it takes from here on.
    pub fn forget_pace(&mut self) {
        self.first_report = None;
    }

    /// Shows how far the run is that goes on, or how far that of the room went.
    pub fn show_progress(&self, done: usize, steps: usize) -> Result<()> {
        let progress: HtmlProgressElement = by_id("progress")?;
        progress.set_max(steps.max(1) as f64);
        progress.set_value(done as f64);
        Ok(())
    }

    /// How long the rest of a run takes, as far as its reports tell.
    pub fn time_left(&mut self, done: usize, steps: usize) -> Option<String> {
        let now = Date::now();
        match self.first_report {
            _ if done == 0 => None,
            None => {
                self.first_report = Some((done, now));
                None
            }
            Some((first, time)) if done > first => {
                Some(duration((now - time) / (done - first) as f64 * (steps - done) as f64))
            }
            Some(_) => None,
        }
    }

    /// The time since the run began, in words.
    pub fn elapsed(&self) -> String {
        duration(self.held.unwrap_or_else(Date::now) - self.started)
    }

    /// Shows a run; none: that there is none yet.
    pub fn show(&self, view: Option<&View>) -> Result<()> {
        let scrub: HtmlInputElement = by_id("scrub")?;
        let Some(view) = view else {
            no_readings()?;
            for (canvas, caption) in &self.tiles {
                tile::clear(canvas)?;
                caption.set_text_content(None);
            }
            scrub.set_disabled(true);
            by_id::<HtmlButtonElement>("play")?.set_disabled(true);
            refill(&by_id::<Element>("beside")?, Vec::<Element>::new())?;
            write("level-read", "")?;
            return self.draw_chart(None);
        };
        let moments = view.trajectory.moments();
        let newest = moments.len().saturating_sub(1);
        let index = view.looked_at.unwrap_or(newest);
        scrub.set_max(&newest.to_string());
        scrub.set_value(&index.to_string());
        scrub.set_disabled(newest == 0);
        by_id::<HtmlButtonElement>("play")?.set_disabled(newest == 0);
        let steps = view.settings.steps;
        if let Some(moment) = moments.get(index) {
            scrub.set_attribute("aria-valuetext", &texts::step_of_label(moment.done, steps))?;
            write("step", &texts::step_of(moment.done, steps))?;
            write("temperature", &short(moment.temperature))?;
            write("noise-level", &short(moment.noise_level))?;
        } else {
            no_readings()?;
        }
        self.draw_chart(Some(view))?;
        let (pictures, energies) = view.shown();
        let captions = view.captions(&pictures, energies);
        write("energy", &if energies.is_empty() { "–".to_owned() } else { short(mean(energies)) })?;
        for (index, (canvas, caption)) in self.tiles.iter().enumerate() {
            tile::draw_picture(canvas, &pictures, index)?;
            caption.set_text_content(captions.get(index).map(String::as_str));
        }
        Ok(())
    }

    /// Draws the chart of a run.
    pub fn draw_chart(&self, view: Option<&View>) -> Result<()> {
        let moments = view.map_or(&[][..], |view| view.trajectory.moments());
        let (steps, marked) = view.map_or((1, None), |view| (view.settings.steps, view.looked_at));
        Chart { moments, steps, chain: None, marked }.draw(&self.chart)
    }

    /// Shows the pictures beside the chains.
    pub fn show_beside(&self, view: &View) -> Result<()> {
        let mut figures = Vec::new();
        for (name, picture, number) in &view.beside {
            let picture = web::Pictures { values: picture.clone(), ..view.pictures };
            figures.push(tile::figure(&picture, 0, name, number)?);
        }
        write("level-read", &view.level_read)?;
        refill(&by_id::<Element>("beside")?, figures)
    }
}

/// Writes that nothing is known of a run yet.
fn no_readings() -> Result<()> {
    for id in ["step", "temperature", "noise-level", "energy"] {
        write(id, "–")?;
    }
    Ok(())
}
