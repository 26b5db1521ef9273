//! Energies over a run as lines: one for each chain, and their mean.

use web::Moment;
use web_sys::HtmlCanvasElement;

use crate::{
    dom::{Result, colour, sharp},
    numbers::{compressed, mean},
};

/// What a chart shows.
pub struct Chart<'a> {
    /// The moments so far.
    pub moments: &'a [Moment],
    /// Steps of the whole run.
    pub steps: usize,
    /// The chain whose line is bold; none: the mean.
    pub chain: Option<usize>,
    /// The moment that is marked.
    pub marked: Option<usize>,
}

impl Chart<'_> {
    pub fn draw(&self, canvas: &HtmlCanvasElement) -> Result<()> {
        let Some((pen, width, height)) = sharp(canvas)? else { return Ok(()) };
        let seen: Vec<&Moment> = self.moments.iter().filter(|moment| !moment.energies.is_empty()).collect();
        let heights = seen.iter().flat_map(|moment| &moment.energies).map(|&energy| compressed(energy));
        let (low, high) = heights.fold((f32::MAX, f32::MIN), |(low, high), h| (low.min(h), high.max(h)));
        let span = (high - low).max(1e-3);
        let unit = height / 80.0;
        let x = |done: usize| done as f64 / self.steps.max(1) as f64 * (width - 2.0 * unit) + unit;
        let y = |energy: f32| f64::from((high - compressed(energy)) / span) * (height - 6.0 * unit) + 3.0 * unit;
        let line = |energy: &dyn Fn(&Moment) -> f32| {
            pen.begin_path();
            for moment in &seen {
                pen.line_to(x(moment.done), y(energy(moment)));
            }
            pen.stroke();
        };
        let chains = seen.first().map_or(0, |moment| moment.energies.len());
        pen.set_stroke_style_str(&colour("--quiet")?);
        pen.set_line_width(unit * 0.7);
        pen.set_global_alpha((6.0 / chains as f64).clamp(0.12, 0.5));
        for chain in 0..chains {
            line(&|moment| moment.energies.get(chain).copied().unwrap_or_default());
        }
        pen.set_global_alpha(1.0);
        pen.set_stroke_style_str(&colour("--accent")?);
        pen.set_line_width(unit * 2.0);
        line(&|moment| match self.chain {
            Some(chain) => moment.energies.get(chain).copied().unwrap_or_default(),
            None => mean(&moment.energies),
        });
        if let Some(moment) = self.marked.and_then(|index| self.moments.get(index)) {
            pen.set_stroke_style_str(&colour("--ink")?);
            pen.set_line_width(unit);
            pen.begin_path();
            pen.move_to(x(moment.done), 0.0);
            pen.line_to(x(moment.done), height);
            pen.stroke();
        }
        Ok(())
    }
}
