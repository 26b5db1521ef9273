//! What the page and the engine say to each other. Pixels travel beside a message, as the payload of its
//! [`Envelope`](crate::Envelope): floats 0..1 in the order `[N, H, W, C]`, at the data's own size.

mod from_engine;
mod to_engine;

pub use from_engine::{Belonging, Card, FellBack, FromEngine, Loaded, Stepped, ToyReport, ToySide, Work};
pub use to_engine::{Frame, ModelFiles, Purpose, Question, Run, Start, ToEngine, ToyRun};
