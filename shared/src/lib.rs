//! Multi-scale denoising score matching (MDSM; Li, Chen, Sommer: "Learning Energy-Based Models in High-Dimensional
//! Spaces with Multi-scale Denoising Score Matching", arXiv 1910.07762), the network and the mathematics, without I/O
//! and without UI.
//!
//! Read it in this order. [`network`] gives each image one scalar and its gradient. [`training`] makes that gradient a
//! denoiser at many noise levels at once. [`sampling`] turns noise into images, [`restoration`] into those
//! of which a part is known. [`likelihood`] tells how likely an image
//! is, [`measures`] how usual. [`model`] carries a trained network between the trainer and the page. [`toy`] is the core of it
//! once more, in the plane. [`backend`] is how processors and GPUs compute it; the method can be read without it.

#![warn(unreachable_pub)]

pub mod backend;
mod each;
pub mod likelihood;
pub mod measures;
pub mod model;
pub mod network;
pub mod restoration;
pub mod sampling;
pub mod toy;
pub mod training;
