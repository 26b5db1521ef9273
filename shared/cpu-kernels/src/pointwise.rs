//! The activations with their derivatives, and what else happens number by number. Plain loops that the compiler turns
//! into vectors: all is inlined into functions that are compiled for each kind of processor.

use std::mem::MaybeUninit;

use pulp::Simd;

use crate::{Activation, lanes::fuses};

/// `a * b + c`, in one step where the processor has it; elsewhere that would be a call of a library.
#[inline(always)]
fn mul_add<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if fuses::<S>() { a.mul_add(b, c) } else { a * b + c }
}

/// From here on [`exp`] is 0 or infinite. An activation shows nothing of it: `exp(-50)` is 2e-22. But slopes as small,
/// times gradients, would be subnormal numbers, with which some processors compute a hundred times slower: on an Intel
/// Xeon 13 instead of 70 training images a second.
const LARGEST_EXPONENT: f32 = 50.0;

/// `exp(x)` to two units in the last place where `|x|` is at most [`LARGEST_EXPONENT`], without a table or a branch.
/// NaN stays NaN.
#[inline(always)]
fn exp<S: Simd>(exponent: f32) -> f32 {
    let x = if exponent < -LARGEST_EXPONENT { -LARGEST_EXPONENT } else { exponent };
    let x = if x > LARGEST_EXPONENT { LARGEST_EXPONENT } else { x };
    // Adding 1.5 * 2^23 rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = mul_add::<S>(x, core::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    // ln 2 in two parts, the first with few digits, so that the product is exact (Cody and Waite).
    let rest = mul_add::<S>(whole, 2.121_944_4e-4, mul_add::<S>(whole, -0.693_359_4, x));
    // The polynomial of the Cephes library.
    let mut series = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        series = mul_add::<S>(series, rest, coefficient);
    }
    let fraction = mul_add::<S>(series * rest, rest, rest) + 1.0;
    let power_of_two = f32::from_bits(shifted.to_bits().wrapping_shl(23).wrapping_add(127 << 23));
    let result = fraction * power_of_two;
    let result = if exponent < -LARGEST_EXPONENT { 0.0 } else { result };
    if exponent > LARGEST_EXPONENT { f32::INFINITY } else { result }
}

/// An activation that is known when the code is compiled.
trait Pointwise {
    fn value<S: Simd>(v: f32) -> f32;
    fn slope<S: Simd>(v: f32) -> f32;
    /// The first derivative and the second.
    fn slope_and_bend<S: Simd>(v: f32) -> (f32, f32);
}

struct Elu;
struct Silu;

impl Pointwise for Elu {
    #[inline(always)]
    fn value<S: Simd>(v: f32) -> f32 {
        if v > 0.0 { v } else { exp::<S>(v) - 1.0 }
    }

    #[inline(always)]
    fn slope<S: Simd>(v: f32) -> f32 {
        if v > 0.0 { 1.0 } else { exp::<S>(v) }
    }

    #[inline(always)]
    fn slope_and_bend<S: Simd>(v: f32) -> (f32, f32) {
        let e = exp::<S>(v);
        if v > 0.0 { (1.0, 0.0) } else { (e, e) }
    }
}

#[inline(always)]
fn sigmoid<S: Simd>(v: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-v))
}

impl Pointwise for Silu {
    #[inline(always)]
    fn value<S: Simd>(v: f32) -> f32 {
        v * sigmoid::<S>(v)
    }

    #[inline(always)]
    fn slope<S: Simd>(v: f32) -> f32 {
        let s = sigmoid::<S>(v);
        mul_add::<S>(v * s, 1.0 - s, s)
    }

    #[inline(always)]
    fn slope_and_bend<S: Simd>(v: f32) -> (f32, f32) {
        let s = sigmoid::<S>(v);
        let rest = 1.0 - s;
        (mul_add::<S>(v * s, rest, s), s * rest * mul_add::<S>(v, rest - s, 2.0))
    }
}

/// `target = s(x)`
#[inline(always)]
pub(crate) fn activate<S: Simd>(activation: Activation, target: &mut [f32], x: &[f32]) {
    #[inline(always)]
    fn all<P: Pointwise, S: Simd>(target: &mut [f32], x: &[f32]) {
        for (target, &x) in target.iter_mut().zip(x) {
            *target = P::value::<S>(x);
        }
    }
    match activation {
        Activation::Elu => all::<Elu, S>(target, x),
        Activation::Silu => all::<Silu, S>(target, x),
    }
}

