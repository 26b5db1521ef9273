//! What the decoder says to the page.

use serde::{Deserialize, Serialize};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decoded {
    /// The decoder's program runs and listens.
    Started,
    /// A picture. The payload is its values, `[H, W, C]`.
    Picture,
    /// It is none that can be used: what is wrong, as the end of a sentence.
    Refused(String),
}
