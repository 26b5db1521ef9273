//! Pictures whose values can be shown and whose known part is still there: clamping alone would change it.

use burn::tensor::Tensor;

use super::Part;

/// The nearest picture to `x` of values 0..1 whose `part` is `known`, `[N, C, H, W]` or `[1, C, H, W]`.
///
/// It is `clamp(x + y)` with `y` in the part. As no two numbers of the part share a value, each only grows with its own `y`, which
/// is found by halving an interval. No weight `w` of a sum may be so small that `16 w` is less than twice `|w|^2`; that of blue in the brightness is just large enough.
pub fn within(x: Tensor<4>, known: &Tensor<4>, part: &impl Part) -> Tensor<4> {
    // Halves of an interval of 32: the last is finer than single precision.
    const HALVINGS: usize = 32;
    // Takes even blue from -1 to 1, and from 2 to 0. Chains end nearer than that.
    const REACH: f32 = 16.0;
    let x = x.clamp(-1.0, 2.0);
    let high = part.of(x.ones_like()) * REACH;
    let (mut low, mut high) = (-high.clone(), high);
    for _ in 0..HALVINGS {
        let middle = (low.clone() + high.clone()) * 0.5;
        // One number decides for all the values that it counts. The part's values, each compared with its own of `known`,
        // might disagree by rounding.
        let more = part.of((x.clone() + middle.clone()).clamp(0.0, 1.0) - known.clone());
        let too_much = more.greater_elem(0.0);
        low = middle.clone().mask_where(too_much.clone(), low);
        high = high.mask_where(too_much, middle);
    }
    (x + low).clamp(0.0, 1.0)
}

/// As [`within`], for a part whose numbers share values, and of which only rounded ones are known: perhaps no picture has it
/// exactly.
///
/// By accelerated ascent of the dual problem (Nesterov 1983). For blurs by Gaussians of 1 to 2 pixels, by a box and by motion,
/// more steps come no nearer: what is missing then is the rounding.
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
