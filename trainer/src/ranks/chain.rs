//! What goes from process to process, each to the next: what the first has, to all, and sums, in the order of the
//! processes and back to the first. It goes in parts, so that all have something to do at a time: however many they are,
//! it takes as long as sending it once. (MPI's own broadcast took 3 times as long with 4 processes and 7 times with 8;
//! `MPI_Allreduce` sums in an order of its own.)

use std::ops::Range;

use crate::{budget, error::Result};

/// Where a process stands.
pub(super) trait Place {
    /// How many there are.
    fn count(&self) -> usize;

    /// The number of this one, from 0.
    fn number(&self) -> usize;
}

/// The processes in a ring.
pub(super) trait Ring<T>: Place {
    /// Sends to the next while it receives from the one before. Nothing goes where there is nothing.
    ///
    /// # Errors
    /// One of them cannot be reached.
    fn pass(&self, sent: &[T], received: &mut [T]) -> Result<()>;
}

/// Gives everybody what the first process has. All have room for as much.
///
/// # Errors
/// Another process cannot be reached.
pub(super) fn broadcast<T>(ring: &impl Ring<T>, all: &mut [T]) -> Result<()> {
    let (count, number) = (ring.count(), ring.number());
    let parts = parts::<T>(all.len(), count);
    // The first has all parts to send, the others each after it has come, and the last none.
    let lag = usize::from(number > 0);
    for step in 0..parts.len() + lag {
        let new = parts.get(step).cloned().unwrap_or(all.len()..all.len());
        let (before, after) = all.split_at_mut(new.start);
        match number {
            0 => ring.pass(&after[..new.len()], &mut [])?,
            _ => {
                let old = step.checked_sub(lag).filter(|_| number + 1 < count).map_or(0..0, |step| parts[step].clone());
                ring.pass(&before[old], &mut after[..new.len()])?;
            }
        }
    }
    Ok(())
}

/// The sum over all slices in their order: for the first process, which has the first of them. All have as many numbers.
///
/// # Errors
/// Another process cannot be reached.
pub(super) fn sum(ring: &impl Ring<f32>, own: &[Vec<f32>]) -> Result<Vec<f32>> {
    let (count, leads) = (ring.count(), ring.number() == 0);
    let mut sum = nothing(own);
    let (numbers, parts) = (sum.len(), parts::<f32>(sum.len(), count));
    // A part is back after so many steps. After more, all would wait for each other.
    let lag = if leads { count } else { 1 };
    for step in 0..parts.len() + lag {
        let new = parts.get(step).cloned().unwrap_or(numbers..numbers);
        let old = step.checked_sub(lag).map_or(0..0, |index| parts[index].clone());
        let (before, after) = sum.split_at_mut(new.start);
        let (old, part) = (&mut before[old], &mut after[..new.len()]);
        if leads {
            add(part, own, new);
            ring.pass(part, old)?;
        } else {
            ring.pass(old, part)?;
            add(part, own, new);
        }
    }
    Ok(sum)
}

/// What goes at a time: as much as MPI sends at once, without asking whether it may (in Open MPI 64 KiB with what it adds),
/// or less where the last of many processes would wait long for its first part.
fn parts<T>(length: usize, processes: usize) -> Vec<Range<usize>> {
    let bytes = (length * size_of::<T>()).div_ceil(4 * processes).clamp(1 << 14, 60_000);
    budget::parts(length, bytes / size_of::<T>()).collect()
}

/// What changes no number that is added to it: `0.0` would make `0.0` of `-0.0`.
fn nothing(slices: &[Vec<f32>]) -> Vec<f32> {
    vec![-0.0; slices.first().map_or(0, Vec::len)]
}

/// Adds this part of each slice in turn.
fn add(sum: &mut [f32], slices: &[Vec<f32>], part: Range<usize>) {
    for slice in slices {
        sum.iter_mut().zip(&slice[part.clone()]).for_each(|(sum, number)| *sum += number);
    }
}

