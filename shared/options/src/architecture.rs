//! The shapes of energy networks.

use crate::words::option;

option! {
    /// The shape of an energy network.
    pub enum Architecture {
        /// The paper's small network: three residual blocks, one in each stage.
        Res6,
        /// The paper's network for MNIST and Fashion-MNIST: six residual blocks, of width 64 there.
        Res12,
        /// The paper's network for CIFAR-10: nine residual blocks, of width 128 there.
        Res18,
        /// The energy of a small U-Net of three scales, which trains several times faster.
        Unet,
        /// The same with a fourth scale, which sees the whole of a picture: better pictures for little more time.
        Unet4,
    }
}
