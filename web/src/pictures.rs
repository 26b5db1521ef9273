//! Square pictures as floats, and their way into bytes.

/// N square pictures of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pictures {
    /// Side in pixels.
    pub side: usize,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// `[N, H, W, C]`.
    pub values: Vec<f32>,
}

impl Pictures {
    /// How many values a picture has.
    pub fn length(&self) -> usize {
        self.side * self.side * self.channels
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len() / self.length().max(1)
    }

    /// One picture `[H, W, C]`; empty if there is none of this number.
    pub fn picture(&self, index: usize) -> &[f32] {
        let start = index * self.length();
        self.values.get(start..start + self.length()).unwrap_or_default()
    }

    /// One picture as opaque red, green, blue, alpha bytes.
    pub fn rgba(&self, index: usize) -> Vec<u8> {
        let pixels = self.picture(index).chunks(self.channels.max(1));
        pixels.flat_map(|pixel| rgb(pixel).into_iter().chain([255])).collect()
    }

    /// The same pictures as bytes `[N, H, W, C]`.
    pub fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|&value| byte(value)).collect()
    }

    /// Pictures of bytes.
    pub fn from_bytes(side: usize, channels: usize, bytes: &[u8]) -> Self {
        Self { side, channels, values: bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect() }
    }

    /// The values of the pictures from number `first` on, in another size and with another number of channels.
    pub fn fitted_from(&self, first: usize, side: usize, channels: usize) -> Vec<f32> {
        let values = self.values.get(first * self.length()..).unwrap_or_default().to_vec();
        Self { values, ..*self }.fitted(side, channels).values
    }

    /// The same pictures in another size, each pixel the mean of what it covers, and with another number of channels.
    #[must_use]
    pub fn fitted(&self, side: usize, channels: usize) -> Self {
        let mut values = Vec::with_capacity(self.count() * side * side * channels);
        // The part of the old side that pixel `i` of the new one covers: at least one pixel.
        let span = |i: usize| {
            let start = i * self.side / side;
            start..((i + 1) * self.side).div_ceil(side).max(start + 1)
        };
        for index in 0..self.count() {
            let picture = self.picture(index);
            for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                let covered = span(y).flat_map(|y| span(x).map(move |x| (y * self.side + x) * self.channels));
                let covered: Vec<&[f32]> = covered.map(|start| &picture[start..start + self.channels]).collect();
                let mean =
                    |channel: usize| covered.iter().map(|pixel| pixel[channel]).sum::<f32>() / covered.len() as f32;
                match (self.channels, channels) {
                    (from, to) if from == to => values.extend((0..to).map(mean)),
                    // As `image` does in the trainer.
                    (3, _) => values.extend(vec![0.2126 * mean(0) + 0.7152 * mean(1) + 0.0722 * mean(2); channels]),
                    _ => values.extend(vec![mean(0); channels]),
                }
            }
        }
        Self { side, channels, values }
    }
}

/// How near a picture comes to another: the peak signal-to-noise ratio in decibels, values outside 0..1 clamped.
pub fn psnr(picture: &[f32], clean: &[f32]) -> f32 {
    let squares = picture.iter().zip(clean).map(|(a, b)| (a.clamp(0.0, 1.0) - b.clamp(0.0, 1.0)).powi(2));
    -10.0 * (squares.sum::<f32>() / clean.len().max(1) as f32).log10()
}

fn byte(value: f32) -> u8 {
    // A NaN becomes black.
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn rgb(pixel: &[f32]) -> [u8; 3] {
    match pixel {
        [r, g, b] => [byte(*r), byte(*g), byte(*b)],
        [grey, ..] => [byte(*grey); 3],
        [] => [0; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_the_nearest_bytes_and_stay_in_range() {
        let pictures = Pictures { side: 2, channels: 1, values: vec![-1.0, 0.5, 1.0, f32::NAN] };
        assert_eq!(pictures.count(), 1);
        assert_eq!(pictures.rgba(0), [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 255]);
        assert!(pictures.rgba(1).is_empty());
        let colour = Pictures { side: 1, channels: 3, values: vec![1.0, 0.0, 0.2] };
        assert_eq!(colour.rgba(0), [255, 0, 51, 255]);
    }

    #[test]
    fn pictures_fit_another_model() {
        let grey = Pictures { side: 2, channels: 1, values: vec![0.0, 1.0, 0.5, 0.5] };
        assert_eq!(grey.fitted(1, 1).values, [0.5]);
        assert_eq!(grey.fitted(1, 3).values, [0.5; 3]);
        assert_eq!(grey.fitted(4, 1).values[..8], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        let colour = Pictures { side: 1, channels: 3, values: vec![1.0, 0.0, 0.0] };
        assert_eq!(colour.fitted(1, 1).values, [0.2126], "grey as the trainer makes it of colour");
        assert_eq!(grey.fitted(2, 1), grey);
        assert_eq!(Pictures::from_bytes(2, 1, &grey.bytes()).values, [0.0, 1.0, 128.0 / 255.0, 128.0 / 255.0]);
    }

    #[test]
    fn the_peak_signal_to_noise_ratio() {
        assert!((psnr(&[0.1, 0.1], &[0.0, 0.0]) - 20.0).abs() < 1e-3);
        assert_eq!(psnr(&[2.0], &[1.0]), f32::INFINITY, "clamped");
    }
}
