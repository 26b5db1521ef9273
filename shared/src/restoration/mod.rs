//! Pictures of which only a linear part is known: some pixels, means of blocks, the grey of a colour picture, a blur.
//!
//! The known part is shown to the network at every noise level as it would look under that level's noise, just as the
//! paper's inpainting does with pixels, and is put in place exactly at the end. A [`Part`] is the orthogonal projection onto
//! it; [`Linear`] is what a chain is told of it. A blur is known component by component, each as well as the blur lets
//! it through ([`Blurred`]). Pixels alone are [`crate::sampling::Known`].

mod blurred;
mod linear;
mod part;
mod within;

pub use blurred::{Basis, Blurred, Cosines, Dense, cosine_gains, gaussian_blur};
pub use linear::Linear;
pub use part::{Blocks, Grey, Part, Pixels};
pub use within::{nearly_within, within};
