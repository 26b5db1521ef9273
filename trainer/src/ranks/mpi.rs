//! The processes that MPI knows.

use std::env;

use ferrompi::{Communicator, Mpi, MpiDatatype, ThreadLevel};

use crate::error::{Error, Result};

/// All processes that were started together, of which there are at least two.
pub(super) struct World(Communicator);

/// Ends MPI when it is dropped, on the thread that began it.
pub struct Session(#[expect(dead_code, reason = "it is for its end")] Mpi);

/// What tells a process that it was started with others: Open MPI, `PMIx` (Slurm among others) and MPICH.
const SIGNS: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"];

fn failed(error: ferrompi::Error) -> Error {
    Error::failed(format!("MPI: {error}"))
}

impl World {
    /// The others, if there are any. MPI is started only where a launcher is: without one, nothing changes.
    pub(super) fn join() -> Result<Option<(Self, Session)>> {
        if !SIGNS.iter().any(|sign| env::var_os(sign).is_some()) {
            return Ok(None);
        }
        // Batches are made on another thread; only the main one speaks.
        let mpi = Mpi::init_thread(ThreadLevel::Funneled).map_err(failed)?;
        let world = mpi.world();
        Ok((world.size() > 1).then_some((Self(world), Session(mpi))))
    }

    pub(super) fn count(&self) -> usize {
        self.0.size() as usize
    }

    pub(super) fn number(&self) -> usize {
        self.0.rank() as usize
    }

    pub(super) fn broadcast<T: MpiDatatype>(&self, data: &mut [T]) -> Result<()> {
        self.0.broadcast(data, 0).map_err(failed)
    }

    pub(super) fn all_to_all(&self, sent: &[f32], received: &mut [f32]) -> Result<()> {
        self.0.alltoall(sent, received).map_err(failed)
    }

    pub(super) fn gather(&self, own: &[f32], all: &mut [f32]) -> Result<()> {
        self.0.gather(own, all, 0).map_err(failed)
    }

    pub(super) fn abort(&self, code: u8) -> ! {
        self.0.abort(i32::from(code))
    }
}
