//! Which numbers which process sums, and in which order.

/// Numbers in as many segments of equal length as there are processes; the last one may be filled up with zeros.
pub(super) struct Segments {
    pub(super) numbers: usize,
    pub(super) length: usize,
    processes: usize,
}

impl Segments {
    pub(super) fn of(numbers: usize, processes: usize) -> Self {
        Self { numbers, length: numbers.div_ceil(processes).max(1), processes }
    }

    /// For each process in turn its segment of every slice.
    pub(super) fn by_process(&self, slices: &[Vec<f32>]) -> Vec<f32> {
        let mut all = Vec::with_capacity(self.processes * slices.len() * self.length);
        for process in 0..self.processes {
            for slice in slices {
                let from = (process * self.length).min(slice.len());
                let to = (from + self.length).min(slice.len());
                all.extend_from_slice(&slice[from..to]);
                all.resize(all.len() + self.length - (to - from), 0.0);
            }
        }
        all
    }
}

/// The sum of slices, the first one first: what one process has that goes through them in turn.
pub(super) fn ordered_sum<S: AsRef<[f32]>>(slices: &[S]) -> Vec<f32> {
    let Some((first, rest)) = slices.split_first() else { return Vec::new() };
    let mut sum = first.as_ref().to_vec();
    for slice in rest {
        sum.iter_mut().zip(slice.as_ref()).for_each(|(sum, number)| *sum += number);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the exchange does, without one.
    fn summed(slices: &[Vec<f32>], processes: usize) -> Vec<f32> {
        let segments = Segments::of(slices[0].len(), processes);
        let own = slices.len() / processes;
        let sent: Vec<Vec<f32>> = slices.chunks(own).map(|own| segments.by_process(own)).collect();
        let mut all = Vec::new();
        for process in 0..processes {
            let from = process * own * segments.length;
            let received: Vec<f32> =
                sent.iter().flat_map(|sent| &sent[from..from + own * segments.length]).copied().collect();
            all.extend(ordered_sum(&received.chunks(segments.length).collect::<Vec<_>>()));
        }
        all.truncate(segments.numbers);
        all
    }

    #[test]
    fn the_bytes_of_a_sum_do_not_depend_on_the_number_of_processes() {
        // Numbers of very different sizes: another order would round otherwise.
        let number = |slice: u32, index: u32| {
            ((slice * 7919 + index * 104_729) % 1013) as f32 * [0.01, 0.1, 1.0, 10.0, 100.0][slice as usize % 5]
        };
        for numbers in [1, 7, 8, 100] {
            let slices: Vec<Vec<f32>> =
                (0..8).map(|slice| (0..numbers).map(|index| number(slice, index)).collect()).collect();
            let wanted = ordered_sum(&slices);
            for processes in [1, 2, 4, 8] {
                assert_eq!(summed(&slices, processes), wanted, "{numbers} numbers, {processes} processes");
            }
        }
        let slices = [vec![1e8f32], vec![1.0], vec![-1e8]];
        assert_eq!(ordered_sum(&slices), [0.0], "in order, which loses the one");
    }
}
