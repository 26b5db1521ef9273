//! How much noise consistent annealed sampling puts back.

use serde::{Deserialize, Serialize};

/// Of the residual, a step keeps the part `(next / level)^(1 + churn)`, and new noise takes the place of the rest. 0 injects
/// no noise at all: it is the deterministic flow. More noise corrects more of what earlier steps did wrong, and strays
/// further in a step.
///
/// Lies beside other fields of a file (`#[serde(flatten)]`), where older ones have `share`, which is one more.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "Found")]
pub struct Churn {
    churn: f32,
}

#[derive(Deserialize)]
struct Found {
    churn: Option<f32>,
    share: Option<f32>,
}

impl Churn {
    /// No noise.
    pub const NONE: Self = Self { churn: 0.0 };
    /// Where nobody says how much: on Fashion-MNIST, 1,000 samples of 50 steps, 0.2, 0.5 and 1.2 gave Frechet distances
    /// of 8.1, 7.1 and 7.4 (`trainer experiment samplers --churns`). Where a model errs more, more noise is better: on
    /// emoji 0.5, 2 and 4 gave 243, 225 and 220 (`docs/models.md`), so an exported model may have a churn of its own
    /// ([`crate::model::Manifest::churn`]).
    pub const USUAL: Self = Self { churn: 0.5 };
    /// The same for chains around what is known: what they make of the rest must come to fit, and correcting counts most.
    /// Of held-out pictures with random pixels lost, answers of 50 steps are 1.6, 3.1 and 0.4 dB nearer with 16 than
    /// with 4 (Fashion-MNIST, MNIST, faces; the 12 pictures that it was chosen on: `docs/restoration.md`).
    pub const AROUND_KNOWN: Self = Self { churn: 16.0 };

    /// Of ancestral sampling: what chains were at a level is remembered just as well as noise of that level lets them, no
    /// more and no less. For chains that are told something under noise once and have to keep it.
    pub const ANCESTRAL: Self = Self { churn: 1.0 };

    /// This much, if that is possible: a number of at least 0.
    pub fn new(churn: f32) -> Option<Self> {
        (churn >= 0.0 && churn.is_finite()).then_some(Self { churn })
    }

    /// As a number.
    pub fn value(self) -> f32 {
        self.churn
    }
}

impl TryFrom<Found> for Churn {
    type Error = &'static str;

    fn try_from(found: Found) -> Result<Self, Self::Error> {
        match found {
            Found { churn: Some(churn), .. } => Self::new(churn),
            Found { share: Some(share), .. } => Self::new(share - 1.0),
            Found { .. } => Some(Self::USUAL),
        }
        .ok_or("churn must be a number of at least 0")
    }
}

impl core::fmt::Display for Churn {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.churn.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        #[serde(flatten)]
        churn: Churn,
    }

    #[test]
    fn older_files_and_files_without_it_are_read() {
        let read = |text: &str| serde_json::from_str::<File>(text).map(|file| file.churn);
        assert_eq!(read(r#"{"other": 3, "churn": 1.5}"#).unwrap(), Churn { churn: 1.5 });
        assert_eq!(read(r#"{"other": 3, "share": 2.5}"#).unwrap(), Churn { churn: 1.5 });
        assert_eq!(read(r#"{"other": 3}"#).unwrap(), Churn::USUAL);
        assert!(read(r#"{"churn": -0.1}"#).unwrap_err().to_string().contains("at least 0"));
        assert!(read(r#"{"share": 0.5}"#).is_err());
        assert_eq!(serde_json::to_string(&Churn::NONE).unwrap(), r#"{"churn":0.0}"#);
    }
}
