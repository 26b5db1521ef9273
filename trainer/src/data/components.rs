//! The training pictures as a Gaussian, for chains to start in.

use nalgebra::{DMatrix, SymmetricEigen};
use shared::sampling::PrincipalComponents;

use super::Images;

/// Pictures that the components are of, at most.
const PICTURES: usize = 10_000;
/// Numbers are kept to this: far finer than the noise that chains start under.
const STEP: f64 = 1e-3;

/// Mean and principal components of a set's pictures; no components of fewer than two.
pub fn principal_components(train: &Images) -> PrincipalComponents {
    let (channels, size) = (train.channels, train.height);
    let pictures = train.sample(PICTURES, 0);
    let on_cells = |index: usize| {
        let values = pictures.image(index).iter().map(|&byte| f32::from(byte) / 255.0);
        PrincipalComponents::on_cells(channels, size, values)
    };
    let count = pictures.len();
    let cells = channels * PrincipalComponents::side(size).pow(2);
    let columns: Vec<f64> = (0..count).flat_map(on_cells).collect();
    let mut matrix = DMatrix::from_vec(cells, count, columns);
    let mean = matrix.column_mean();
    for mut column in matrix.column_iter_mut() {
        column -= &mean;
    }
    let rounded = |value: f64| ((value / STEP).round() * STEP) as f32;
    let mut components: Vec<(f64, Vec<f32>)> = Vec::new();
    if count > 1 {
        let SymmetricEigen { eigenvalues, eigenvectors } =
            SymmetricEigen::new(&matrix * matrix.transpose() / (count - 1) as f64);
        for (&variance, vector) in eigenvalues.iter().zip(eigenvectors.column_iter()) {
            let deviation = variance.max(0.0).sqrt();
            components.push((deviation, vector.iter().map(|value| rounded(deviation * value)).collect()));
        }
    }
    components.sort_by(|a, b| b.0.total_cmp(&a.0));
    components.truncate(PrincipalComponents::most(channels, size));
    components.retain(|(deviation, _)| *deviation > STEP);
    PrincipalComponents {
        side: PrincipalComponents::side(size),
        mean: mean.iter().map(|&value| rounded(value)).collect(),
        components: components.into_iter().map(|(_, component)| component).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey pictures of 4x4 pixels: a mean of 100, 40 more or less in the left half, 20 more or less in the lower right pixel.
    fn images(count: usize) -> Images {
        let picture = |index: usize| {
            (0..16).map(move |at| {
                let left = if at % 4 < 2 { [40, -40][index % 2] } else { 0 };
                let corner = if at == 15 { [20, 20, -20, -20][index % 4] } else { 0 };
                (100 + left + corner) as u8
            })
        };
        let pixels = (0..count).flat_map(picture).collect();
        Images { channels: 1, height: 4, width: 4, pixels, labels: Vec::new() }
    }

    #[test]
    fn components_are_the_directions_of_most_variance() {
        let found = principal_components(&images(400));
        assert_eq!((found.side, found.components.len()), (4, 2));
        assert!(found.mean.iter().all(|&mean| (mean - 100.0 / 255.0).abs() < 1e-3), "{:?}", found.mean);
        let [left, corner] = [&found.components[0], &found.components[1]];
        for at in 0..16 {
            let wanted = if at % 4 < 2 { 40.0 / 255.0 } else { 0.0 };
            assert!((left[at].abs() - wanted).abs() < 2e-3, "{left:?}");
            let wanted = if at == 15 { 20.0 / 255.0 } else { 0.0 };
            assert!((corner[at].abs() - wanted).abs() < 2e-3, "{corner:?}");
        }
    }

    #[test]
    fn one_picture_is_its_own_mean() {
        let found = principal_components(&images(1));
        assert!(found.components.is_empty() && (found.mean[0] - 140.0 / 255.0).abs() < 1e-3, "{found:?}");
    }
}
