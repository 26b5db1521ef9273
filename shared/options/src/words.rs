//! The words of an option.

use std::str::FromStr;

use strum::VariantArray;

/// Declares an option: an enum with all that [`Words`], files, help and flags need.
macro_rules! option {
    ($(#[$attribute:meta])* pub enum $name:ident { $($variants:tt)* }) => {
        $(#[$attribute])*
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            Hash,
            serde::Serialize,
            serde::Deserialize,
            strum::Display,
            strum::EnumMessage,
            strum::EnumString,
            strum::IntoStaticStr,
            strum::VariantArray,
        )]
        #[serde(rename_all = "kebab-case")]
        #[strum(serialize_all = "kebab-case")]
        #[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
        pub enum $name {
            $($variants)*
        }
    };
}
pub(crate) use option;

/// An option whose variants have words.
pub trait Words: Copy + VariantArray + FromStr + Into<&'static str> {
    /// All variants, in order.
    #[must_use]
    fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// The word for it.
    #[must_use]
    fn word(self) -> &'static str {
        self.into()
    }

    /// The variant of this word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

impl<T: Copy + VariantArray + FromStr + Into<&'static str>> Words for T {}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use serde::{Serialize, de::DeserializeOwned};
    use strum::EnumMessage;

    use super::*;
    use crate::{Activation, Architecture, Optimizer, Region, Sampler, Spacing, Task, ToyShape, Weighting};

    /// Words, files and help have the same spelling, and every variant has help.
    fn agrees<T>(words: &[&str])
    where
        T: Words + Debug + Display + PartialEq + EnumMessage + Serialize + DeserializeOwned,
    {
        assert_eq!(T::all().iter().map(|option| option.word()).collect::<Vec<_>>(), words);
        for &option in T::all() {
            let word = option.word();
            assert_eq!(T::from_word(word), Some(option));
            assert_eq!(option.to_string(), word);
            assert_eq!(serde_json::to_string(&option).unwrap(), format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<T>(&format!("\"{word}\"")).unwrap(), option);
            assert!(option.get_documentation().is_some_and(|help| !help.is_empty()), "{word} has no help");
        }
        assert_eq!(T::from_word("nonsense"), None);
    }

    #[test]
    fn every_option_has_its_words() {
        agrees::<Activation>(&["elu", "silu"]);
        agrees::<Architecture>(&["res6", "res12", "res18", "unet", "unet4"]);
        agrees::<Optimizer>(&["adam", "muon"]);
        agrees::<Region>(&["left", "right", "top", "bottom", "centre", "stripes", "random"]);
        agrees::<Sampler>(&["annealed", "consistent", "ode"]);
        agrees::<Spacing>(&["geometric", "linear"]);
        agrees::<Task>(&["inpaint", "super-resolution", "colour", "deblur"]);
        agrees::<ToyShape>(&["moons", "rings", "grid", "spiral"]);
        agrees::<Weighting>(&["inverse-variance", "edm"]);
    }
}
