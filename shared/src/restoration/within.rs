//! Pictures whose values can be shown and whose known part is still there: clamping alone would change it.

use burn::tensor::Tensor;

use super::Part;

/// The nearest picture to `x` of values 0..1 whose `part` is `known`, `[N, C, H, W]` or `[1, C, H, W]`.
///
/// It is `clamp(x + y)` with `y` in the part. Each number of the part is of pixels of its own and only grows with `y`: it is
/// found by halving an interval.
pub fn within(x: Tensor<4>, known: &Tensor<4>, part: &impl Part) -> Tensor<4> {
    // Halves of an interval of 32: the last is finer than single precision.
    const HALVINGS: usize = 32;
    // Enough to take any value across 0..1, even a blue that has a fourteenth of the brightness.
    const REACH: f32 = 16.0;
    let x = x.clamp(-1.0, 2.0);
    let high = part.of(x.ones_like()) * REACH;
    let (mut low, mut high) = (-high.clone(), high);
    for _ in 0..HALVINGS {
        let middle = (low.clone() + high.clone()) * 0.5;
        // One number decides for all pixels that it is of. Values of the part beside those of `known` might disagree by rounding.
        let more = part.of((x.clone() + middle.clone()).clamp(0.0, 1.0) - known.clone());
        let too_much = more.greater_elem(0.0);
        low = middle.clone().mask_where(too_much.clone(), low);
        high = high.mask_where(too_much, middle);
    }
    (x + low).clamp(0.0, 1.0)
}

/// As [`within`], for a part whose numbers share pixels, and of which only rounded values are known: no picture may have it
/// exactly.
///
/// By accelerated ascent of the dual problem (Nesterov 1983). More steps come no nearer: what is missing then is the rounding.
pub fn nearly_within(x: Tensor<4>, known: &Tensor<4>, part: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    const STEPS: usize = 50;
    let mut y = part(known.clone() - x.clone());
    let (mut ahead, mut momentum) = (y.clone(), 1.0f32);
    for _ in 0..STEPS {
        let missing = known.clone() - part((x.clone() + ahead.clone()).clamp(0.0, 1.0));
        let next = ahead + missing;
        let faster = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
        ahead = next.clone() + (next.clone() - y) * ((momentum - 1.0) / faster);
        (y, momentum) = (next, faster);
    }
    (x + y).clamp(0.0, 1.0)
}
