//! The activations with their derivatives, and what else happens pixel by pixel. Plain loops that the compiler turns into
//! vectors: all is inlined into functions that are compiled for each kind of processor.

use pulp::{Arch, Simd, WithSimd};

use super::{output::Output, parallel};
use crate::Activation;

/// `exp(x)` to two units in the last place, without a table or a branch. NaN stays NaN.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Below, the result would be less than any normal number; above, the exponent is that of infinity.
    const LEAST: f32 = -87.3;
    const MOST: f32 = 89.0;
    let x = if x < LEAST { LEAST } else { x };
    let x = if x > MOST { MOST } else { x };
    // Adding 1.5 * 2^23 rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, the first with few digits, so that the product is exact (Cody and Waite).
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    // The polynomial of the Cephes library.
    let mut series = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        series = series * rest + coefficient;
    }
    let fraction = series * rest * rest + rest + 1.0;
    let exponent = shifted.to_bits().wrapping_shl(23).wrapping_add(127 << 23);
    fraction * f32::from_bits(exponent)
}

/// An activation that is known when the code is compiled.
trait Pointwise {
    fn value(v: f32) -> f32;
    fn slope(v: f32) -> f32;
    /// The first derivative and the second.
    fn slope_and_bend(v: f32) -> (f32, f32);
}

struct Elu;
struct Silu;

impl Pointwise for Elu {
    #[inline(always)]
    fn value(v: f32) -> f32 {
        if v > 0.0 { v } else { exp(v) - 1.0 }
    }

    #[inline(always)]
    fn slope(v: f32) -> f32 {
        if v > 0.0 { 1.0 } else { exp(v) }
    }

    #[inline(always)]
    fn slope_and_bend(v: f32) -> (f32, f32) {
        let e = exp(v);
        if v > 0.0 { (1.0, 0.0) } else { (e, e) }
    }
}

#[inline(always)]
fn sigmoid(v: f32) -> f32 {
    1.0 / (1.0 + exp(-v))
}

impl Pointwise for Silu {
    #[inline(always)]
    fn value(v: f32) -> f32 {
        v * sigmoid(v)
    }

    #[inline(always)]
    fn slope(v: f32) -> f32 {
        let s = sigmoid(v);
        s + v * s * (1.0 - s)
    }

    #[inline(always)]
    fn slope_and_bend(v: f32) -> (f32, f32) {
        let s = sigmoid(v);
        let rest = 1.0 - s;
        (s + v * s * rest, s * rest * (2.0 + v * (rest - s)))
    }
}

/// `target = s(x)`
#[inline(always)]
pub fn activate(activation: Activation, target: &mut [f32], x: &[f32]) {
    #[inline(always)]
    fn all<P: Pointwise>(target: &mut [f32], x: &[f32]) {
        for (target, &x) in target.iter_mut().zip(x) {
            *target = P::value(x);
        }
    }
    match activation {
        Activation::Elu => all::<Elu>(target, x),
        Activation::Silu => all::<Silu>(target, x),
    }
}

/// `first = s'(x) u`, `second = s''(x) q u`
#[inline(always)]
fn multiply_slope_and_bend(activation: Activation, [first, second]: [&mut [f32]; 2], [x, q, u]: [&[f32]; 3]) {
    #[inline(always)]
    fn all<P: Pointwise>([first, second]: [&mut [f32]; 2], [x, q, u]: [&[f32]; 3]) {
        let targets = first.iter_mut().zip(second);
        for (((targets, &x), &q), &u) in targets.zip(x).zip(q).zip(u) {
            let (slope, bend) = P::slope_and_bend(x);
            *targets.0 = slope * u;
            *targets.1 = bend * q * u;
        }
    }
    match activation {
        Activation::Elu => all::<Elu>([first, second], [x, q, u]),
        Activation::Silu => all::<Silu>([first, second], [x, q, u]),
    }
}

/// `target *= s'(x)`
#[inline(always)]
pub fn multiply_by_slope(activation: Activation, target: &mut [f32], x: &[f32]) {
    #[inline(always)]
    fn all<P: Pointwise>(target: &mut [f32], x: &[f32]) {
        for (target, &x) in target.iter_mut().zip(x) {
            *target *= P::slope(x);
        }
    }
    match activation {
        Activation::Elu => all::<Elu>(target, x),
        Activation::Silu => all::<Silu>(target, x),
    }
}

