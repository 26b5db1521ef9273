//! The optimizers.

use crate::words::option;

option! {
    /// How gradients become steps.
    #[derive(Default)]
    pub enum Optimizer {
        /// As in the paper.
        #[default]
        Adam,
        /// Muon for the kernels of the blocks, Adam for the rest.
        Muon,
    }
}
