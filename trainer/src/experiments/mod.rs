//! Measurements that answer a question about the method.

mod mixing;
mod noise_levels;
mod samplers;
mod settings;
mod starts;
mod trial;

pub use mixing::mixing;
pub use noise_levels::noise_levels;
pub use samplers::samplers;
pub use settings::settings;
pub use starts::starts;
