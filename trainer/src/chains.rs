//! Running chains in batches.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Bool, Device, Tensor, TensorData};
use options::RecordedMoment;
use shared::sampling::{Chains, Given, Known, Noise, Schedule};

use crate::{
    budget::{self, parts},
    error::Result,
    model::LoadedModel,
    output,
    pictures::Picture,
    progress::Progress,
};

/// What decides the pictures.
pub struct SamplingRun {
    /// What the steps do.
    pub schedule: Schedule,
    /// How many chains.
    pub count: usize,
    /// Of the noise.
    pub seed: u64,
    /// The number of the first chain: chains are those of one large run from there on.
    pub first: u64,
}

/// Chains at a time, at most; the pictures do not depend on it.
pub const BATCH: usize = 64;

impl SamplingRun {
    /// Runs them to pictures, around what is given of one picture if anything is, else away from the model's guide.
    /// Values are clamped to 0..1.
    ///
    /// # Errors
    /// The device fails.
    pub fn run(&self, model: &LoadedModel, given: Option<&Arc<dyn Given>>, device: &Device) -> Result<Vec<Picture>> {
        self.run_each(model, device, given.is_none(), |sampler, _| match given {
            Some(given) => sampler.around(given.clone()),
            None => sampler,
        })
    }

    /// Runs them to pictures by the model's energy alone, without its guide. Values are clamped to 0..1.
    ///
    /// # Errors
    /// The device fails.
    pub fn run_unguided(&self, model: &LoadedModel, device: &Device) -> Result<Vec<Picture>> {
        self.run_each(model, device, false, |sampler, _| sampler)
    }

    /// Runs them to pictures from where they are, `[N, C, S, S]` for those of these numbers. Values are clamped to 0..1.
    ///
    /// # Errors
    /// The device fails.
    pub fn run_from(
        &self,
        model: &LoadedModel,
        starts: impl Fn(Range<usize>) -> Tensor<4>,
        device: &Device,
    ) -> Result<Vec<Picture>> {
        self.run_each(model, device, false, |sampler, chains| sampler.at(starts(chains), 0))
    }

    /// Runs them to pictures away from the model's guide, and gives so many moments on their way and the pictures of each:
    /// few at the beginning, where all is noise, and most near the end. The last are those of [`run`](Self::run); values
    /// of all are clamped to 0..1.
    ///
    /// # Errors
    /// The device fails.
    pub fn record(
        &self,
        model: &LoadedModel,
        moments: usize,
        device: &Device,
    ) -> Result<Vec<(RecordedMoment, Vec<Picture>)>> {
        let (energy, sigma_0) = model.energy(true);
        let shape = model.config.batch_shape(self.count);
        let mut chains = Chains::new(self.schedule.clone(), sigma_0, Noise::new(self.seed), self.first, shape, device);
        let steps = self.schedule.steps();
        let moment = |done: usize, energies: Option<Tensor<1>>, pictures: Tensor<4>| {
            let temperature = self.schedule.temperature(done);
            let noise_level = sigma_0 * temperature.sqrt();
            let energies = energies.map_or(Ok(Vec::new()), output::floats)?;
            let pictures = output::pictures(model.frame.remove(pictures.clamp(0.0, 1.0)))?;
            Ok((RecordedMoment { done, temperature, noise_level, energies }, pictures))
        };
        let mut seen = vec![moment(0, None, chains.state())?];
        let progress = Progress::new("recording, by steps", steps);
        while let Some(step) = chains.step(&energy) {
            progress.step();
            let left = 1.0 - seen.len() as f64 / (moments - 1) as f64;
            // The end has the place of the last one.
            if step.done as f64 >= steps as f64 * (1.0 - left * left) && step.done < steps {
                seen.push(moment(step.done, Some(step.energies), chains.state())?);
            }
        }
        // The energies of the very pictures that are shown.
        let pictures = model.frame.add(model.frame.remove(chains.finish(&energy).clamp(0.0, 1.0)));
        let energies = model.energies(pictures.clone());
        seen.push(moment(steps, Some(energies), pictures)?);
        Ok(seen)
    }

    /// Runs them, a batch at a time, after `prepare` has seen the sampler of the batch and the numbers of its chains.
    fn run_each(
        &self,
        model: &LoadedModel,
        device: &Device,
        guided: bool,
        prepare: impl Fn(Chains, Range<usize>) -> Chains,
    ) -> Result<Vec<Picture>> {
        let batch = budget::pictures(&model.network, model.config.image_size, BATCH);
        let batches = parts(self.count, batch);
        let progress = Progress::new("sampling, by steps", batches.clone().count() * self.schedule.steps());
        let mut images = Vec::new();
        let (energy, sigma_0) = model.energy(guided);
        for batch in batches {
            let sampler = Chains::new(
                self.schedule.clone(),
                sigma_0,
                Noise::new(self.seed),
                self.first + batch.start as u64,
                model.config.batch_shape(batch.len()),
                device,
            );
            let mut sampler = prepare(sampler, batch);
            while sampler.step(&energy).is_some() {
                progress.step();
            }
            images.extend(output::pictures(model.frame.remove(sampler.finish(&energy)))?);
        }
        for pixel in images.iter_mut().flat_map(|image| &mut image.pixels) {
            *pixel = pixel.clamp(0.0, 1.0);
        }
        Ok(images)
    }
}

/// What is known of a picture whose unknown pixels, `[H, W]`, are marked: `[1, C, S, S]`. The frame of zeros around
/// small pictures is known too.
pub fn around(model: &LoadedModel, picture: &Picture, unknown: &[bool], device: &Device) -> Arc<dyn Given> {
    let marks: Vec<f32> = unknown.iter().map(|&unknown| f32::from(u8::from(unknown))).collect();
    let marks = Tensor::<4>::from_data(TensorData::new(marks, [1, 1, picture.height, picture.width]), device);
    let unknown: Tensor<4, Bool> = model.frame.add(marks).greater_elem(0.5);
    let pixels = model.frame.add(output::tensor(std::slice::from_ref(picture), device));
    Arc::new(Known { unknown: unknown.expand(pixels.dims()), pixels })
}
