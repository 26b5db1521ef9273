//! The built page and the built trainer together, in a headless Chromium.

mod accessibility;
mod addresses;
mod bringing;
mod broken_gpus;
mod cancelling;
mod damage;
mod downloads;
mod dropping;
mod early;
mod engines;
mod first_visit;
mod helpers;
mod inpainting;
mod languages;
mod looks;
mod losses;
mod models;
mod offline;
mod pausing;
mod races;
mod rooms;
mod safety;
mod sampling;
mod sharing;
mod silence;
mod updates;
