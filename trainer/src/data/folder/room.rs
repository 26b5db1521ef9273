//! Memory that several threads have to share.

use std::sync::{Condvar, Mutex, PoisonError};

/// So many bytes; who needs some waits until they are free.
pub(super) struct Room {
    free: Mutex<u64>,
    freed: Condvar,
    all: u64,
}

/// Bytes of a room, given back when this is dropped.
pub(super) struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    pub(super) fn of(all: u64) -> Self {
        Self { free: Mutex::new(all), freed: Condvar::new(), all }
    }

    /// Takes bytes as soon as they are free; who needs more than there are, takes all.
    pub(super) fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.all);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free < bytes).unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Taken { room: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_everybody_has_a_turn() {
        let (room, taken) = (Room::of(10), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [3, 10, 99, 0, 7, 4, 4] {
                let (room, taken) = (&room, &taken);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let mine = room.take(bytes);
                        assert!(taken.fetch_add(mine.bytes, Ordering::SeqCst) + mine.bytes <= 10);
                        thread::yield_now();
                        taken.fetch_sub(mine.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(*room.free.lock().unwrap(), 10);
    }
}
