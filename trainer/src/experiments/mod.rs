//! Measurements that answer a question about the method.

mod samplers;

pub use samplers::samplers;
