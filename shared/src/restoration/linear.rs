//! A part that is known as it is, or under noise of one level.

use burn::tensor::Tensor;

use super::{Part, within};
use crate::{network::Frame, sampling::Given};

/// What chains are told of a picture: its part, and that around it there is the frame.
#[derive(Clone, Debug)]
pub struct Linear<P> {
    /// Any picture of the data's own size that has the known part, `[1, C, H, W]`; the rest of it does not count.
    pub picture: Tensor<4>,
    /// What of it is known.
    pub part: P,
    /// Standard deviation of the noise on what is known, less than the largest level; 0 for none. Below that level chains are
    /// told nothing more: what was seen is where they are, and its noise goes with the rest.
    pub noise: f32,
    /// Where the picture lies in what the network sees.
    pub frame: Frame,
}

impl<P: Part> Linear<P> {
    /// `x` with its part replaced by that of `picture`.
    fn replaced(&self, x: Tensor<4>, picture: Tensor<4>) -> Tensor<4> {
        x.clone() + self.part.of(picture - x)
    }
}

impl<P: Part> Given for Linear<P> {
    fn show(&self, x: Tensor<4>, z: Tensor<4>, level: f32) -> Tensor<4> {
        let inside = self.frame.remove(x);
        // At its own level it is told once more, as it is; levels come here by way of temperatures, and are rounded.
        let inside = if level > self.noise * (1.0 - 1e-4) || self.noise == 0.0 {
            let more = (level * level - self.noise * self.noise).max(0.0).sqrt();
            self.replaced(inside, self.picture.clone() + self.frame.remove(z.clone()) * more)
        } else {
            inside
        };
        framed(&self.frame, inside, z, level)
    }

    fn keep(&self, x: Tensor<4>) -> Tensor<4> {
        let inside = self.frame.remove(x);
        if self.noise > 0.0 {
            return self.frame.add(inside);
        }
        let known = self.part.of(self.picture.clone());
        self.frame.add(within(inside, &known, &self.part))
    }

    fn told_down_to(&self) -> f32 {
        self.noise
    }
}

/// A picture under noise in its frame of zeros, which are under noise of the same level.
pub(super) fn framed(frame: &Frame, inside: Tensor<4>, z: Tensor<4>, level: f32) -> Tensor<4> {
    let noise = z * level;
    frame.add(inside - frame.remove(noise.clone())) + noise
}
