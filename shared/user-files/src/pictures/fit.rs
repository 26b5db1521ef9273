//! A picture of one size made into one of another: its middle, resized.

use image::{
    DynamicImage,
    imageops::{self, FilterType},
};

/// The largest part of a picture around its centre that has the shape of another. Pairs are (height, width).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Middle {
    /// Rows above it.
    pub top: usize,
    /// Columns left of it.
    pub left: usize,
    /// Its rows.
    pub height: usize,
    /// Its columns.
    pub width: usize,
}

impl Middle {
    /// The part of a picture of the size `from` that has the shape of `to`.
    #[must_use]
    pub fn of(from: (usize, usize), to: (usize, usize)) -> Self {
        let height = from.0.min(from.1 * to.0 / to.1).max(1);
        let width = from.1.min(from.0 * to.1 / to.0).max(1);
        Self { top: (from.0 - height) / 2, left: (from.1 - width) / 2, height, width }
    }

    /// What is done to a picture, in words; nothing if nothing is.
    #[must_use]
    pub fn told(&self, from: (usize, usize), to: (usize, usize)) -> Option<String> {
        let Self { height, width, .. } = *self;
        let cropped = ((height, width) != from)
            .then(|| format!("cropped from {}x{} to the {width}x{height} in its middle", from.1, from.0));
        let resized = ((height, width) != to).then(|| match cropped {
            Some(_) => format!("resized to {}x{}", to.1, to.0),
            None => format!("resized from {width}x{height} to {}x{}", to.1, to.0),
        });
        let changes: Vec<_> = cropped.into_iter().chain(resized).collect();
        (!changes.is_empty()).then(|| format!("{} (width x height)", changes.join(" and ")))
    }
}

/// The [`Middle`] of a picture, resized to height x width; unchanged where the size already fits.
#[must_use]
pub fn fit(picture: &DynamicImage, height: usize, width: usize) -> DynamicImage {
    let from = (picture.height() as usize, picture.width() as usize);
    if from == (height, width) {
        return picture.clone();
    }
    let middle = Middle::of(from, (height, width));
    let [left, top, old_width, old_height, width, height] =
        [middle.left, middle.top, middle.width, middle.height, width, height].map(|length| length as u32);
    // Of a view, because a copy of a photograph's middle is as large as the photograph.
    macro_rules! resized {
        ($pixels:expr) => {
            imageops::resize(
                &*imageops::crop_imm($pixels, left, top, old_width, old_height),
                width,
                height,
                FilterType::CatmullRom,
            )
            .into()
        };
    }
    match picture {
        DynamicImage::ImageLuma8(pixels) => resized!(pixels),
        DynamicImage::ImageRgb8(pixels) => resized!(pixels),
        other => other.crop_imm(left, top, old_width, old_height).resize_exact(width, height, FilterType::CatmullRom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cropped_is_called_cropped() {
        let told = |from, to| Middle::of(from, to).told(from, to);
        assert_eq!(told((16, 16), (16, 16)), None);
        assert_eq!(told((64, 64), (16, 16)).as_deref(), Some("resized from 64x64 to 16x16 (width x height)"));
        assert_eq!(
            told((28, 672), (28, 28)).as_deref(),
            Some("cropped from 672x28 to the 28x28 in its middle (width x height)")
        );
        assert_eq!(
            told((40, 30), (16, 16)).as_deref(),
            Some("cropped from 30x40 to the 30x30 in its middle and resized to 16x16 (width x height)")
        );
    }
}
