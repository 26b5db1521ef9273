//! The order of the training images: a new permutation in every epoch, a function of the seed and the step alone, so
//! that a resumed run sees what an uninterrupted one would.

use rand::{RngExt, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Picks the images of each step.
pub struct Batches {
    seed: u64,
    images: usize,
    batch: usize,
    epoch: Option<(u64, Vec<u32>)>,
}

impl Batches {
    /// Batches of `batch` out of `images` images.
    pub fn new(seed: u64, images: usize, batch: usize) -> Self {
        Self { seed, images, batch, epoch: None }
    }

    /// The images of step `step`, from 0.
    pub fn at(&mut self, step: u64) -> Vec<usize> {
        let first = step * self.batch as u64;
        (first..first + self.batch as u64).map(|position| self.image(position)).collect()
    }

    /// The images of step `step` and others, `count` in all: those that follow in the epoch, and from its start again,
    /// so that no image comes twice before every image has come (but for a batch that crosses the end of an epoch).
    pub fn with_others(&mut self, step: u64, count: usize) -> Vec<usize> {
        let mut images = self.at(step);
        let (end, all) = ((step + 1) * self.batch as u64, self.images as u64);
        let epoch = (end - 1) / all * all;
        let others = count.saturating_sub(self.batch) as u64;
        images.extend((end..end + others).map(|position| self.image(epoch + position % all)));
        images
    }

    /// Which of the images of step `step` and the others are mirrored: half of them, by chance.
    pub fn mirrored(&self, step: u64, count: usize) -> Vec<bool> {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        // Epochs have the first streams.
        generator.set_stream(u64::MAX - step);
        (0..count).map(|_| generator.random()).collect()
    }

    fn image(&mut self, position: u64) -> usize {
        let images = self.images as u64;
        let (epoch, within) = (position / images, (position % images) as usize);
        if self.epoch.as_ref().is_none_or(|(current, _)| *current != epoch) {
            let mut order: Vec<u32> = (0..self.images as u32).collect();
            let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
            generator.set_stream(epoch);
            order.shuffle(&mut generator);
            self.epoch = Some((epoch, order));
        }
        self.epoch.as_ref().map_or(0, |(_, order)| order[within] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_comes_once_an_epoch_in_a_new_order() {
        let mut batches = Batches::new(1, 10, 4);
        let seen: Vec<usize> = (0..5).flat_map(|step| batches.at(step)).collect();
        let (mut first, mut second) = (seen[..10].to_vec(), seen[10..].to_vec());
        assert_ne!(first, second);
        first.sort_unstable();
        second.sort_unstable();
        assert_eq!(first, (0..10).collect::<Vec<_>>());
        assert_eq!(second, first);
    }

    #[test]
    fn others_are_those_that_the_batch_leaves() {
        let mut batches = Batches::new(1, 10, 4);
        for step in 0..2 {
            let batch = batches.at(step);
            let mut all = batches.with_others(step, 10);
            assert_eq!(all[..4], batch);
            all.sort_unstable();
            assert_eq!(all, (0..10).collect::<Vec<_>>());
        }
        // The third batch takes two images of the second epoch.
        let batch = batches.at(2);
        assert_eq!(batches.with_others(2, 7)[..4], batch);
        assert_eq!(batches.with_others(2, 7).len(), 7);
        assert_eq!(batches.with_others(2, 1), batch);
    }

    #[test]
    fn a_resumed_run_sees_the_same_images() {
        let mut whole = Batches::new(3, 100, 7);
        let expected: Vec<Vec<usize>> = (0..40).map(|step| whole.at(step)).collect();
        let mut resumed = Batches::new(3, 100, 7);
        assert_eq!(resumed.at(33), expected[33]);
        assert_eq!(resumed.mirrored(33, 7), whole.mirrored(33, 7));
        let mirrored = (0..100).flat_map(|step| whole.mirrored(step, 7)).filter(|&mirrored| mirrored).count();
        assert!((280..420).contains(&mirrored), "{mirrored} of 700");
    }
}
