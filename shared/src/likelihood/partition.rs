//! `ln Z` of the static energy along the noise levels, without importance sampling.
//!
//! On the shell of level `s` the density `exp(-beta E) / Z(beta)`, `beta = (sigma_0 / s)^2`, plays that of pictures under
//! noise `s`. `d ln Z / d beta = -<E>`, and `<E>` at a level is the mean energy of held-out pictures under its noise; so
//! from the largest level, where pictures are a Gaussian, `ln Z` is an integral of readings. Then `-ln p = beta E + ln Z`
//! in one forward pass. For a perfect denoiser it agrees with the bound of this module; how far it does not says how far
//! the energy is from being a density.

use super::Node;

/// `ln Z(beta)` at every level.
#[derive(Clone, Debug, PartialEq)]
pub struct AlongNoise {
    /// One for each node, from the smallest level: `ln Z` of `exp(-(sigma_0 / s)^2 E)` over all values that the energy sees.
    pub log_partitions: Vec<f64>,
    /// `-ln p` of a noisy picture at that level on average, in nats.
    pub surprises: Vec<f64>,
}

/// Integrates mean energies. `energies` are those of pictures under the noise of each node, from the smallest level, as many
/// as there are nodes; `largest` is `-ln` of the density of the same noisy pictures at the last node by the Gaussian there, on average, in
/// nats, over as many values as the energy sees.
pub fn along_noise(nodes: &[Node], energies: &[f64], sigma_0: f32, largest: f64) -> AlongNoise {
    let beta = |node: &Node| (f64::from(sigma_0) / f64::from(node.level)).powi(2);
    let betas: Vec<f64> = nodes.iter().map(beta).collect();
    let count = betas.len().min(energies.len());
    let mut log_partitions = vec![0.0; count];
    if let Some(last) = count.checked_sub(1) {
        log_partitions[last] = largest - betas[last] * energies[last];
        for place in (0..last).rev() {
            // beta <E> hardly changes along ln beta, where levels are evenly spaced.
            let mean = 0.5 * (betas[place] * energies[place] + betas[place + 1] * energies[place + 1]);
            log_partitions[place] = log_partitions[place + 1] - mean * libm::log(betas[place] / betas[place + 1]);
        }
    }
    let surprise = |place: usize| betas[place] * energies[place] + log_partitions[place];
    let surprises = (0..count).map(surprise).collect();
    AlongNoise { log_partitions, surprises }
}

#[cfg(test)]
mod tests {
    use options::Spacing;

    use super::*;
    use crate::{likelihood::Quadrature, training::NoiseLevels};

    #[test]
    fn a_gaussian_has_its_entropy_at_every_level() {
        // Data N(mu, v) under noise s, and the energy whose exp(-beta E) is its density at every level at once is none;
        // of one point it is |y|^2 / (2 sigma_0^2), and all is exact.
        let (dimensions, sigma_0) = (64.0, 0.1f32);
        let noise = NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric };
        let nodes = Quadrature::overlapping(&noise, 64).nodes().to_vec();
        let square = |node: &Node| f64::from(node.level).powi(2);
        let energies: Vec<f64> =
            nodes.iter().map(|node| dimensions * square(node) / (2.0 * f64::from(sigma_0).powi(2))).collect();
        let entropy =
            |node: &Node| 0.5 * dimensions * (std::f64::consts::TAU * std::f64::consts::E * square(node)).ln();
        let found = along_noise(&nodes, &energies, sigma_0, entropy(&nodes[nodes.len() - 1]));
        for (place, node) in nodes.iter().enumerate() {
            assert!((found.surprises[place] - entropy(node)).abs() < 1e-6 * entropy(node).abs().max(1.0));
            let log_partition = 0.5 * dimensions * (std::f64::consts::TAU * square(node)).ln();
            assert!((found.log_partitions[place] - log_partition).abs() < 1e-3);
        }
    }
}
