//! No other process: this program was built without the feature `mpi`.

use std::convert::Infallible;

use super::{
    chain::{Place, Ring},
    launcher,
};
use crate::error::{Error, Result};

/// There is none.
pub type Session = Infallible;

/// There is none.
pub(super) struct World(Infallible);

impl World {
    /// Says so where several were started, which would all write into one folder.
    pub(super) fn join() -> Result<Option<(Self, Session)>> {
        if launcher::started_several() {
            return Err(Error::input(
                "several processes were started, but this trainer was built without MPI; build it with --features mpi",
            ));
        }
        Ok(None)
    }

    pub(super) fn broadcast(&self, _: u64) -> Result<u64> {
        match self.0 {}
    }

    pub(super) fn name(&self) -> String {
        match self.0 {}
    }

    pub(super) fn abort(&self, _: u8) -> ! {
        match self.0 {}
    }
}

impl Place for World {
    fn count(&self) -> usize {
        match self.0 {}
    }

    fn number(&self) -> usize {
        match self.0 {}
    }
}

impl<T> Ring<T> for World {
    fn pass(&self, _: &[T], _: &mut [T]) -> Result<()> {
        match self.0 {}
    }
}
