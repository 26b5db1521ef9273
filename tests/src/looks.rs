//! Whether the page looks as it did: screenshots beside committed ones, both much reduced, so that letters may be drawn
//! by another version of a font and nothing may move.

use std::{env, fs, path::Path};

use anyhow::{Context, Result, ensure};
use image::{RgbImage, imageops};
use xtask::paths;

/// Pixels of a screenshot along the side of a cell that is compared.
const CELL: u32 = 10;
/// How far a cell may be off, of 255.
const NEAR: u8 = 24;
/// Whether what the fonts of this machine measure is what those of the kept looks did.
///
/// # Errors
/// The kept measure cannot be read.
pub fn same_fonts(measured: &str) -> Result<bool> {
    let kept = paths::root().join("tests/looks/fonts.txt");
    if env::var_os(KEEP).is_some() {
        fs::write(&kept, measured).with_context(|| format!("{}", kept.display()))?;
    }
    let wanted = fs::read_to_string(&kept).with_context(|| format!("{}", kept.display()))?;
    Ok(wanted.trim() == measured.trim())
}

/// The share of cells that may be further off.
const FEW: f64 = 0.02;
/// With this variable set, what is seen becomes what is wanted.
const KEEP: &str = "KEEP_LOOKS";

/// Compares a screenshot with the one that is kept under this name.
///
/// # Errors
/// Too much of it differs, it has another size, or there is none to compare with.
pub fn compare(screenshot: &Path, name: &str) -> Result<()> {
    let seen = image::open(screenshot).with_context(|| format!("{}", screenshot.display()))?.to_rgb8();
    let seen = imageops::thumbnail(&seen, seen.width() / CELL, seen.height() / CELL);
    let kept = paths::root().join("tests/looks").join(name).with_extension("png");
    if env::var_os(KEEP).is_some() {
        fs::create_dir_all(kept.parent().context("a file in a folder")?)?;
        return seen.save(&kept).with_context(|| format!("{}", kept.display()));
    }
    let wanted = image::open(&kept).with_context(|| format!("{}: set {KEEP} to make it", kept.display()))?.to_rgb8();
    let size = |image: &RgbImage| (image.width(), image.height());
    ensure!(size(&seen) == size(&wanted), "{name}: {:?} cells, kept are {:?}", size(&seen), size(&wanted));
    let share = far_share(&seen, &wanted);
    ensure!(
        share <= FEW,
        "{name}: {:.1} % of the page do not look as they did: see {} and {}; with {KEEP} set, the new look is kept",
        100.0 * share,
        screenshot.display(),
        kept.display()
    );
    Ok(())
}

/// The share of cells that are further apart than [`NEAR`] in any colour.
fn far_share(a: &RgbImage, b: &RgbImage) -> f64 {
    let far = |(a, b): (&image::Rgb<u8>, &image::Rgb<u8>)| a.0.iter().zip(b.0).any(|(&a, b)| a.abs_diff(b) > NEAR);
    let count = a.pixels().zip(b.pixels()).filter(|pair| far(*pair)).count();
    count as f64 / f64::from(a.width() * a.height()).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_box_is_seen_and_a_slightly_darker_page_is_not() {
        let page = |left: u32, grey: u8| {
            RgbImage::from_fn(100, 100, |x, y| {
                let inside = (left..left + 30).contains(&x) && (20..50).contains(&y);
                image::Rgb([if inside { 200 } else { grey }; 3])
            })
        };
        assert!(far_share(&page(20, 30), &page(20, 40)) < FEW);
        assert!(far_share(&page(20, 30), &page(26, 30)) > FEW);
    }
}
