//! What the page and its engine share: the messages between them, the settings and how the address bar spells them, and
//! the pictures with the files they are saved in.
//!
//! `page` runs on the main thread and owns the document; `engine` runs in a dedicated worker and owns the model. They
//! only exchange [`messages`], packed into [`Envelope`]s. `decoder` runs in a worker while a picture file is read.

mod brought;
#[cfg(target_family = "wasm")]
mod constructors;
mod crew;
mod decoded;
mod distribution;
mod envelope;
#[cfg(test)]
mod fuzz;
mod grid;
mod kinds;
mod known;
mod lessons;
mod mask;
pub mod messages;
mod models;
mod numbers;
mod order;
mod pictures;
mod plane;
mod recorded;
mod request;
mod saved;
mod settings;
mod strip;
pub mod texts;
mod trajectory;
mod verdict;

pub use brought::{Brought, sort};
#[cfg(target_family = "wasm")]
pub use constructors::run_constructors;
pub use crew::{Machine, divide};
pub use decoded::Decoded;
pub use distribution::{Distribution, compared, of_held_out, share};
pub use envelope::Envelope;
pub use grid::{Animation, settings_in};
pub use kinds::{Kind, kinds};
pub use known::Known;
pub use lessons::{Goal, LESSONS, Lesson, LessonWords, lesson};
pub use mask::{Mask, stroke};
pub use models::{ModelEntry, Models, address};
pub use numbers::grouped;
pub use order::sort_by;
pub use pictures::{Pictures, psnr};
pub use plane::{Plane, Segment, contour};
pub use recorded::RecordedRun;
pub use request::{Request, decimal, level, number, shortened};
pub use saved::{SavedRun, settings_of_json};
pub use settings::{Backend, Settings, Task, default_steps};
pub use trajectory::{Moment, Trajectory};
pub use verdict::{Measured, unusual};
