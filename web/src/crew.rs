//! How the chains of a run are divided over the processor's cores.

use std::ops::Range;

/// What is known of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Processors, as the browser counts them: twice the cores, on most machines.
    pub processors: usize,
    /// Whether it is a phone or a tablet.
    pub phone: bool,
}

impl Machine {
    /// Helpers at most: more hardly gain anything for the pictures that a page shows.
    const MOST: usize = 8;
    /// Megabytes that all helpers together may take. A phone ends a page that takes much more.
    const BUDGETS: [f64; 2] = [600.0, 120.0];

    /// Whether it is a phone or a tablet that has a browser say this of itself, and that so many fingers can touch. Apple's
    /// tablets call themselves Macs, which have no touch screen.
    #[must_use]
    pub fn is_phone(agent: &str, touch_points: i32) -> bool {
        let says = |word: &str| agent.contains(word);
        ["Android", "iPhone", "iPad", "Mobile"].into_iter().any(says) || (says("Macintosh") && touch_points > 1)
    }

    /// How many workers help the engine, which computes too, if each takes so many megabytes.
    #[must_use]
    pub fn helpers(self, megabytes: f64) -> usize {
        let affordable = (Self::BUDGETS[usize::from(self.phone)] / megabytes.max(1.0)) as usize;
        (self.processors / 2).min(Self::MOST).min(affordable)
    }
}

/// Divides `count` chains into `parts` that follow each other: all as large as each other, or larger by one.
#[must_use]
pub fn divide(count: usize, parts: usize) -> Vec<Range<usize>> {
    let parts = parts.clamp(1, count.max(1));
    (0..parts).map(|part| part * count / parts..(part + 1) * count / parts).collect()
}

#[cfg(test)]
mod tests {
    use super::{Machine, divide};

    #[test]
    fn half_of_the_processors_help() {
        let helpers = |processors, phone, megabytes| Machine { processors, phone }.helpers(megabytes);
        assert_eq!([1, 2, 4, 8, 64].map(|processors| helpers(processors, false, 40.0)), [0, 1, 2, 4, 8]);
        assert!(helpers(8, true, 80.0) < helpers(8, false, 80.0), "fewer on phones");
        assert_eq!(helpers(8, false, 1000.0), 0, "none for a model that fills the memory");
    }

    #[test]
    fn a_tablet_that_calls_itself_a_mac_is_a_tablet() {
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15";
        assert!(Machine::is_phone(mac, 5) && !Machine::is_phone(mac, 0));
        assert!(Machine::is_phone("Mozilla/5.0 (Linux; Android 16; Tablet) Firefox/140.0", 5));
        let desk = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36";
        assert!(!Machine::is_phone(desk, 10), "a desk may have a touch screen");
    }

    #[test]
    fn every_chain_is_in_one_part() {
        for (count, parts) in [(16, 3), (1, 4), (256, 9), (5, 5), (7, 1)] {
            let ranges = divide(count, parts);
            assert_eq!(ranges.len(), parts.min(count));
            assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            let sizes = ranges.iter().map(ExactSizeIterator::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        }
    }
}
