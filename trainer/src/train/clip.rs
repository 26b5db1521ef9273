//! Clipping of the gradient by its norm over all parameters.

use burn::{optim::GradientsParams, tensor::Tensor};
use shared::network::Parameter;

/// Scales the gradients so that their joint norm is at most `limit`; returns the norm before, `[1]`, which nobody has
/// to wait for. Burn's own clipping works on one parameter at a time, which would turn the direction of the step.
pub fn clip_by_global_norm(gradients: &mut GradientsParams, parameters: &[Parameter], limit: f64) -> Tensor<1> {
    let mut squares = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        squares.extend(match parameter.shape.len() {
            1 => sum_of_squares::<1>(gradients, parameter),
            2 => sum_of_squares::<2>(gradients, parameter),
            _ => sum_of_squares::<4>(gradients, parameter),
        });
    }
    let norm = Tensor::cat(squares, 0).sum().sqrt();
    if limit.is_finite() {
        let factor = norm.clone().recip().mul_scalar(limit).clamp_max(1.0);
        for parameter in parameters {
            match parameter.shape.len() {
                1 => scale::<1>(gradients, parameter, &factor),
                2 => scale::<2>(gradients, parameter, &factor),
                _ => scale::<4>(gradients, parameter, &factor),
            }
        }
    }
    norm
}

fn sum_of_squares<const D: usize>(gradients: &GradientsParams, parameter: &Parameter) -> Option<Tensor<1>> {
    let row: usize = parameter.shape[1..].iter().product();
    // Row by row: a sum over millions of numbers at once would be added up in parts that depend on the threads.
    gradients
        .get::<D>(parameter.id)
        .map(|gradient| gradient.square().reshape([parameter.shape[0], row]).sum_dim(1).sum())
}

fn scale<const D: usize>(gradients: &mut GradientsParams, parameter: &Parameter, factor: &Tensor<1>) {
    if let Some(gradient) = gradients.remove::<D>(parameter.id) {
        gradients.register(parameter.id, gradient * factor.clone().reshape([1; D]));
    }
}

#[cfg(test)]
mod tests {
    use burn::{module::ParamId, tensor::Device};

    use super::*;

    #[test]
    fn a_gradient_above_the_limit_keeps_its_direction_and_one_below_it_its_size() {
        let device = Device::flex();
        let parameters = ["bias", "weight"].map(|name| Parameter {
            name: name.into(),
            id: ParamId::new(),
            shape: if name == "bias" { vec![2] } else { vec![1, 2, 1, 1] },
        });
        // Their joint norm is 10.
        let (bias, weight) = ([2.0f32, 4.0], [4.0f32, 8.0]);
        for (limit, factor) in [(5.0, 0.5), (10.0, 1.0), (20.0, 1.0), (f64::INFINITY, 1.0)] {
            let mut gradients = GradientsParams::new();
            gradients.register(parameters[0].id, Tensor::<1>::from_floats(bias, &device));
            gradients.register(parameters[1].id, Tensor::<1>::from_floats(weight, &device).reshape([1, 2, 1, 1]));
            let norm = clip_by_global_norm(&mut gradients, &parameters, limit);
            assert_eq!(norm.into_scalar::<f32>(), 10.0, "the norm before");
            let clipped = [
                gradients.get::<1>(parameters[0].id).unwrap(),
                gradients.get::<4>(parameters[1].id).unwrap().reshape([2]),
            ];
            for (clipped, whole) in clipped.into_iter().zip([bias, weight]) {
                let clipped = clipped.into_data().try_to_vec::<f32>().unwrap();
                for (clipped, whole) in clipped.iter().zip(whole) {
                    assert!((clipped - factor * whole).abs() < 1e-5, "{clipped} of {whole}, limit {limit}");
                }
            }
        }
    }

    /// Else a training would depend on the number of threads.
    #[test]
    fn the_norm_of_a_large_gradient_does_not_depend_on_the_threads() {
        let device = Device::flex();
        let parameter = Parameter { name: "large".into(), id: ParamId::new(), shape: vec![1024, 5, 31, 31] };
        let numbers = parameter.shape.iter().product::<usize>();
        assert!(numbers > 1 << 22, "more than Burn adds up on one thread");
        let values: Vec<f32> = (0..numbers).map(|i| ((i as f32) * 0.731).sin() / 100.0).collect();
        let norms = [1, 2, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let gradient = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([1024, 5, 31, 31]);
                let mut gradients = GradientsParams::new();
                gradients.register(parameter.id, gradient);
                let norm = clip_by_global_norm(&mut gradients, std::slice::from_ref(&parameter), 1.0);
                norm.into_scalar::<f32>().to_bits()
            })
        });
        assert_eq!(norms, [norms[0]; 3]);
        let expected = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        assert!((f64::from(f32::from_bits(norms[0])) / expected - 1.0).abs() < 1e-5);
    }
}
