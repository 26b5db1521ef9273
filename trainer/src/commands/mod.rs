//! One file a command.

mod bench;
mod chains;
mod completions;
mod data;
mod denoise;
mod evaluate;
mod export;
mod inpaint;
mod lead;
mod maps;
mod measure;
mod restore;
mod run_pictures;
mod sample;
mod samples;
mod score;
mod train;
mod verify;

pub use bench::bench;
pub use completions::completions;
pub use data::data;
pub use denoise::denoise;
pub use evaluate::evaluate;
pub use export::export;
pub use inpaint::inpaint;
pub use measure::measure;
pub use restore::restore;
pub use sample::sample;
pub use score::score;
pub use train::train;
pub use verify::verify;
