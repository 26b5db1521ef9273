//! The operations as they are defined, one number after the other, in 64 bits.

use cpu_kernels::{Activation, Geometry};

/// `s(v)`
pub fn value(activation: Option<Activation>, v: f32) -> f64 {
    let v = f64::from(v);
    match activation {
        None => v,
        Some(Activation::Elu) => {
            if v > 0.0 {
                v
            } else {
                v.exp_m1()
            }
        }
        Some(Activation::Silu) => v / (1.0 + (-v).exp()),
    }
}

/// `s'(v)`
pub fn slope(activation: Activation, v: f32) -> f64 {
    let v = f64::from(v);
    match activation {
        Activation::Elu => {
            if v > 0.0 {
                1.0
            } else {
                v.exp()
            }
        }
        Activation::Silu => {
            let s = 1.0 / (1.0 + (-v).exp());
            s + v * s * (1.0 - s)
        }
    }
}

/// `s''(v)`
pub fn bend(activation: Activation, v: f32) -> f64 {
    let v = f64::from(v);
    match activation {
        Activation::Elu => {
            if v > 0.0 {
                0.0
            } else {
                v.exp()
            }
        }
        Activation::Silu => {
            let s = 1.0 / (1.0 + (-v).exp());
            s * (1.0 - s) * (2.0 + v * (1.0 - 2.0 * s))
        }
    }
}

/// Calls `term(output, input, weight)` with the places of every product of `conv(input, weight)`, weights
/// `[channels_out, channels_in, k, k]`.
pub fn for_each_product(geometry: &Geometry, mut term: impl FnMut(usize, usize, usize)) {
    let Geometry { images, channels_in, channels_out, height, width, kernel } = *geometry;
    let reach = kernel / 2;
    for image in 0..images {
        for (o, i) in (0..channels_out).flat_map(|o| (0..channels_in).map(move |i| (o, i))) {
            for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                let weight = ((o * channels_in + i) * kernel + ky) * kernel + kx;
                for y in reach.saturating_sub(ky)..height.min((height + reach).saturating_sub(ky)) {
                    for x in reach.saturating_sub(kx)..width.min((width + reach).saturating_sub(kx)) {
                        let output = ((image * channels_out + o) * height + y) * width + x;
                        let input = ((image * channels_in + i) * height + y + ky - reach) * width + x + kx - reach;
                        term(output, input, weight);
                    }
                }
            }
        }
    }
}
