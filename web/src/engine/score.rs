//! Answers to the page's questions for energies.

use shared::{
    likelihood::{Excess, Quadrature},
    network::Energy,
    sampling::{Noise, langevin},
};
use web::{
    Envelope,
    messages::{FromEngine, Purpose, Question},
};

use crate::{
    crew::Workers,
    link,
    measure::{Measure, Task},
    ready::Ready,
};

/// Noise levels at which the bits of a visitor's picture are measured, as `trainer score` does.
pub const LEVELS: usize = 32;
/// And those of the pictures beside it, whose bits the page calls approximate.
const LEVELS_BESIDE: usize = 16;
/// Pictures of a task on a processor: few, so that all workers have some.
const FEW: usize = 4;

/// What the page asks of the pictures in `payload`; nothing where it wants another answer meanwhile.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn score(
    workers: Workers<'_>,
    question: Question,
    payload: &[f32],
) -> Result<Option<Envelope<FromEngine>>, String> {
    match question.purpose {
        Purpose::Jump { seed, level } => jump(workers.ready, question, payload, seed, level).await.map(Some),
        Purpose::Outliers => judge(workers, question, payload).await,
        Purpose::Given | Purpose::Row { .. } => {
            let tasks = divided(workers.ready, &Measure::Energies, payload);
            let Some(found) = workers.measure(&tasks, &|| true).await? else { return Ok(None) };
            let scored = Scored { energies: found.concat(), ..Scored::default() };
            Ok(Some(scored.answer(question)))
        }
    }
}

/// What is found of the pictures of a question.
#[derive(Clone, Default)]
struct Scored {
    energies: Vec<f32>,
    slopes: Vec<f32>,
    unusual: Vec<f32>,
    level: Option<f32>,
    bits: Vec<(f32, f32)>,
    /// Pictures after a jump, or bits of pixels.
    pixels: Vec<f32>,
}

impl Scored {
    fn answer(self, question: Question) -> Envelope<FromEngine> {
        let Self { energies, slopes, unusual, level, bits, pixels } = self;
        Envelope { message: FromEngine::Scored { question, energies, slopes, unusual, level, bits }, payload: pixels }
    }
}

/// Tasks that measure the same of all pictures.
fn divided(ready: &Ready, measure: &Measure, pictures: &[f32]) -> Vec<Task> {
    let size = if ready.gpu.is_some() { ready.batch_size() } else { FEW };
    let parts = pictures.chunks(size * ready.picture_length());
    parts.map(|part| Task { measure: measure.clone(), pictures: part.to_vec() }).collect()
}

/// What one jump makes of a noisy picture.
async fn jump(
    ready: &Ready,
    question: Question,
    payload: &[f32],
    seed: u64,
    level: f32,
) -> Result<Envelope<FromEngine>, String> {
    let manifest = &ready.model.manifest;
    let sigma_0 = manifest.network.sigma_0;
    let images = ready.noisy(payload, &Noise::new(seed), level, 0);
    let (energy, gradient) = ready.model.network.energy_and_gradient(images.clone());
    let (energies, pixels) =
        ready.read(vec![energy], [langevin::denoise(images.clone(), gradient, sigma_0), images]).await?;
    let (jump, noisy) = pixels.split_at(payload.len());
    let level = manifest.likelihood.as_ref().map(|card| {
        let change: f64 = jump.iter().zip(noisy).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        card.level(change, payload.len())
    });
    Ok(Scored { energies, level, pixels: jump.to_vec(), ..Scored::default() }.answer(question))
}

/// How likely a picture is, the first one, and those beside it.
async fn judge(
    workers: Workers<'_>,
    question: Question,
    payload: &[f32],
) -> Result<Option<Envelope<FromEngine>>, String> {
    let Workers { ready, control, .. } = workers;
    let wanted = || control.wants_answer(question);
    let tasks = divided(ready, &Measure::Energies, payload);
    let Some(found) = workers.measure(&tasks, &wanted).await? else { return Ok(None) };
    let mut scored = Scored { energies: found.concat(), ..Scored::default() };
    let (first, others) = payload.split_at(ready.picture_length().min(payload.len()));
    if ready.model.manifest.outlier_score.is_some() {
        let tasks = divided(ready, &Measure::Unusual, payload);
        let Some(found) = workers.measure(&tasks, &wanted).await? else { return Ok(None) };
        scored.unusual = found.concat();
    }
    if ready.model.manifest.likelihood.is_none() {
        let tasks = divided(ready, &Measure::Slopes, first);
        let Some(found) = workers.measure(&tasks, &wanted).await? else { return Ok(None) };
        scored.slopes = found.concat();
    } else {
        let Some(found) = bits(workers, first, LEVELS, &wanted).await? else { return Ok(None) };
        (scored.bits, scored.pixels) = found;
        // Those beside it take several times as long.
        link::post(scored.clone().answer(question));
        let Some((beside, _)) = bits(workers, others, LEVELS_BESIDE, &wanted).await? else { return Ok(None) };
        scored.bits.extend(beside);
    }
    Ok(Some(scored.answer(question)))
}

/// The bits of pictures and their standard errors, and the bits of each pixel of all of them, `[N, H, W]`; nothing once
/// they are not `wanted` any more.
///
/// # Errors
/// What went wrong and what to do, in sentences.
pub async fn bits(
    workers: Workers<'_>,
    pictures: &[f32],
    levels: usize,
    wanted: &impl Fn() -> bool,
) -> Result<Option<(Vec<(f32, f32)>, Vec<f32>)>, String> {
    let manifest = &workers.ready.model.manifest;
    let quadrature = Quadrature::integral(&manifest.noise, levels);
    let pictures = pictures.chunks(workers.ready.picture_length());
    let tasks: Vec<Task> = pictures.clone().flat_map(|picture| Measure::losses(picture, levels)).collect();
    let Some(found) = workers.measure(&tasks, wanted).await? else { return Ok(None) };
    let pixels = manifest.data.size.pow(2);
    let (mut bits, mut map) = (Vec::new(), Vec::new());
    for parts in found.chunks((tasks.len() / pictures.len().max(1)).max(1)) {
        let mut losses = Vec::with_capacity(levels);
        let mut sum = vec![0.0; pixels];
        for part in parts {
            let (of_levels, of_pixels) = part.split_at(part.len() - pixels);
            losses.extend(of_levels.iter().map(|&loss| f64::from(loss)));
            sum.iter_mut().zip(of_pixels).for_each(|(sum, bits)| *sum += bits);
        }
        let Excess { bits: excess, standard_error } = quadrature.excess(&losses);
        bits.push((excess as f32, standard_error as f32));
        map.extend(sum);
    }
    Ok(Some((bits, map)))
}
