//! Files that people bring, read in one way by the trainer and by the page: what is a picture, which part of it a model
//! sees and how it is resized, and what editors and Git put in the place of a text. Bytes in, values out; nothing here
//! opens a file.

#![warn(unreachable_pub)]

#[cfg(feature = "pictures")]
pub mod pictures;
mod text;

pub use text::{POINTER, is_pointer, text, without_byte_order_mark};

/// Files with these endings are pictures, or say why not.
pub const ENDINGS: [&str; 8] = ["png", "apng", "jpg", "jpeg", "jpe", "jfif", "jif", "webp"];

/// Bytes that a picture file may have.
pub const MAX_BYTES: u64 = 128 << 20;
