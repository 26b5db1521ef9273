//! Where a number lies among others that are known by their percentiles.

/// Where `value` lies, 0..100, among sorted `values` at evenly spaced percentiles, linear between them. What is no number
/// lies nowhere: NaN; so does any value where nothing is known.
#[must_use]
pub fn percentile(values: &[f32], value: f32) -> f32 {
    if value.is_nan() || values.is_empty() {
        return f32::NAN;
    }
    let above = values.partition_point(|&v| v <= value);
    if above == 0 {
        return 0.0;
    }
    if above == values.len() {
        return 100.0;
    }
    let (low, high) = (values[above - 1], values[above]);
    let within = (value - low) / (high - low);
    100.0 * ((above - 1) as f32 + within) / (values.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_linear_between_values_and_end_at_the_ends() {
        let values: Vec<f32> = (0..=100).map(|i| i as f32 * 2.0).collect();
        for (value, wanted) in [(-1.0, 0.0), (0.0, 0.0), (50.0, 25.0), (51.0, 25.5), (200.0, 100.0), (1e9, 100.0)] {
            assert_eq!(percentile(&values, value), wanted, "{value}");
        }
    }

    #[test]
    fn every_percentile_is_a_number_from_0_to_100_but_that_of_nan() {
        let alike = vec![5.0; 101];
        for (value, wanted) in [(4.0, 0.0), (5.0, 100.0), (6.0, 100.0), (f32::INFINITY, 100.0), (f32::MIN, 0.0)] {
            assert_eq!(percentile(&alike, value), wanted, "{value} among equal ones");
        }
        assert!(percentile(&alike, f32::NAN).is_nan());
        assert!(percentile(&[], 1.0).is_nan(), "nothing is known");
    }
}
