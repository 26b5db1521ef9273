//! How many threads compute.

use std::thread::available_parallelism;

use rayon::ThreadPoolBuilder;

/// What rayon, by which everything here computes, goes by.
const VARIABLE: &str = "RAYON_NUM_THREADS";
/// Threads for each processor, at most: hundreds wait for each other more than they compute, and thousands without end.
const MOST: usize = 4;

/// Limits what the environment asks for. To be called before anything is computed.
pub fn limit() {
    let processors = available_parallelism().map_or(1, usize::from);
    let Some(count) = too_many(std::env::var(VARIABLE).ok().as_deref(), processors) else { return };
    let most = MOST * processors;
    eprintln!("{VARIABLE} is {count}: {most} threads are used, as many as are of use with {processors} processors");
    // It fails where there are threads already, which are then as many as were asked for.
    ThreadPoolBuilder::new().num_threads(most).build_global().ok();
}

/// The number that was asked for, where it is more than are of use.
fn too_many(asked: Option<&str>, processors: usize) -> Option<usize> {
    asked?.parse().ok().filter(|&count| count > MOST * processors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_are_of_use_are_not_started() {
        assert_eq!(too_many(Some("10000"), 2), Some(10_000));
        for fine in [None, Some("8"), Some("1"), Some("0"), Some("many"), Some("")] {
            assert_eq!(too_many(fine, 2), None);
        }
    }
}
