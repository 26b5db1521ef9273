//! The energy and its derivatives.

use super::{Point, SIGMA_0};
use crate::sampling::{Draw, Noise};

/// `sigma_0^2 E(x) = f(x) = v . s(B s(A x + a) + b)` with the activation `s(t) = t / (1 + exp(-t))`. Nothing in it
/// knows where the data lies: what the energy is away from there, training alone decides.
#[derive(Clone, Debug)]
pub struct ToyEnergy {
    /// `A` by rows of two, `a`, `B` by rows, `b`, `v`.
    pub(super) parameters: Vec<f32>,
    hidden: usize,
}

/// The parameters, or one number for each of them, part by part.
struct Parts<'a> {
    a: &'a [[f32; 2]],
    a_bias: &'a [f32],
    b: &'a [f32],
    b_bias: &'a [f32],
    v: &'a [f32],
}

/// A hidden layer at one point: what it gives, and the activation's first two derivatives.
#[derive(Clone, Default)]
struct Layer {
    value: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl ToyEnergy {
    /// An energy with `hidden` units in each layer and random weights.
    pub fn new(seed: u64, hidden: usize) -> Self {
        let mut parameters = Noise::new(seed).normal(0, Draw::Start, hidden * (2 + 1 + hidden + 1 + 1));
        let spread = |part: &mut [f32], by: f32| part.iter_mut().for_each(|value| *value *= by);
        let (first, rest) = parameters.split_at_mut(3 * hidden);
        let (second, last) = rest.split_at_mut(hidden * hidden);
        // Steep enough to bend within the data.
        spread(first, 2.0);
        spread(second, (2.0 / hidden as f32).sqrt());
        spread(last, (1.0 / hidden as f32).sqrt());
        Self { parameters, hidden }
    }

    /// The energy at a point.
    pub fn energy(&self, x: Point) -> f32 {
        let parts = parts(&self.parameters, self.hidden);
        let (_, second) = layers(&parts, x);
        let f: f32 = second.value.iter().zip(parts.v).map(|(value, v)| value * v).sum();
        f / (SIGMA_0 * SIGMA_0)
    }

    /// `sigma_0^2 grad E(x)`: what one denoising jump takes away.
    pub fn residual(&self, x: Point) -> Point {
        let parts = parts(&self.parameters, self.hidden);
        let (first, second) = layers(&parts, x);
        slope(&parts, &first, &second).1
    }

    /// The MDSM loss of one point, `|(sigma_0^2 grad E(x + sigma z)) / sigma - z|^2`, whose gradient by the parameters,
    /// times `weight`, is added to `sum`.
    pub(super) fn loss_and_gradient(&self, clean: Point, z: Point, sigma: f32, weight: f32, sum: &mut [f32]) -> f32 {
        let parts = parts(&self.parameters, self.hidden);
        let x = [clean[0] + sigma * z[0], clean[1] + sigma * z[1]];
        let (first, second) = layers(&parts, x);
        let (adjoint, gradient) = slope(&parts, &first, &second);
        let error = [0, 1].map(|i| gradient[i] / sigma - z[i]);
        // The loss depends on the parameters through `grad f` alone, and its derivative by that is `toward`. So the sum
        // needs the derivative by the parameters of `toward . grad f`: how f changes along `toward`, followed
        // layer by layer (`moved`), then taken back through the layers.
        let toward = error.map(|e| 2.0 * e / sigma * weight);
        let moved_in: Vec<f32> = parts.a.iter().map(|row| row[0] * toward[0] + row[1] * toward[1]).collect();
        let moved_first: Vec<f32> = moved_in.iter().zip(&first.first).map(|(m, s)| m * s).collect();
        let (to_a, rest) = sum.split_at_mut(2 * self.hidden);
        let (to_a_bias, rest) = rest.split_at_mut(self.hidden);
        let (to_b, rest) = rest.split_at_mut(self.hidden * self.hidden);
        let (to_b_bias, to_v) = rest.split_at_mut(self.hidden);
        let mut back = vec![0.0; self.hidden];
        for unit in 0..self.hidden {
            let row = &parts.b[unit * self.hidden..][..self.hidden];
            let moved: f32 = row.iter().zip(&moved_first).map(|(b, m)| b * m).sum();
            to_v[unit] += second.first[unit] * moved;
            let by_moved = parts.v[unit] * second.first[unit];
            let by_input = parts.v[unit] * second.second[unit] * moved;
            to_b_bias[unit] += by_input;
            let to_row = &mut to_b[unit * self.hidden..][..self.hidden];
            for (to, (m, value)) in to_row.iter_mut().zip(moved_first.iter().zip(&first.value)) {
                *to += by_moved * m + by_input * value;
            }
            for (back, b) in back.iter_mut().zip(row) {
                *back += by_input * b;
            }
        }
        for (unit, to) in to_a.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let by_moved = adjoint[unit] * first.first[unit];
            let by_input = adjoint[unit] * first.second[unit] * moved_in[unit] + back[unit] * first.first[unit];
            to_a_bias[unit] += by_input;
            *to = [0, 1].map(|i| to[i] + by_moved * toward[i] + by_input * x[i]);
        }
        error[0] * error[0] + error[1] * error[1]
    }
}

