//! What the commands of `cargo xtask` are made of. A library as well, so that the end-to-end tests serve the site with
//! the same code as the demo.

pub mod bench;
pub mod cargo_failure;
pub mod contents;
pub mod destination;
pub mod misuse;
pub mod models;
pub mod paths;
pub mod serve;
pub mod site;
pub mod stage;
pub mod test;
pub mod tools;
pub mod wasm_target;