/// The sum of slices, the first one first, where one process has all.
pub(super) fn sum_alone(slices: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = nothing(slices);
    let all = 0..sum.len();
    add(&mut sum, slices, all);
    sum
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, SyncSender, sync_channel},
        thread,
    };

    use super::*;

    /// Threads in place of processes. A sender waits for its receiver, as MPI may have it with large messages.
    struct Threads<T> {
        count: usize,
        number: usize,
        next: SyncSender<Vec<T>>,
        before: Receiver<Vec<T>>,
    }

    impl<T> Place for Threads<T> {
        fn count(&self) -> usize {
            self.count
        }

        fn number(&self) -> usize {
            self.number
        }
    }

    impl<T: Copy + Send + Sync> Ring<T> for Threads<T> {
        fn pass(&self, sent: &[T], received: &mut [T]) -> Result<()> {
            let next = &self.next;
            thread::scope(|scope| {
                if !sent.is_empty() {
                    scope.spawn(move || next.send(sent.to_vec()).unwrap());
                }
                if !received.is_empty() {
                    received.copy_from_slice(&self.before.recv().unwrap());
                }
            });
            Ok(())
        }
    }

    fn ring<T>(count: usize) -> Vec<Threads<T>> {
        let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| sync_channel(0)).unzip();
        receivers.rotate_right(1);
        let ends = senders.into_iter().zip(receivers).enumerate();
        ends.map(|(number, (next, before))| Threads { count, number, next, before }).collect()
    }

    /// Less than a part, a part, a little more, and more parts than are under way at a time.
    const LENGTHS: [u32; 4] = [1, 1 << 12, (1 << 14) + 1, 300_001];

    /// Numbers of very different sizes: another order would round otherwise.
    fn number(slice: u32, index: u32) -> f32 {
        ((u64::from(slice) * 7919 + u64::from(index) * 104_729) % 1013) as f32
            * [0.01, 0.1, 1.0, 10.0, 100.0][slice as usize % 5]
    }

    #[test]
    fn the_bytes_of_a_sum_do_not_depend_on_the_number_of_processes() {
        for numbers in LENGTHS {
            let slices: Vec<Vec<f32>> =
                (0..8).map(|slice| (0..numbers).map(|index| number(slice, index)).collect()).collect();
            let wanted = sum_alone(&slices);
            for processes in [2, 4, 8] {
                let own = slices.chunks(slices.len() / processes);
                let found = thread::scope(|scope| {
                    let pairs = ring(processes).into_iter().zip(own);
                    let sums: Vec<_> = pairs.map(|(ring, own)| scope.spawn(move || sum(&ring, own).unwrap())).collect();
                    sums.into_iter().next().unwrap().join().unwrap()
                });
                assert!(found == wanted, "{numbers} numbers, {processes} processes");
            }
        }
    }

    #[test]
    fn all_have_what_the_first_has() {
        for length in LENGTHS {
            let first: Vec<u8> = (0..length).map(|index| (index * 7919 % 251) as u8).collect();
            for processes in [2, 3, 8] {
                let found: Vec<Vec<u8>> = thread::scope(|scope| {
                    let all = ring(processes).into_iter().map(|ring| {
                        let mut own = if ring.number == 0 { first.clone() } else { vec![0; first.len()] };
                        scope.spawn(move || broadcast(&ring, &mut own).map(|()| own).unwrap())
                    });
                    all.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect()
                });
                assert!(found.iter().all(|one| *one == first), "{length} bytes, {processes} processes");
            }
        }
    }

    #[test]
    fn sums_are_in_order() {
        assert_eq!(sum_alone(&[vec![1e8f32], vec![1.0], vec![-1e8]]), [0.0], "in order, which loses the one");
        assert!(sum_alone(&[vec![-0.0]])[0].is_sign_negative());
    }
}
