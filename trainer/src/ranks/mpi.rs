//! The processes that MPI knows.

use std::{env, thread};

use ferrompi::{Communicator, Mpi, MpiDatatype, Source, ThreadLevel};

use super::{
    chain::{Place, Ring},
    launcher,
};
use crate::error::{Error, Result};

/// All processes that were started together, of which there are at least two.
pub(super) struct World(Communicator);

/// Ends MPI when it is dropped, on the thread that began it.
pub struct Session(Mpi);

impl Drop for Session {
    /// A panic, of a GPU's driver for example, ends all: they would wait for this process for ever.
    fn drop(&mut self) {
        if thread::panicking() {
            let world = World(self.0.world());
            eprintln!("error: {}: the program has failed, as it says above", world.name());
            world.abort(101);
        }
    }
}

/// What tells a process that it was started with others: Open MPI, `PMIx` (Slurm among others) and MPICH.
const SIGNS: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"];

fn failed(error: ferrompi::Error) -> Error {
    Error::failed(format!("MPI: {error}"))
}

/// No others, unless a launcher has started some that MPI knows nothing of: each would train by itself, into one folder.
fn alone() -> Result<Option<(World, Session)>> {
    if launcher::started_several() {
        return Err(Error::input(
            "several processes were started, but MPI knows of one: start them by the launcher of the MPI that this trainer was \
             built with (mpirun, or srun --mpi=pmix)",
        ));
    }
    Ok(None)
}

impl World {
    /// The others, if there are any. MPI is started only where a launcher is: without one, nothing changes.
    pub(super) fn join() -> Result<Option<(Self, Session)>> {
        if !SIGNS.iter().any(|sign| env::var_os(sign).is_some()) {
            return alone();
        }
        // Batches are made on another thread; only the main one speaks.
        let mpi = Mpi::init_thread(ThreadLevel::Funneled).map_err(failed)?;
        let world = mpi.world();
        if world.size() > 1 { Ok(Some((Self(world), Session(mpi)))) } else { alone() }
    }

    /// Gives everybody a number of the first.
    pub(super) fn broadcast(&self, number: u64) -> Result<u64> {
        let mut all = [number];
        self.0.broadcast(&mut all, 0).map_err(failed)?;
        Ok(all[0])
    }

    /// Its number, and what its machine is called.
    pub(super) fn name(&self) -> String {
        let number = self.0.rank();
        self.0.processor_name().map_or_else(|_| format!("rank {number}"), |host| format!("rank {number} on {host}"))
    }

    pub(super) fn abort(&self, code: u8) -> ! {
        self.0.abort(i32::from(code))
    }
}

impl Place for World {
    fn count(&self) -> usize {
        self.0.size() as usize
    }

    fn number(&self) -> usize {
        self.0.rank() as usize
    }
}

impl<T: MpiDatatype> Ring<T> for World {
    fn pass(&self, sent: &[T], received: &mut [T]) -> Result<()> {
        let neighbour = |distance: i32, data: &[T]| {
            if data.is_empty() {
                return Source::ProcNull;
            }
            Source::Rank((self.0.rank() + distance).rem_euclid(self.0.size()))
        };
        let (next, before) = (neighbour(1, sent), neighbour(-1, received));
        self.0.sendrecv(sent, next, 0, received, before, 0).map(drop).map_err(failed)
    }
}