fn parts(parameters: &[f32], hidden: usize) -> Parts<'_> {
    let (a, rest) = parameters.split_at(2 * hidden);
    let (a_bias, rest) = rest.split_at(hidden);
    let (b, rest) = rest.split_at(hidden * hidden);
    let (b_bias, v) = rest.split_at(hidden);
    Parts { a: a.as_chunks().0, a_bias, b, b_bias, v }
}

fn layers(parts: &Parts<'_>, x: Point) -> (Layer, Layer) {
    let first = activate(parts.a.iter().zip(parts.a_bias).map(|(row, bias)| row[0] * x[0] + row[1] * x[1] + bias));
    let rows = parts.b.chunks(first.value.len());
    let dot = |row: &[f32]| row.iter().zip(&first.value).map(|(b, value)| b * value).sum::<f32>();
    let second = activate(rows.zip(parts.b_bias).map(|(row, bias)| dot(row) + bias));
    (first, second)
}

fn activate(inputs: impl Iterator<Item = f32>) -> Layer {
    let mut layer = Layer::default();
    for t in inputs {
        let sigmoid = 1.0 / (1.0 + (-t).exp());
        let fall = sigmoid * (1.0 - sigmoid);
        layer.value.push(t * sigmoid);
        layer.first.push(sigmoid + t * fall);
        layer.second.push(fall * (2.0 + t * (1.0 - 2.0 * sigmoid)));
    }
    layer
}

/// The derivative of f by what the first layer gives, and by the point.
fn slope(parts: &Parts<'_>, first: &Layer, second: &Layer) -> (Vec<f32>, Point) {
    let hidden = first.value.len();
    let mut adjoint = vec![0.0; hidden];
    for (row, (v, derivative)) in parts.b.chunks(hidden).zip(parts.v.iter().zip(&second.first)) {
        for (adjoint, b) in adjoint.iter_mut().zip(row) {
            *adjoint += v * derivative * b;
        }
    }
    let mut gradient = [0.0; 2];
    for (row, (adjoint, derivative)) in parts.a.iter().zip(adjoint.iter().zip(&first.first)) {
        gradient[0] += adjoint * derivative * row[0];
        gradient[1] += adjoint * derivative * row[1];
    }
    (adjoint, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_residual_is_the_slope_of_the_energy() {
        let energy = ToyEnergy::new(3, 8);
        for x in [[0.3, -0.7], [-1.5, 0.2], [0.0, 0.0]] {
            let residual = energy.residual(x);
            for i in 0..2 {
                let mut ends = [x, x];
                ends[0][i] -= 1e-2;
                ends[1][i] += 1e-2;
                let slope = (energy.energy(ends[1]) - energy.energy(ends[0])) / 2e-2 * SIGMA_0 * SIGMA_0;
                assert!((slope - residual[i]).abs() < 1e-2, "{x:?}: {slope} and {}", residual[i]);
            }
        }
    }

    #[test]
    fn the_gradient_of_the_loss_agrees_with_finite_differences() {
        let (clean, z, sigma) = ([0.4, -0.3], [0.8, -1.1], 0.6);
        let energy = ToyEnergy::new(5, 6);
        let mut gradient = vec![0.0; energy.parameters.len()];
        energy.loss_and_gradient(clean, z, sigma, 1.0, &mut gradient);
        for index in 0..gradient.len() {
            let loss_at = |offset: f32| {
                let mut moved = energy.clone();
                moved.parameters[index] += offset;
                moved.loss_and_gradient(clean, z, sigma, 1.0, &mut vec![0.0; gradient.len()])
            };
            let slope = (loss_at(5e-3) - loss_at(-5e-3)) / 1e-2;
            let allowed = 2e-2 * (1.0 + gradient[index].abs());
            assert!((slope - gradient[index]).abs() < allowed, "{index}: {slope} and {}", gradient[index]);
        }
    }
}