/// `target += scalar`
#[inline(always)]
pub fn add_scalar(target: &mut [f32], scalar: f32) {
    target.iter_mut().for_each(|target| *target += scalar);
}

/// `target += x`
#[inline(always)]
pub fn add(target: &mut [f32], x: &[f32]) {
    for (target, x) in target.iter_mut().zip(x) {
        *target += x;
    }
}

/// The sum, in eight lanes, so that the compiler may use vectors.
#[inline(always)]
pub fn sum(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    sums.into_iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Numbers that one thread takes at a time: the inputs and outputs of that many stay in its cache.
const CHUNK: usize = 16 * 1024;

/// `s'(x) u + residual`
pub fn gate(x: &[f32], u: &[f32], residual: Option<&[f32]>, activation: Activation) -> Vec<f32> {
    let mut output = Output::new(x.len());
    let target = output.target();
    parallel::for_each(x.len().div_ceil(CHUNK), |unit, _| {
        let part = unit * CHUNK..x.len().min((unit + 1) * CHUNK);
        // SAFETY: the parts do not overlap, and each is written completely.
        let target = unsafe { target.part(part.start, part.len()) };
        let residual = residual.map(|residual| &residual[part.clone()]);
        Arch::new().dispatch(Gate { target, x: &x[part.clone()], u: &u[part], residual, activation });
    });
    // SAFETY: the parts cover the whole.
    unsafe { output.finish() }
}

struct Gate<'a> {
    target: &'a mut [f32],
    x: &'a [f32],
    u: &'a [f32],
    residual: Option<&'a [f32]>,
    activation: Activation,
}

impl WithSimd for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.target.copy_from_slice(self.u);
        multiply_by_slope(self.activation, self.target, self.x);
        if let Some(residual) = self.residual {
            add(self.target, residual);
        }
    }
}

/// `s'(x) u` and `s''(x) q u`
pub fn gate_vjp(x: &[f32], q: &[f32], u: &[f32], activation: Activation) -> (Vec<f32>, Vec<f32>) {
    let (mut first, mut second) = (Output::new(x.len()), Output::new(x.len()));
    let targets = [first.target(), second.target()];
    parallel::for_each(x.len().div_ceil(CHUNK), |unit, _| {
        let part = unit * CHUNK..x.len().min((unit + 1) * CHUNK);
        // SAFETY: the parts do not overlap, and each is written completely.
        let targets = targets.each_ref().map(|target| unsafe { target.part(part.start, part.len()) });
        let inputs = [x, q, u].map(|input| &input[part.clone()]);
        Arch::new().dispatch(GateVjp { targets, inputs, activation });
    });
    // SAFETY: the parts cover the whole.
    unsafe { (first.finish(), second.finish()) }
}

struct GateVjp<'a> {
    targets: [&'a mut [f32]; 2],
    inputs: [&'a [f32]; 3],
    activation: Activation,
}

impl WithSimd for GateVjp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        multiply_slope_and_bend(self.activation, self.targets, self.inputs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_two_units_in_the_last_place() {
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(error < 2.4e-7, "exp({x}): relative error {error}");
        }
    }

    #[test]
    fn extreme_inputs_give_limits_and_nan_stays() {
        for (v, silu, slope) in [(-1e30, 0.0, 0.0), (1e30, 1e30, 1.0), (f32::MIN, 0.0, 0.0)] {
            assert!((Silu::value(v) - silu).abs() <= silu.abs() * 1e-6 + 1e-6, "silu({v}) = {}", Silu::value(v));
            assert!((Silu::slope(v) - slope).abs() < 1e-6, "silu'({v}) = {}", Silu::slope(v));
            assert!(Silu::slope_and_bend(v).1.abs() < 1e-6);
        }
        assert!(Silu::value(f32::NAN).is_nan() && Elu::value(f32::NAN).is_nan() && Elu::slope(f32::NAN).is_nan());
    }
}
