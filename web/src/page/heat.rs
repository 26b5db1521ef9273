//! Heights as colours: dark is low.

/// The colours from low to high.
const RAMP: [[f32; 3]; 4] = [[18.0, 22.0, 48.0], [92.0, 45.0, 95.0], [214.0, 96.0, 66.0], [250.0, 232.0, 198.0]];

/// The smallest and the largest value that can be told from each other by colour: what is far out does not count.
pub fn range(values: &[f32]) -> (f32, f32) {
    let mut sorted: Vec<f32> = values.to_vec();
    web::sort_by(&mut sorted, |a, b| a.total_cmp(b).is_lt());
    let at = |part: usize| sorted.get((sorted.len().saturating_sub(1)) * part / 100).copied().unwrap_or_default();
    (at(0), at(98).max(at(0) + 1e-6))
}

/// Red, green, blue, alpha bytes of each value.
pub fn colours(values: &[f32]) -> Vec<u8> {
    let (low, high) = range(values);
    let colour = |value: &f32| {
        let place = ((value - low) / (high - low)).clamp(0.0, 1.0) * (RAMP.len() - 1) as f32;
        let index = (place as usize).min(RAMP.len() - 2);
        let part = place - index as f32;
        let mix =
            |channel: usize| (RAMP[index][channel] * (1.0 - part) + RAMP[index + 1][channel] * part).round() as u8;
        [mix(0), mix(1), mix(2), 255]
    };
    values.iter().flat_map(colour).collect()
}
