//! What an activation does to gradients, pixel by pixel.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::{Activation, Vectors, output::Output, parallel, pointwise};

/// Numbers that one thread takes at a time: the inputs and outputs of that many stay in its cache.
const CHUNK: usize = 16 * 1024;

/// `s'(x) u + residual`, all of one length.
///
/// # Panics
/// They are not of one length.
#[must_use]
pub fn gate(vectors: Vectors, x: &[f32], u: &[f32], residual: Option<&[f32]>, activation: Activation) -> Vec<f32> {
    assert!(u.len() == x.len() && residual.is_none_or(|residual| residual.len() == x.len()), "of one length");
    let mut output = Output::new(x.len());
    let target = output.target();
    parallel::for_each(x.len().div_ceil(CHUNK), |unit, _| {
        let part = unit * CHUNK..x.len().min((unit + 1) * CHUNK);
        // SAFETY: the parts do not overlap, and each is written completely.
        let target = unsafe { target.part(part.start, part.len()) };
        let residual = residual.map(|residual| &residual[part.clone()]);
        vectors.run(Gate { target, x: &x[part.clone()], u: &u[part], residual, activation });
    });
    // SAFETY: the parts cover the whole.
    unsafe { output.finish() }
}

struct Gate<'a> {
    target: &'a mut [MaybeUninit<f32>],
    x: &'a [f32],
    u: &'a [f32],
    residual: Option<&'a [f32]>,
    activation: Activation,
}

impl WithSimd for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let target = self.target.write_copy_of_slice(self.u);
        pointwise::multiply_by_slope::<S>(self.activation, target, self.x);
        if let Some(residual) = self.residual {
            pointwise::add(target, residual);
        }
    }
}

/// `s'(x) u` and `s''(x) q u`, all of one length: how a gradient `u` at the output of [`gate`]`(x, q)` is pulled back to
/// `q` and to `x`.
///
/// # Panics
/// They are not of one length.
#[must_use]
pub fn gate_vjp(vectors: Vectors, x: &[f32], q: &[f32], u: &[f32], activation: Activation) -> (Vec<f32>, Vec<f32>) {
    assert!(q.len() == x.len() && u.len() == x.len(), "of one length");
    let (mut first, mut second) = (Output::new(x.len()), Output::new(x.len()));
    let targets = [first.target(), second.target()];
    parallel::for_each(x.len().div_ceil(CHUNK), |unit, _| {
        let part = unit * CHUNK..x.len().min((unit + 1) * CHUNK);
        // SAFETY: the parts do not overlap, and each is written completely.
        let targets = targets.each_ref().map(|target| unsafe { target.part(part.start, part.len()) });
        let inputs = [x, q, u].map(|input| &input[part.clone()]);
        vectors.run(GateVjp { targets, inputs, activation });
    });
    // SAFETY: the parts cover the whole.
    unsafe { (first.finish(), second.finish()) }
}

struct GateVjp<'a> {
    targets: [&'a mut [MaybeUninit<f32>]; 2],
    inputs: [&'a [f32]; 3],
    activation: Activation,
}

impl WithSimd for GateVjp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        pointwise::multiply_slope_and_bend::<S>(self.activation, self.targets, self.inputs);
    }
}
