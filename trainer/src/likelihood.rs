//! Reading how likely pictures are: the sums of [`shared::likelihood`] over pictures and noise levels, a batch at a time.

use burn::tensor::{Device, Tensor};
use shared::{
    likelihood::{self, Excess, Prior, Quadrature, frame_share, readings, separation},
    training::NoiseLevels,
};

use crate::{
    budget::{self, parts},
    error::Result,
    model::LoadedModel,
    output,
    pictures::Picture,
    progress::Progress,
};

/// How pictures are read.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The noise levels.
    pub quadrature: Quadrature,
    /// From the level that the density is of to the model's largest.
    pub noise: NoiseLevels,
    /// Of the noise.
    pub seed: u64,
    /// Whether all pictures have the same noise, so that differences between them are not those of their noise; else each
    /// has its own by its place.
    pub shared: bool,
}

/// What was read of one picture.
#[derive(Clone, Debug)]
pub struct Likelihood {
    /// Above the noise's own bits.
    pub excess: Excess,
    /// Of the excess, what lies in the frame around the picture.
    pub frame_bits: f64,
    /// What is still to be told under the largest noise.
    pub prior_bits: f64,
    /// Floor, excess and prior by value of the picture.
    pub bits_per_dim: f64,
    /// How many values the picture has.
    pub values: usize,
    /// `L(s)` at each level.
    pub losses: Vec<f64>,
    /// Energies under the noise of each level and under its opposite.
    pub energies: Vec<[f32; 2]>,
    /// `|z|^2` of the noise of each level.
    pub noise_squares: Vec<f32>,
    /// Bits of each value of the picture, without the frame's, where they were asked for.
    pub surprise: Option<Picture>,
}

/// Pictures that are read at once, each under noise and its opposite.
const BATCH: usize = 64;

impl Plan {
    /// The integral by so many energy gradients of each picture: half as many levels, each with noise and its opposite.
    pub fn integral(noise: NoiseLevels, gradients: usize, seed: u64) -> Self {
        Self { quadrature: Quadrature::integral(&noise, gradients.div_ceil(2)), noise, seed, shared: true }
    }

    /// The steps that so many pictures take.
    pub fn steps(&self, pictures: usize) -> usize {
        self.quadrature.nodes().len() * pictures
    }

    /// Reads pictures of the data's size, with maps of the surprise or without.
    ///
    /// # Errors
    /// The device fails.
    pub fn read(
        &self,
        model: &LoadedModel,
        pictures: &[Picture],
        prior: &Prior,
        maps: bool,
        device: &Device,
    ) -> Result<Vec<Likelihood>> {
        let progress = Progress::new("reading how likely pictures are", self.steps(pictures.len()));
        self.read_among(model, pictures, prior, (maps, &progress), device)
    }

    /// The same, as a part of what the progress is of.
    ///
    /// # Errors
    /// The device fails.
    pub fn read_among(
        &self,
        model: &LoadedModel,
        pictures: &[Picture],
        prior: &Prior,
        (maps, progress): (bool, &Progress),
        device: &Device,
    ) -> Result<Vec<Likelihood>> {
        let at_once = budget::pictures(&model.network, model.config.image_size, BATCH).div_ceil(2);
        let batches = parts(pictures.len(), at_once);
        let mut all = Vec::with_capacity(pictures.len());
        for batch in batches {
            let (first, pictures) = (batch.start as u64, &pictures[batch]);
            let read = self.read_batch(model, first, pictures, at_once, (maps, progress), device)?;
            all.extend(read.into_iter().zip(pictures).map(|(read, picture)| self.sums(read, picture, prior)));
        }
        Ok(all)
    }

    /// All levels of a few pictures, several levels at once where the pictures are few.
    fn read_batch(
        &self,
        model: &LoadedModel,
        first: u64,
        pictures: &[Picture],
        at_once: usize,
        (maps, progress): (bool, &Progress),
        device: &Device,
    ) -> Result<Vec<Read>> {
        let x = model.frame.add(output::tensor(pictures, device));
        let shape @ [count, ..] = x.dims();
        let mut read = vec![Read::default(); count];
        let mut map = Tensor::<4>::zeros(shape, device);
        let nodes = self.quadrature.nodes();
        for places in parts(nodes.len(), (at_once / count.max(1)).max(1)) {
            let several = places.len();
            let z = Tensor::cat(places.clone().map(|place| self.noise(first, place, shape, device)).collect(), 0);
            let squares = output::floats(z.clone().square().flatten::<2>(1, 3).sum_dim(1))?;
            let levels: Vec<f32> =
                places.clone().flat_map(|place| std::iter::repeat_n(nodes[place].level, count)).collect();
            let reading = readings(
                &model.network,
                model.config.sigma_0,
                x.clone().repeat_dim(0, several),
                z,
                Tensor::<1>::from_floats(levels.as_slice(), device),
            );
            let losses = output::floats(reading.losses())?;
            let [one, other] = reading.energies.map(output::floats);
            let (one, other) = (one?, other?);
            for (picture, read) in read.iter_mut().enumerate() {
                let of_picture = (0..several).map(|level| level * count + picture);
                read.losses.extend(of_picture.clone().map(|at| f64::from(losses[at])));
                read.noise_squares.extend(of_picture.clone().map(|at| squares[at]));
                read.energies.extend(of_picture.map(|at| [one[at], other[at]]));
            }
            for (level, place) in places.enumerate() {
                let bits = nodes[place].weight / std::f64::consts::LN_2;
                map = map + reading.errors.clone().narrow(0, level * count, count) * bits;
            }
            progress.steps(several * count);
        }
        let frame_bits = output::floats(frame_share(&map, &model.frame))?;
        read.iter_mut().zip(frame_bits).for_each(|(read, bits)| read.frame_bits = f64::from(bits));
        if maps {
            let maps = output::pictures(model.frame.remove(map))?;
            read.iter_mut().zip(maps).for_each(|(read, map)| read.surprise = Some(map));
        }
        Ok(read)
    }

