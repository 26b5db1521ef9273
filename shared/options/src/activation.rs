//! The pointwise non-linearities.

use crate::words::option;

option! {
    /// The non-linearity between convolutions.
    pub enum Activation {
        /// `v` above 0, `exp(v) - 1` below: the paper's choice.
        Elu,
        /// `v * sigmoid(v)`: smooth, so that the trained gradient field is smooth too.
        Silu,
    }
}
