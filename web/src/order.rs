//! Sorting in few bytes.

/// Sorts by Shell's method: the library's own is 4 kB of a program for each type that it sorts, and no faster for the few
/// thousands that the page has.
pub fn sort_by<T>(items: &mut [T], is_before: impl Fn(&T, &T) -> bool) {
    let mut gap = items.len();
    while gap > 1 {
        gap = (gap * 5 / 11).max(1);
        for from in gap..items.len() {
            let mut at = from;
            while at >= gap && is_before(&items[at], &items[at - gap]) {
                items.swap(at, at - gap);
                at -= gap;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_its_place() {
        for count in (0..70).chain([1000, 4099]) {
            for turned in [false, true] {
                let mut found: Vec<u32> = (0..count).map(|i: u32| i.wrapping_mul(2_654_435_761) >> 22).collect();
                let mut wanted = found.clone();
                wanted.sort_unstable();
                if turned {
                    found = wanted.iter().rev().copied().collect();
                }
                sort_by(&mut found, |a, b| a < b);
                assert_eq!(found, wanted, "{count}");
            }
        }
    }
}
