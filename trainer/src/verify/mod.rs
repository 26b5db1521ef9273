//! Comparison with the answers of an independent implementation.

mod compare;
mod reference;

pub use compare::compare;
pub use reference::Reference;