    /// How far apart the pictures of each pair are, as the model sees them; the noise is the same for all pairs.
    ///
    /// # Errors
    /// The device fails.
    pub fn distances(&self, model: &LoadedModel, pairs: &[[Picture; 2]], device: &Device) -> Result<Vec<f64>> {
        let at_once = budget::pictures(&model.network, model.config.image_size, BATCH).div_ceil(2);
        let mut all = Vec::with_capacity(pairs.len());
        for batch in parts(pairs.len(), at_once) {
            let pairs = &pairs[batch];
            let of = |side: usize| {
                let pictures: Vec<Picture> = pairs.iter().map(|pair| pair[side].clone()).collect();
                model.frame.add(output::tensor(&pictures, device))
            };
            let both = [of(0), of(1)];
            let mut separations = vec![Vec::new(); pairs.len()];
            for (place, node) in self.quadrature.nodes().iter().enumerate() {
                let shape = both[0].dims();
                let z = likelihood::noise(self.seed, place, shape, device).expand(shape);
                let levels = Tensor::full([pairs.len()], node.level, device);
                let found = separation(&model.network, model.config.sigma_0, both.clone(), z, levels);
                for (of_pair, one) in separations.iter_mut().zip(output::floats(found)?) {
                    of_pair.push(f64::from(one));
                }
            }
            all.extend(separations.iter().map(|of_pair| self.quadrature.distance(of_pair)));
        }
        Ok(all)
    }

    /// The noise of a level for the pictures from `first` on.
    fn noise(&self, first: u64, place: usize, shape: [usize; 4], device: &Device) -> Tensor<4> {
        if self.shared {
            return likelihood::noise(self.seed, place, shape, device).expand(shape);
        }
        let each = (first..).take(shape[0]);
        let seed = |picture: u64| self.seed.wrapping_add(1 + picture);
        Tensor::cat(each.map(|picture| likelihood::noise(seed(picture), place, shape, device)).collect(), 0)
    }

    fn sums(&self, read: Read, picture: &Picture, prior: &Prior) -> Likelihood {
        let excess = self.quadrature.excess(&read.losses);
        let prior_bits = prior.bits(&picture.pixels, self.noise.max);
        let values = picture.pixels.len();
        Likelihood {
            excess,
            frame_bits: read.frame_bits,
            prior_bits,
            bits_per_dim: likelihood::floor(self.noise.min) + (excess.bits + prior_bits) / values as f64,
            values,
            losses: read.losses,
            energies: read.energies,
            noise_squares: read.noise_squares,
            surprise: read.surprise,
        }
    }
}

#[derive(Clone, Default)]
struct Read {
    losses: Vec<f64>,
    energies: Vec<[f32; 2]>,
    noise_squares: Vec<f32>,
    frame_bits: f64,
    surprise: Option<Picture>,
}

/// Mean, its standard error, and the standard deviation from picture to picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Of the mean, by the pictures and by the noise that they share; none of a single picture.
    pub standard_error: Option<f64>,
    /// From picture to picture; none of a single one.
    pub spread: Option<f64>,
}

/// A difference of bits in words.
pub fn more_or_fewer(bits: f64) -> String {
    format!("{:.0} bits {}", bits.abs(), if bits < 0.0 { "fewer" } else { "more" })
}

/// The mean excess of pictures that were read by one plan.
pub fn mean_excess(plan: &Plan, pictures: &[Likelihood]) -> Mean {
    mean_of(plan, pictures, pictures.iter().map(|picture| picture.excess.bits))
}

/// The mean of bits that have the excess of these pictures in them, one for each picture.
pub fn mean_of(plan: &Plan, pictures: &[Likelihood], bits: impl Iterator<Item = f64> + Clone) -> Mean {
    let n = pictures.len().max(1) as f64;
    let mean = bits.clone().sum::<f64>() / n;
    let squares = bits.map(|bits| (bits - mean).powi(2)).sum::<f64>();
    let variance = (pictures.len() > 1).then(|| squares / (n - 1.0));
    // What noise that all have alike does to them, the mean curve shows.
    let noise = if plan.shared { plan.quadrature.excess(&mean_curve(pictures)).standard_error } else { 0.0 };
    let standard_error = variance.map(|variance| (variance / n + noise * noise).sqrt());
    Mean { mean, standard_error, spread: variance.map(f64::sqrt) }
}

/// The mean `L(s)` at each level.
pub fn mean_curve(pictures: &[Likelihood]) -> Vec<f64> {
    let levels = pictures.first().map_or(0, |picture| picture.losses.len());
    let mean =
        |level: usize| pictures.iter().map(|picture| picture.losses[level]).sum::<f64>() / pictures.len().max(1) as f64;
    (0..levels).map(mean).collect()
}
