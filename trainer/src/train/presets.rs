//! Settings that go together: those of the paper, and better ones.

use options::{Activation, Architecture, Optimizer, Spacing, Weighting};
use shared::training::NoiseLevels;

use super::{
    config::{NetworkSettings, Record, RunConfig, TrainingPreset},
    optimization::Optimization,
};

impl TrainingPreset {
    /// Every preset.
    #[cfg(test)]
    pub const ALL: &'static [Self] = &[
        Self::Unet,
        Self::Unet4,
        Self::Res6,
        Self::Res12,
        Self::Res18,
        Self::PaperMnist,
        Self::PaperFashionMnist,
        Self::PaperCifar10,
        Self::PaperCeleba,
    ];

    /// The preset of our own for a shape.
    pub fn of(shape: Architecture) -> Self {
        match shape {
            Architecture::Unet => Self::Unet,
            Architecture::Unet4 => Self::Unet4,
            Architecture::Res6 => Self::Res6,
            Architecture::Res12 => Self::Res12,
            Architecture::Res18 => Self::Res18,
        }
    }

    /// The settings that it stands for.
    pub fn settings(self) -> RunConfig {
        match self {
            Self::Unet => ours(self, Architecture::Unet, Activation::Silu),
            Self::Unet4 => ours(self, Architecture::Unet4, Activation::Elu),
            Self::Res6 => ours(self, Architecture::Res6, Activation::Elu),
            Self::Res12 => ours(self, Architecture::Res12, Activation::Elu),
            Self::Res18 => ours(self, Architecture::Res18, Activation::Elu),
            Self::PaperMnist => grey("mnist", self),
            Self::PaperFashionMnist => grey("fashion-mnist", self),
            Self::PaperCifar10 => colour("cifar-10", self, false),
            Self::PaperCeleba => colour("celeba", self, true),
        }
    }
}

/// Settings for minutes to hours on a CPU. Against the paper's: Muon, which learns more in as many steps; a warm-up and
/// a limit on the gradient, which allow a twenty times higher learning rate (with Adam four times that ran away on
/// Fashion-MNIST, and `res12` at this one); noise up to 5 at 32x32, under which a picture says next to nothing any
/// more, where chains begin, and more for larger ones (of 64x64 avatars 15 bits are left under 5, 5 under 10); weights
/// that make large noise levels count, where the paper's all but forget them; targets without what nobody could guess,
/// so that a batch says more; an average of the weights, for samples on the way, as it changes nothing once the cosine
/// has come down; smaller batches. What each is worth in short trainings is in `docs/settings.md`, on the digits, and
/// `docs/settings-fashion.md`.
fn ours(preset: TrainingPreset, shape: Architecture, activation: Activation) -> RunConfig {
    RunConfig {
        data: "digits".into(),
        from: None,
        data_dir: None,
        image_size: None,
        preset,
        network: NetworkSettings { shape, scales: None, width: 16, activation, sigma_0: SIGMA_0 },
        noise: NoiseLevels { min: 0.05, max: 5.0, spacing: Spacing::Geometric },
        noise_follows_size: true,
        optimization: Optimization {
            // Two to four minutes for the default network and data on two cores.
            steps: 2000,
            batch: 64,
            slices: None,
            optimizer: Optimizer::Muon,
            learning_rate: 2e-3,
            warm_up: 200,
            warm_up_from: 0,
            clip: 1.0,
            ema_decay: 0.999,
            weighting: Weighting::Edm,
            references: 4096,
            denoiser_steps: 0,
            flip: false,
            seed: 42,
        },
        record: Record { checkpoint_every: 200, keep: 2, grid: 16 },
        pictures: None,
    }
}

/// The paper's noise level inside the residual.
const SIGMA_0: f32 = 0.1;

/// `fmnist_train.sh` of the paper's code.
fn grey(data: &str, preset: TrainingPreset) -> RunConfig {
    RunConfig {
        data: data.into(),
        from: None,
        data_dir: None,
        image_size: None,
        preset,
        network: NetworkSettings {
            shape: Architecture::Res12,
            scales: None,
            width: 64,
            activation: Activation::Elu,
            sigma_0: SIGMA_0,
        },
        noise: NoiseLevels { min: 0.1, max: 3.0, spacing: Spacing::Geometric },
        noise_follows_size: false,
        optimization: plain(100_000, 1e-4),
        record: Record { checkpoint_every: 5000, keep: 2, grid: 16 },
        pictures: None,
    }
}

/// `cifar_train.sh` of the paper's code.
fn colour(data: &str, preset: TrainingPreset, flip: bool) -> RunConfig {
    RunConfig {
        network: NetworkSettings {
            shape: Architecture::Res18,
            scales: None,
            width: 128,
            activation: Activation::Elu,
            sigma_0: SIGMA_0,
        },
        noise: NoiseLevels { min: 0.05, max: 1.2, spacing: Spacing::Linear },
        optimization: Optimization { flip, ..plain(300_000, 5e-5) },
        ..grey(data, preset)
    }
}

/// Adam with a cosine, and nothing else.
fn plain(steps: u64, learning_rate: f64) -> Optimization {
    let ema_decay = 0.0;
    let weighting = Weighting::InverseVariance;
    Optimization {
        steps,
        batch: 128,
        slices: None,
        optimizer: Optimizer::Adam,
        learning_rate,
        warm_up: 0,
        warm_up_from: 0,
        clip: f64::INFINITY,
        ema_decay,
        weighting,
        references: 0,
        denoiser_steps: 0,
        flip: false,
        seed: 42,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cifar_train.sh` and `fmnist_train.sh` of the paper's code: what must not change with presets of our own.
    #[test]
    fn the_paper_s_presets_are_the_paper_s() {
        use TrainingPreset::{PaperCeleba, PaperCifar10, PaperFashionMnist, PaperMnist};
        let grey = (Architecture::Res12, 64, (0.1, 3.0, Spacing::Geometric), (100_000, 1e-4));
        let colour = (Architecture::Res18, 128, (0.05, 1.2, Spacing::Linear), (300_000, 5e-5));
        for (preset, data, flip, wanted) in [
            (PaperMnist, "mnist", false, grey),
            (PaperFashionMnist, "fashion-mnist", false, grey),
            (PaperCifar10, "cifar-10", false, colour),
            (PaperCeleba, "celeba", true, colour),
        ] {
            let RunConfig { data: of, network, noise, optimization: plan, noise_follows_size, .. } = preset.settings();
            let levels = (noise.min, noise.max, noise.spacing);
            assert_eq!((network.shape, network.width, levels, (plan.steps, plan.learning_rate)), wanted, "{preset:?}");
            assert_eq!((of.as_str(), plan.flip, plan.batch), (data, flip, 128), "{preset:?}");
            assert_eq!((network.activation, network.sigma_0), (Activation::Elu, 0.1), "{preset:?}");
            assert_eq!((plan.optimizer, plan.weighting), (Optimizer::Adam, Weighting::InverseVariance), "{preset:?}");
            // Nothing of what presets of our own add.
            assert_eq!(
                (plan.warm_up, plan.ema_decay, plan.references, plan.denoiser_steps),
                (0, 0.0, 0, 0),
                "{preset:?}"
            );
            assert!(plan.clip.is_infinite() && !noise_follows_size, "{preset:?}");
        }
    }
}
