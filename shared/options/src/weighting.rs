//! How much the loss at a noise level counts.

use crate::words::option;

option! {
    /// Which `l(sigma)` weighs the squared errors of the denoised pictures.
    #[derive(Default)]
    pub enum Weighting {
        /// `1 / sigma^2`, the paper's: an error counts by what it is of the noise, so that errors under large noise hardly
        /// count, where a picture's class is decided.
        #[default]
        InverseVariance,
        /// `1 / sigma^2 + 1 / sigma_data^2` (EDM; Karras and others 2022, table 1): an error counts by what it is of the
        /// noise or of the pictures themselves, whichever is less.
        Edm,
    }
}
