//! What a launcher of parallel programs says of itself.

use std::env;

/// Where a launcher says how many processes it has started: Open MPI, MPICH and Slurm.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];

/// Whether this process is one of several.
pub fn started_several() -> bool {
    let several = |sign| env::var(sign).ok().and_then(|count| count.parse().ok()).is_some_and(|count: u32| count > 1);
    SIZES.into_iter().any(several)
}
