//! How likely pictures are.

use web::{
    Distribution, Kind, Measured, Pictures, compared, grouped, messages::Belonging, of_held_out, share, sort_by, texts,
    unusual,
};
use web_sys::{Element, HtmlCanvasElement, HtmlElement};

use crate::{
    dom::{Result, by_id, colour, refill, rewrite, sharp, write},
    heat,
    numbers::{compressed, short},
    tile,
};

/// The room: the pictures that were asked about, and what is known of the held-out ones.
#[derive(Default)]
pub struct Outliers {
    /// The chosen picture first, then those of other kinds.
    pictures: Pictures,
    names: Vec<String>,
    /// Bits or energies of the pictures.
    numbers: Vec<f32>,
    /// Held-out pictures of other models.
    pub others: Vec<(String, Pictures)>,
}

/// What the engine says of the pictures.
pub struct Answer {
    pub energies: Vec<f32>,
    /// Lengths of the energy's gradients.
    pub slopes: Vec<f32>,
    /// Percentiles by denoising errors; empty if the model has none.
    pub unusual: Vec<f32>,
    /// Bits with their standard errors; empty if the model has none.
    pub bits: Vec<(f32, f32)>,
    /// The bits of each pixel of the first picture.
    pub map: Vec<f32>,
}

impl Answer {
    fn measured(&self, index: usize, held_out: &Distribution) -> Measured {
        let bits = self.bits.get(index).copied().unwrap_or((f32::NAN, f32::NAN));
        Measured { bits, percentile: held_out.percentile(bits.0), unusual: self.unusual.get(index).copied() }
    }

    /// The judgement of a model that knows no bits. Denoising errors see more than energies.
    fn by_energy(&self, held_out: &Distribution) -> String {
        let (Some(&energy), Some(&slope)) = (self.energies.first(), self.slopes.first()) else { return String::new() };
        let percentile = held_out.percentile(energy);
        let word = unusual(self.unusual.first().copied().unwrap_or(percentile));
        let (than, energy) = (compared(percentile), short(energy));
        // Two measures, a sentence each: what is simpler than the data by its energy may be unusual by its errors.
        let errors = self.unusual.first().map(|&p| texts::more_unusual(of_held_out(p)));
        let energy =
            if percentile <= 1.0 { texts::energy_is_simple(than, energy) } else { texts::energy_is(than, energy) };
        let sentences = [Some(format!("{word}.")), errors, Some(energy), Some(texts::slope_is(short(slope)))];
        sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Outliers {
    /// Gathers what is to be judged; `of_model` is one of the model's to make other kinds from. Gives the values.
    pub fn gather(&mut self, chosen: &Pictures, of_model: &Pictures) -> Vec<f32> {
        let Pictures { side, channels, .. } = *chosen;
        self.names = vec![texts::your_choice().to_owned()];
        let mut values = chosen.values.clone();
        for Kind { name, picture } in web::kinds(&of_model.values, side, channels) {
            self.names.push(name.to_owned());
            values.extend(picture);
        }
        for (name, pictures) in &self.others {
            let first = Pictures { values: pictures.picture(0).to_vec(), ..*pictures };
            self.names.push(texts::from_model(name));
            values.extend(first.fitted(side, channels).values);
        }
        self.pictures = Pictures { side, channels, values: values.clone() };
        self.numbers.clear();
        values
    }

    /// Shows nothing of a picture but this text: there is none, or its answer is on its way.
    pub fn clear(&mut self, text: &str, held_out: &Distribution) -> Result<()> {
        self.numbers.clear();
        rewrite("verdict", text)?;
        refill(&by_id::<Element>("kinds")?, Vec::<Element>::new())?;
        self.show_surprise(&[])?;
        self.draw(held_out)
    }

    /// Shows the answer; `held_out` are bits if it has bits, else energies.
    pub fn judge(&mut self, answer: &Answer, held_out: &Distribution) -> Result<()> {
        if answer.energies.is_empty() {
            return Ok(());
        }
        let energies = answer.bits.is_empty();
        rewrite(
            "verdict",
            &if energies { answer.by_energy(held_out) } else { answer.measured(0, held_out).verdict() },
        )?;
        write("scale", if energies { texts::histogram_energies() } else { texts::histogram_bits() })?;
        let mut figures: Vec<Element> = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let number = if energies {
                let energy = answer.energies.get(index).copied().unwrap_or(f32::NAN);
                let percentile = answer.unusual.get(index).copied().unwrap_or_else(|| held_out.percentile(energy));
                format!("{} · {}", short(energy), share(percentile))
            } else {
                let measured = answer.measured(index, held_out);
                let (bits, error) = (grouped(measured.bits.0.into()), grouped(measured.bits.1.into()));
                // The engine takes less trouble with those beside the chosen one.
                let bits = if index == 0 { format!("{bits} ± {error}") } else { format!("≈ {bits}") };
                if measured.bits.0.is_nan() {
                    "…".to_owned()
                } else {
                    texts::bits_and_share(bits, share(measured.oddness()))
                }
            };
            let figure = tile::figure(&self.pictures, index, name, &number)?;
            if index == 0 {
                figure.set_class_name("yours");
            }
            figures.push(figure);
        }
        refill(&by_id::<Element>("kinds")?, figures)?;
        self.numbers =
            if energies { answer.energies.clone() } else { answer.bits.iter().map(|(bits, _)| *bits).collect() };
        self.show_surprise(&answer.map)?;
        self.draw(held_out)
    }

    /// Shows which of several models the first picture belongs to, the likeliest first; nothing for none.
    pub fn show_models(&self, found: &[(String, &Belonging)]) -> Result<()> {
        if found.len() == 1 {
            return write("belongings", texts::no_comparable_model());
        }
        let line = |(name, belonging): &(String, &Belonging)| {
            let Belonging { bits, error, share: part, .. } = belonging;
            // It is never certain.
            let part = share((100.0 * part).clamp(0.01, 99.99));
            texts::belonging(grouped((*bits).into()), grouped((*error).into()), name, part)
        };
        let mut found: Vec<_> = found.iter().collect();
        sort_by(&mut found, |(_, a), (_, b)| a.bits < b.bits);
        let mut lines: Vec<String> = found.into_iter().map(line).collect();
        if !lines.is_empty() {
            lines.push(texts::belonging_hint().to_owned());
        }
        write("belongings", &lines.join(" "))
    }

    /// Shows where the first picture's bits are.
    fn show_surprise(&self, map: &[f32]) -> Result<()> {
        by_id::<HtmlElement>("surprise")?.set_hidden(map.is_empty());
        if map.is_empty() {
            return Ok(());
        }
        tile::draw_picture(&by_id("surprise-picture")?, &self.pictures, 0)?;
        tile::draw(&by_id("surprise-map")?, self.pictures.side, &heat::colours(map))
    }

    /// Draws the histogram.
    pub fn draw(&self, held_out: &Distribution) -> Result<()> {
        const BINS: usize = 60;
        let Some((pen, width, height)) = sharp(&by_id::<HtmlCanvasElement>("histogram")?)? else { return Ok(()) };
        // On the scale of the charts, so that what lies far out is still there.
        let held_out = Distribution(held_out.0.iter().map(|&energy| compressed(energy)).collect());
        let marks: Vec<f32> = self.numbers.iter().map(|&energy| compressed(energy)).collect();
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