/// `first = s'(x) u`, `second = s''(x) q u`
#[inline(always)]
pub(crate) fn multiply_slope_and_bend<S: Simd>(
    activation: Activation,
    [first, second]: [&mut [MaybeUninit<f32>]; 2],
    [x, q, u]: [&[f32]; 3],
) {
    #[inline(always)]
    fn all<P: Pointwise, S: Simd>([first, second]: [&mut [MaybeUninit<f32>]; 2], [x, q, u]: [&[f32]; 3]) {
        let targets = first.iter_mut().zip(second);
        for (((targets, &x), &q), &u) in targets.zip(x).zip(q).zip(u) {
            let (slope, bend) = P::slope_and_bend::<S>(x);
            targets.0.write(slope * u);
            targets.1.write(bend * q * u);
        }
    }
    match activation {
        Activation::Elu => all::<Elu, S>([first, second], [x, q, u]),
        Activation::Silu => all::<Silu, S>([first, second], [x, q, u]),
    }
}

/// `target *= s'(x)`
#[inline(always)]
pub(crate) fn multiply_by_slope<S: Simd>(activation: Activation, target: &mut [f32], x: &[f32]) {
    #[inline(always)]
    fn all<P: Pointwise, S: Simd>(target: &mut [f32], x: &[f32]) {
        for (target, &x) in target.iter_mut().zip(x) {
            *target *= P::slope::<S>(x);
        }
    }
    match activation {
        Activation::Elu => all::<Elu, S>(target, x),
        Activation::Silu => all::<Silu, S>(target, x),
    }
}

/// `target += x`
#[inline(always)]
pub(crate) fn add(target: &mut [f32], x: &[f32]) {
    for (target, x) in target.iter_mut().zip(x) {
        *target += x;
    }
}

/// The sum, in eight lanes, so that the compiler may use vectors.
#[inline(always)]
pub(crate) fn sum(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    sums.into_iter().sum::<f32>() + rest.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::Vectors;

    #[derive(Clone, Copy)]
    struct Exponential;

    impl WithSimd for Exponential {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            for i in -50_000..=50_000 {
                let x = i as f32 / 1000.0;
                let expected = f64::from(x).exp();
                let error = (f64::from(exp::<S>(x)) - expected).abs() / expected;
                assert!(error < 2.4e-7, "exp({x}): relative error {error}");
            }
        }
    }

    #[test]
    fn the_exponential_is_exact_to_two_units_in_the_last_place() {
        Vectors::all().into_iter().for_each(|vectors| vectors.run(Exponential));
    }

    struct Slopes;

    impl WithSimd for Slopes {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            for i in -200_000..200_000 {
                let v = i as f32 / 1000.0;
                let ((elu, elu_bend), (silu, silu_bend)) = (Elu::slope_and_bend::<S>(v), Silu::slope_and_bend::<S>(v));
                for slope in
                    [Elu::slope::<S>(v), elu, elu_bend, Silu::slope::<S>(v), silu, silu_bend, Silu::value::<S>(v)]
                {
                    assert!(!(slope * 1e-12).is_subnormal(), "at {v}: {slope}");
                }
            }
        }
    }

    #[test]
    fn no_slope_makes_a_small_gradient_subnormal() {
        Vectors::all().into_iter().for_each(|vectors| vectors.run(Slopes));
    }

    struct Extremes;

    impl WithSimd for Extremes {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            for (v, silu, slope) in [(-1e30, 0.0, 0.0), (1e30, 1e30, 1.0), (f32::MIN, 0.0, 0.0)] {
                let value = Silu::value::<S>(v);
                assert!((value - silu).abs() <= silu.abs() * 1e-6 + 1e-6, "silu({v}) = {value}");
                assert!((Silu::slope::<S>(v) - slope).abs() < 1e-6, "silu'({v}) = {}", Silu::slope::<S>(v));
                assert!(Silu::slope_and_bend::<S>(v).1.abs() < 1e-6);
            }
            assert!(Silu::value::<S>(f32::NAN).is_nan() && Silu::slope::<S>(f32::NAN).is_nan());
            assert!(Elu::value::<S>(f32::NAN).is_nan() && Elu::slope::<S>(f32::NAN).is_nan());
        }
    }

    #[test]
    fn extreme_inputs_give_limits_and_nan_stays() {
        Vectors::all().into_iter().for_each(|vectors| vectors.run(Extremes));
    }
}
