//! No other process: this program was built without the feature `mpi`.

use std::{convert::Infallible, env};

use crate::error::{Error, Result};

/// There is none.
pub type Session = Infallible;

/// There is none.
pub(super) struct World(Infallible);

impl World {
    /// Says so where several were started, which would all write into one folder.
    pub(super) fn join() -> Result<Option<(Self, Session)>> {
        let several = env::var("OMPI_COMM_WORLD_SIZE").is_ok_and(|size| size != "1");
        if several {
            return Err(Error::input(
                "mpirun started several processes, but this trainer was built without MPI; build it with --features mpi",
            ));
        }
        Ok(None)
    }

    pub(super) fn count(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn number(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn broadcast<T>(&self, _: &mut [T]) -> Result<()> {
        match self.0 {}
    }

    pub(super) fn all_to_all(&self, _: &[f32], _: &mut [f32]) -> Result<()> {
        match self.0 {}
    }

    pub(super) fn gather(&self, _: &[f32], _: &mut [f32]) -> Result<()> {
        match self.0 {}
    }

    pub(super) fn abort(&self, _: u8) -> ! {
        match self.0 {}
    }
}
