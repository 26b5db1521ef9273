//! The way of a run, thinned to what can be kept.

/// Moments of a run, evenly spread over its steps.
#[derive(Clone, Debug, Default)]
pub struct Trajectory {
    moments: Vec<Moment>,
    /// Steps between moments, at least.
    gap: usize,
}

/// A moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Steps done.
    pub done: usize,
    /// Temperature of the last step.
    pub temperature: f32,
    /// The noise level that it stands for.
    pub noise_level: f32,
    /// Energy of each chain; none where the chains begin.
    pub energies: Vec<f32>,
    /// The pictures as bytes `[N, H, W, C]`.
    pub pixels: Vec<u8>,
}

impl Trajectory {
    /// Moments that are kept, at most.
    pub const MOST: usize = 120;
    /// Bytes of pixels that are kept, at most.
    const MOST_BYTES: usize = 48 << 20;

    /// Adds a moment, or replaces the last one where they would lie too close. The newest is always there. True: every
    /// second moment had to go, the second, the fourth and so on.
    pub fn push(&mut self, moment: Moment) -> bool {
        let most = (Self::MOST_BYTES / moment.pixels.len().max(1)).clamp(2, Self::MOST);
        let thinned = self.moments.len() >= most;
        if thinned {
            let mut index = 0;
            self.moments.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.gap = (2 * self.gap).max(2 * (moment.done / most).max(1));
        }
        // The end of a run takes the place of its last step.
        if self.last().is_some_and(|last| last.done == moment.done) {
            self.moments.pop();
        }
        // The last one may be there only because it was the newest.
        if let [.., before, last] = &self.moments[..]
            && last.done < before.done + self.gap
        {
            self.moments.pop();
        }
        self.moments.push(moment);
        thinned
    }

    /// The moments, the first one first.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// The newest moment.
    pub fn last(&self) -> Option<&Moment> {
        self.moments.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(done: usize, bytes: usize) -> Moment {
        Moment { done, temperature: 1.0, noise_level: 0.1, energies: vec![0.0], pixels: vec![0; bytes] }
    }

    fn run(steps: usize, bytes: usize) -> Vec<usize> {
        let mut trajectory = Trajectory::default();
        for done in 0..=steps {
            trajectory.push(moment(done, bytes));
        }
        trajectory.moments().iter().map(|moment| moment.done).collect()
    }

    #[test]
    fn a_moment_is_found_again_after_every_second_has_gone() {
        let mut trajectory = Trajectory::default();
        let (mut looked_at, mut thinned) = (None, 0);
        for done in 0..=2000 {
            if trajectory.push(moment(done, 1)) {
                looked_at = looked_at.map(|index: usize| index / 2);
                thinned += 1;
            }
            if done == 65 {
                looked_at = Some(64);
            }
        }
        let found = looked_at.map(|index| trajectory.moments()[index].done);
        assert!(thinned > 2 && found == Some(64), "{thinned} times, {found:?}");
    }

    #[test]
    fn a_short_run_is_kept_whole_and_a_long_one_evenly() {
        assert_eq!(run(50, 1), (0..=50).collect::<Vec<_>>());
        for steps in [119, 120, 121, 500, 2700, 9999] {
            let kept = run(steps, 1);
            assert!((50..=Trajectory::MOST).contains(&kept.len()), "{steps}: {}", kept.len());
            assert!(kept[0] == 0 && kept.last() == Some(&steps));
            let widest = kept.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            assert!(widest <= 2 * steps / 50 + 2, "{steps}: a gap of {widest}");
        }
    }

    #[test]
    fn large_pictures_are_kept_less_often() {
        assert!(run(100, 4 << 20).len() <= 12);
    }
}
