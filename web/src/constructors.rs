//! What C calls constructors: functions that dependencies want called before anything else, here the thousands by which
//! CubeCL registers its operations.

/// Calls them, once: the first thing that a program with Burn does.
///
/// The linker takes a program that does not call them for one whose every export is a whole run of its own, and has
/// them called again at each message, timer and promise.
pub fn run_constructors() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: the linker defines it, without arguments or result.
    unsafe { __wasm_call_ctors() };
}
