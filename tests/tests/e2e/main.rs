//! The built page and the built trainer together, in a headless Chromium.

mod addresses;
mod broken_gpus;
mod cancelling;
mod damage;
mod downloads;
mod inpainting;
mod looks;
mod sampling;
