//! Where the chains are seen: their pictures, their energies and how far they are.

use js_sys::Date;
use web::{Pictures, messages::Stepped};
use web_sys::{Element, HtmlCanvasElement, HtmlProgressElement};

use crate::{
    chart::Chart,
    dom::{Result, by_id, create, refill, window},
    tile,
};

/// The right-hand side of the page.
pub struct Stage {
    grid: Element,
    tiles: Vec<(HtmlCanvasElement, Element)>,
    progress: HtmlProgressElement,
    chart: Chart,
    steps: usize,
    started: f64,
    first_report: Option<(usize, f64)>,
}

impl Stage {
    pub fn new() -> Result<Self> {
        let mut stage = Self {
            grid: by_id("grid")?,
            tiles: Vec::new(),
            progress: by_id("progress")?,
            chart: Chart::new()?,
            steps: 1,
            started: 0.0,
            first_report: None,
        };
        stage.set_count(16)?;
        Ok(stage)
    }

    /// Shows so many empty places.
    pub fn set_count(&mut self, count: usize) -> Result<()> {
        self.tiles.clear();
        let mut figures: Vec<Element> = Vec::new();
        for number in 1..=count {
            let (figure, energy): (Element, Element) = (create("figure", "")?, create("figcaption", "")?);
            let canvas: HtmlCanvasElement = create("canvas", "")?;
            canvas.set_attribute("role", "img")?;
            canvas.set_attribute("aria-label", &format!("Picture {number}"))?;
            figure.append_child(&canvas)?;
            figure.append_child(&energy)?;
            figures.push(figure);
            self.tiles.push((canvas, energy));
        }
        let columns = (count as f64).sqrt().ceil();
        self.grid.set_attribute("style", &format!("--columns: {columns}"))?;
        // Captions of many small pictures would run into each other.
        self.grid.set_class_name(if columns > 6.0 {
            "dense"
        } else if columns < 3.0 {
            "few"
        } else {
            ""
        });
        refill(&self.grid, figures)
    }

    /// Prepares for a run.
    pub fn start(&mut self, count: usize, steps: usize) -> Result<()> {
        self.set_count(count)?;
        self.steps = steps;
        self.started = Date::now();
        self.first_report = None;
        self.chart.start(steps)?;
        self.progress.set_max(steps as f64);
        self.progress.set_value(0.0);
        for id in ["temperature", "noise-level", "energy", "time-left"] {
            set(id, "–")?;
        }
        set("step", &format!("0 of {steps}"))?;
        // On a phone the chains are below the settings.
        let stage: Element = by_id("stage")?;
        let height = window()?.inner_height()?.as_f64().unwrap_or_default();
        if stage.get_bounding_client_rect().top() > 0.6 * height {
            stage.scroll_into_view();
        }
        Ok(())
    }

    /// Shows a report of a run.
    pub fn step(&mut self, report: &Stepped, pictures: &Pictures) -> Result<()> {
        self.progress.set_value(report.done as f64);
        set("step", &format!("{} of {}", report.done, self.steps))?;
        set("temperature", &short(report.temperature))?;
        set("noise-level", &short(report.noise_level))?;
        let mean = mean(&report.energies);
        set("energy", &short(mean))?;
        self.chart.push(report.done, mean)?;
        // The first steps take longer than all others: what comes after them tells the speed.
        let now = Date::now();
        match self.first_report {
            None => self.first_report = Some((report.done, now)),
            Some((done, time)) => {
                let left = (now - time) / (report.done - done) as f64 * (self.steps - report.done) as f64;
                set("time-left", &duration(left))?;
            }
        }
        self.show(pictures, &report.energies)
    }

    /// Shows the pictures of a finished run.
    pub fn finish(&mut self, energies: &[f32], pictures: &Pictures) -> Result<()> {
        self.progress.set_value(self.steps as f64);
        set("energy", &short(mean(energies)))?;
        set("time-left", "–")?;
        self.show(pictures, energies)
    }

    /// The time since the run began, in words.
    pub fn elapsed(&self) -> String {
        duration(Date::now() - self.started)
    }

    fn show(&self, pictures: &Pictures, energies: &[f32]) -> Result<()> {
        for (index, ((canvas, caption), &energy)) in self.tiles.iter().zip(energies).enumerate() {
            tile::draw(canvas, pictures.side, &pictures.rgba(index))?;
            caption.set_text_content(Some(&short(energy)));
        }
        Ok(())
    }
}

fn set(id: &str, text: &str) -> Result<()> {
    by_id::<Element>(id)?.set_text_content(Some(text));
    Ok(())
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// Three digits that count, or a whole number.
fn short(value: f32) -> String {
    match value.abs() {
        size if size < 0.0005 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
    .replace('-', "−")
}

fn duration(milliseconds: f64) -> String {
    match (milliseconds / 1000.0).round() as u64 {
        seconds if seconds < 100 => format!("{seconds} s"),
        seconds if seconds < 5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
