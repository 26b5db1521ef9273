//! Measurements that answer a question about the method. Settings are chosen by them, so samples are measured against the
//! half of the held-out pictures that `trainer evaluate` does not report on, and made of another seed.

mod command;
mod mixing;
mod noise_levels;
mod numbers;
mod restoration;
mod samplers;
mod settings;
mod starts;
mod subject;
mod trial;

pub use mixing::mixing;
pub use noise_levels::noise_levels;
pub use restoration::restoration;
pub use samplers::samplers;
pub use settings::settings;
pub use starts::starts;

use crate::evaluate::Quality;

/// What held-out pictures in place of samples are called in tables and plots.
const OTHER_HALF: &str = "other held-out pictures";

/// What other held-out pictures have, as the end of a sentence.
fn of_others(floor: Option<&Quality>) -> String {
    floor.map(|floor| format!("; other held-out pictures have {}", floor.distance())).unwrap_or_default()
}
