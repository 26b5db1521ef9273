//! Samples that were drawn before, for `trainer evaluate --samples`.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    evaluate::Given,
    files, npy, output,
    pictures::Picture,
};

/// Samples may leave 0 to 1 by so much where another program has not limited them.
const SLACK: f32 = 0.05;
/// One in so many values, or samples, may be odd: more are a mistake.
const ODD: usize = 20;

/// The samples of all files together, of a model of such pictures.
///
/// # Errors
/// They are none, or others than this model's, or most likely not what was meant to be measured.
pub fn samples(paths: &[PathBuf], size: usize, channels: usize) -> Result<Given> {
    let mut all = Vec::new();
    for path in paths {
        let values = values(path, size, channels)?;
        all.extend(values.chunks(size * size * channels).map(|values| output::picture(values, size, channels)));
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let named = format!("--samples {}", names.join(" "));
    if all.is_empty() {
        return Err(Error::input(format!("{named}: there is no sample in it")));
    }
    let same = all.len() - all.iter().map(hash).collect::<HashSet<_>>().len();
    if same > 0 {
        let told = format!("{named}: {same} of {} samples are the same as others", all.len());
        if same * ODD > all.len() {
            let advice = "give each part once, and draw parts with another --first each";
            return Err(Error::input(format!("{told}; {advice}")));
        }
        eprintln!("warning: {told}");
    }
    Ok(Given { samples: all, named })
}

fn values(path: &Path, size: usize, channels: usize) -> Result<Vec<f32>> {
    let wrong = |what: String| Error::input(format!("--samples {}: {what}", path.display()));
    let right = "those of pictures are 0 to 1, as `trainer sample --npy` writes them";
    let (shape, values) = npy::read(path)?;
    let fits = matches!(shape[..], [_, height, width, found] if (height, width, found) == (size, size, channels));
    if !fits {
        return Err(wrong(format!("an array of {shape:?}; samples of this model are [N, {size}, {size}, {channels}]")));
    }
    // Those of bytes are another thing.
    if let Some(value) = values.iter().find(|value| !(-1.0..=2.0).contains(*value)) {
        return Err(wrong(format!("a value of {value}; {right}")));
    }
    let below = values.iter().filter(|value| **value < -SLACK).count();
    if below * ODD > values.len() {
        let percent = 100 * below / values.len();
        return Err(wrong(format!(
            "{percent} % of the values are below 0; {right}; (x + 1) / 2 makes them so of -1 to 1"
        )));
    }
    Ok(values)
}

/// What tells a sample from others, in less memory than a second copy of all.
fn hash(picture: &Picture) -> String {
    files::sha256(&picture.pixels.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of samples of 2x2 whose values follow from a number.
    fn read(files: &[Vec<f32>]) -> Result<usize> {
        let folder = tempfile::tempdir().unwrap();
        let write = |(index, samples): (usize, &Vec<f32>)| {
            let path = folder.path().join(format!("{index}.npy"));
            let values: Vec<f32> = samples.iter().flat_map(|value| [*value; 4]).collect();
            npy::write(&path, &[samples.len(), 2, 2, 1], &values).unwrap();
            path
        };
        let paths: Vec<PathBuf> = files.iter().enumerate().map(write).collect();
        samples(&paths, 2, 1).map(|given| given.samples.len())
    }

    fn numbers(range: std::ops::Range<usize>) -> Vec<f32> {
        range.map(|number| number as f32 / 1000.0).collect()
    }

    #[test]
    fn samples_that_come_twice_are_not_counted_twice() {
        assert_eq!(read(&[numbers(0..70), numbers(70..140)]).unwrap(), 140);
        // One in many may be chance.
        assert_eq!(read(&[numbers(0..70), numbers(69..139)]).unwrap(), 140);
        for parts in [[numbers(0..70), numbers(0..70)], [numbers(0..100), numbers(0..10)]] {
            let error = read(&parts).unwrap_err();
            assert!(error.to_string().contains("draw parts with another --first") && error.exit_code() == 2, "{error}");
        }
        assert!(read(&[numbers(0..70), numbers(0..70)]).unwrap_err().to_string().contains("70 of 140 samples"));
        assert!(read(&[Vec::new()]).unwrap_err().to_string().contains("no sample in it"));
    }

    #[test]
    fn samples_are_told_apart_by_their_last_bit_and_in_little_memory() {
        let picture = |last: f32| Picture {
            channels: 3,
            height: 64,
            width: 64,
            pixels: [vec![0.5; 12_287], vec![last]].concat(),
        };
        let [one, same, other] = [0.5, 0.5, 0.5_f32.next_up()].map(|last| hash(&picture(last)));
        assert!(one == same && one != other && one.len() < 100);
    }

    #[test]
    fn other_conventions_of_values_are_told() {
        let scaled = |from: f32, to: f32| (0..100).map(|i| from + (to - from) * i as f32 / 99.0).collect::<Vec<_>>();
        assert_eq!(read(&[scaled(-0.04, 1.1)]).unwrap(), 100);
        assert_eq!(read(&[scaled(-0.08, 1.0)]).unwrap(), 100);
        let error = read(&[scaled(-1.0, 1.0)]).unwrap_err();
        assert!(error.to_string().contains("48 % of the values are below 0") && error.exit_code() == 2, "{error}");
        assert!(error.to_string().contains("(x + 1) / 2"), "{error}");
        assert!(read(&[scaled(0.0, 255.0)]).unwrap_err().to_string().contains("0 to 1"));
    }
}
