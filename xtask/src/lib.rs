//! What the commands of `cargo xtask` are made of. A library as well, so that the end-to-end tests serve the site with
//! the same code as the demo.

pub mod bench;
pub mod cargo_failure;
pub mod consent;
pub mod contents;
pub mod debian;
pub mod demo;
pub mod destination;
pub mod forecast;
mod kernel_tests;
pub mod misuse;
pub mod models;
pub mod needs;
pub mod paths;
pub mod programs;
pub mod serve;
pub mod site;
pub mod stage;
pub mod test;
pub mod test_programs;
pub mod tools;
pub mod version;
pub mod wasm_target;
