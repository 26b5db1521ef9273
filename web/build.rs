//! Leaves the names of functions out of the page's programs: they would be a quarter of the download. The profiles'
//! `strip` does not do it: cargo forgets that for a package which has an optimisation level of its own in the profile.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-bins=--strip-all");
    }
}
