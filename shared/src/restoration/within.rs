//! Pictures whose values can be shown and whose known part is still exact.

use burn::tensor::Tensor;

/// The nearest picture to `x` of values 0..1 whose `part` is `known`, `[N, C, H, W]` or `[1, C, H, W]`: clamping alone would
/// change what is known.
///
/// It is `clamp(x + y)` with `y` in the part, by accelerated ascent of the dual problem (Nesterov 1983; restarted where
/// the ascent turns, O'Donoghue and Candes 2015). Where no such picture is, what is known of it being rounded, it comes
/// as near as it can.
pub fn within(x: Tensor<4>, known: &Tensor<4>, part: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    const STEPS: usize = 400;
    let mut y = part(known.clone() - x.clone());
    let (mut ahead, mut momentum) = (y.clone(), 1.0f32);
    for step in 0..STEPS {
        let missing = known.clone() - part((x.clone() + ahead.clone()).clamp(0.0, 1.0));
        let next = ahead + missing;
        // A restart now and then costs little, and the momentum of far steps would overshoot.
        let faster = if step % 50 == 49 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) };
        let carry = if step % 50 == 49 { 0.0 } else { (momentum - 1.0) / faster };
        ahead = next.clone() + (next.clone() - y) * carry;
        (y, momentum) = (next, faster);
    }
    (x + y).clamp(0.0, 1.0)
}
