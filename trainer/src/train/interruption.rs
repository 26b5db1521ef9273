//! What asks a training to stop: Ctrl-C, `kill`, the end of the session.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Whether it was asked to: the loop saves a checkpoint and stops.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Has what would end the program ask the training to stop, from now on. Before there is anything to save, nothing is to
/// keep the program from ending at once.
///
/// What is ignored stays so: `nohup` wants a training to outlive its session, and a script's background jobs are not to
/// hear of a Ctrl-C.
///
/// # Errors
/// The system does not allow it.
pub fn heed_interruptions() -> Result<()> {
    #[cfg(unix)]
    let ignored = signals::ignored();
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))
        .map_err(|error| Error::failed(format!("Ctrl-C cannot be watched: {error}")))?;
    #[cfg(unix)]
    ignored.into_iter().for_each(signals::ignore);
    Ok(())
}

#[cfg(unix)]
mod signals {
    use nix::sys::signal::{SigHandler, Signal, signal};

    /// Those that `ctrlc` watches.
    const WATCHED: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

    /// Which of them are ignored. Who asks has to set them: all are ignored now, for the moment until they are watched.
    pub(super) fn ignored() -> Vec<Signal> {
        WATCHED.into_iter().filter(|&which| matches!(ignore_now(which), Some(SigHandler::SigIgn))).collect()
    }

    pub(super) fn ignore(which: Signal) {
        ignore_now(which);
    }

    /// What was done at this signal before.
    fn ignore_now(which: Signal) -> Option<SigHandler> {
        // SAFETY: no handler is set that could interrupt other code.
        unsafe { signal(which, SigHandler::SigIgn) }.ok()
    }
}
