//! How usual pictures are.

use web::{Distribution, Kind, Pictures, compared, share};
use web_sys::{Element, HtmlCanvasElement};

use crate::{
    dom::{Result, by_id, colour, refill, sharp, write},
    numbers::{compressed, short},
    tile,
};

/// The room: the pictures that were asked about, and what is known of the held-out ones.
#[derive(Default)]
pub struct Outliers {
    /// The chosen picture first, then those of other kinds.
    pictures: Pictures,
    names: Vec<String>,
    energies: Vec<f32>,
    /// Held-out pictures of other models.
    pub others: Vec<(String, Pictures)>,
}

impl Outliers {
    /// Gathers what is to be judged; `held_out` is one to make other kinds from. Gives the values.
    pub fn gather(&mut self, chosen: &Pictures, held_out: &Pictures) -> Vec<f32> {
        let Pictures { side, channels, .. } = *chosen;
        self.names = vec!["Your choice".to_owned()];
        let mut values = chosen.values.clone();
        for Kind { name, picture } in web::kinds(&held_out.values, side, channels) {
            self.names.push(name.to_owned());
            values.extend(picture);
        }
        for (name, pictures) in &self.others {
            let first = Pictures { values: pictures.picture(0).to_vec(), ..*pictures };
            self.names.push(format!("From {name}"));
            values.extend(first.fitted(side, channels).values);
        }
        self.pictures = Pictures { side, channels, values: values.clone() };
        self.energies.clear();
        values
    }

    /// Shows the answer. `unusual` are percentiles by denoising errors, empty if the model has none: they see more than
    /// energies.
    pub fn judge(
        &mut self,
        energies: Vec<f32>,
        slopes: &[f32],
        unusual: &[f32],
        held_out: &Distribution,
    ) -> Result<()> {
        let (Some(&energy), Some(&slope)) = (energies.first(), slopes.first()) else { return Ok(()) };
        let percentile = held_out.percentile(energy);
        let word = match unusual.first().copied().unwrap_or(percentile) {
            p if p >= 99.0 => "Very unusual",
            p if p >= 95.0 => "Unusual",
            p if p >= 80.0 => "A little unusual",
            _ => "Usual",
        };
        let (than, simple) =
            (compared(percentile), if percentile <= 1.0 { ": it is simpler than the data" } else { "" });
        let (energy, slope) = (short(energy), short(slope));
        // Two measures, a sentence each: what is simpler than the data by its energy may be unusual by its errors.
        let errors = unusual.first().map_or(String::new(), |&p| {
            let share = share(p);
            format!(" Denoised at several noise levels, it is more unusual than {share} of the held-out pictures.")
        });
        write(
            "verdict",
            &format!(
                "{word}.{errors} The energy is {energy}, {than}{simple}. The slope of the energy there is {slope}."
            ),
        )?;
        let mut figures: Vec<Element> = Vec::new();
        for (index, (name, &energy)) in self.names.iter().zip(&energies).enumerate() {
            let percentile = unusual.get(index).copied().unwrap_or_else(|| held_out.percentile(energy));
            let number = format!("{} · {}", short(energy), share(percentile));
            let figure = tile::figure(&self.pictures, index, name, &number)?;
            if index == 0 {
                figure.set_class_name("yours");
            }
            figures.push(figure);
        }
        refill(&by_id::<Element>("kinds")?, figures)?;
        self.energies = energies;
        self.draw(held_out)
    }

    /// Draws the histogram.
    pub fn draw(&self, held_out: &Distribution) -> Result<()> {
        const BINS: usize = 60;
        let Some((pen, width, height)) = sharp(&by_id::<HtmlCanvasElement>("histogram")?)? else { return Ok(()) };
        // On the scale of the charts, so that what lies far out is still there.
        let held_out = Distribution(held_out.0.iter().map(|&energy| compressed(energy)).collect());
        let marks: Vec<f32> = self.energies.iter().map(|&energy| compressed(energy)).collect();
        let all = held_out.0.iter().chain(&marks);
        let (low, high) = all.fold((f32::MAX, f32::MIN), |(low, high), &value| (low.min(value), high.max(value)));
        let margin = ((high - low) * 0.03).max(1e-3);
        let (low, high) = (low - margin, high + margin);
        let bins = held_out.histogram(low, high, BINS);
        let tallest = bins.iter().fold(1e-3f32, |tallest, &bin| tallest.max(bin));
        pen.set_fill_style_str(&colour("--strong")?);
        for (index, bin) in bins.iter().enumerate() {
            let tall = f64::from(bin / tallest) * height * 0.86;
            pen.fill_rect(index as f64 / BINS as f64 * width, height - tall, width / BINS as f64 - 1.0, tall);
        }
        for (index, &mark) in marks.iter().enumerate().rev() {
            let yours = index == 0;
            pen.set_fill_style_str(&colour(if yours { "--accent" } else { "--quiet" })?);
            let x = f64::from((mark - low) / (high - low)) * width;
            let (wide, top) = if yours { (width / 160.0, 0.0) } else { (width / 400.0, height * 0.55) };
            pen.fill_rect(x - wide / 2.0, top, wide, height - top);
        }
        Ok(())
    }
}
