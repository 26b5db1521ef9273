//! Measurements that answer a question about the method.

mod mixing;
mod samplers;

pub use mixing::mixing;
pub use samplers::samplers;
