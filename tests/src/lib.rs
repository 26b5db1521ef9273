//! What the end-to-end tests are made of. They build nothing: `cargo xtask test` builds the trainer and the site before
//! it runs them.

pub mod browser;
pub mod compare;
pub mod engines;
pub mod host;
pub mod looks;
pub mod pace;
pub mod page;
pub mod site;
pub mod trainer;
pub mod waiting;
mod window;
