//! The processes of a training that share its batches: this one alone, or those that `mpirun` or `srun` started on one
//! machine or several (Cargo feature `mpi`). The first leads: it alone steps, measures, shows and writes. The others keep no
//! state.
//!
//! The gradients of a batch are summed slice by slice in their order, whichever process computed them: so the bytes of a
//! training depend on the number of slices, and not on that of the processes. (`MPI_Allreduce` sums in an order of its own.)

mod chain;
mod launcher;
#[cfg_attr(not(feature = "mpi"), path = "alone.rs")]
mod mpi;

use chain::{Place, Ring};
use mpi::{Session, World};

use crate::error::{Error, Result};

/// Which of the processes this one is.
pub struct Ranks(Option<World>);

impl Ranks {
    /// This process as one of those that were started together, or alone; and what is to be kept while they work.
    ///
    /// # Errors
    /// MPI cannot be started, or several were started that do not know of each other: this program was built without MPI, or
    /// with that of another launcher.
    pub fn join() -> Result<(Self, Option<Session>)> {
        Ok(World::join()?.map_or((Self::alone(), None), |(world, session)| (Self(Some(world)), Some(session))))
    }

    /// This process alone, whoever was started with it.
    pub const fn alone() -> Self {
        Self(None)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(1, World::count)
    }

    /// The number of this one, from 0.
    pub fn number(&self) -> usize {
        self.0.as_ref().map_or(0, World::number)
    }

    /// What this one is called, where there are several.
    pub fn name(&self) -> String {
        self.0.as_ref().map_or_else(String::new, World::name)
    }

    /// Whether this one leads.
    pub fn leads(&self) -> bool {
        self.number() == 0
    }

    /// Gives everybody the bytes of the leader; those of the others do not count.
    ///
    /// # Errors
    /// Another process cannot be reached.
    pub fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        self.spread(bytes, 0)
    }

    /// The same for numbers.
    ///
    /// # Errors
    /// Another process cannot be reached.
    pub fn broadcast_numbers(&self, numbers: Vec<f32>) -> Result<Vec<f32>> {
        self.spread(numbers, 0.0)
    }

    fn spread<T: Copy>(&self, own: Vec<T>, nothing: T) -> Result<Vec<T>>
    where
        World: Ring<T>,
    {
        let Some(world) = &self.0 else { return Ok(own) };
        let length = world.broadcast(own.len() as u64)? as usize;
        let mut all = if self.leads() { own } else { vec![nothing; length] };
        chain::broadcast(world, &mut all)?;
        Ok(all)
    }

    /// The sum over all slices in their order, for the leader. Every process has equally many, the first process the first
    /// ones, each of equally many numbers.
    ///
    /// # Errors
    /// Another process cannot be reached.
    pub fn sum(&self, own: &[Vec<f32>]) -> Result<Option<Vec<f32>>> {
        let Some(world) = &self.0 else { return Ok(Some(chain::sum_alone(own))) };
        let sum = chain::sum(world, own)?;
        Ok(self.leads().then_some(sum))
    }

    /// Ends the work of all with this outcome of the own: where it is an error, all others end at once.
    ///
    /// # Errors
    /// The outcome was one, and this process is alone or was asked to stop.
    pub fn end(self, outcome: Result<()>) -> Result<()> {
        match (&self.0, &outcome) {
            (None, _) | (_, Ok(()) | Err(Error::Interrupted(_))) => outcome,
            (Some(world), Err(error)) => {
                eprintln!("error: {}: {error}", world.name());
                world.abort(error.exit_code())
            }
        }
    }
}
