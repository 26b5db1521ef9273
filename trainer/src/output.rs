//! Tensors to pictures and numbers, and pictures to tensors.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    error::{Error, Result},
    pictures::Picture,
};

/// `[N, C, H, W]` to N pictures, as they are (not clamped).
pub fn pictures(images: Tensor<4>) -> Result<Vec<Picture>> {
    let [_, channels, height, width] = images.dims();
    let values = floats(images)?;
    Ok(values
        .chunks(channels * height * width)
        .map(|pixels| Picture { channels, height, width, pixels: pixels.to_vec() })
        .collect())
}

/// Pictures of one size to `[N, C, H, W]`.
pub fn tensor(pictures: &[Picture], device: &Device) -> Tensor<4> {
    let [channels, height, width] = pictures.first().map_or([0; 3], |p| [p.channels, p.height, p.width]);
    let values: Vec<f32> = pictures.iter().flat_map(|picture| picture.pixels.iter().copied()).collect();
    Tensor::from_data(TensorData::new(values, [pictures.len(), channels, height, width]), device)
}

/// The values of a tensor in row-major order.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|error| Error::failed(format!("the device could not be read: {error}")))
}

/// The pixels of a picture in `[H, W, C]` order.
pub fn channels_last(picture: &Picture) -> impl Iterator<Item = f32> {
    let plane = picture.height * picture.width;
    (0..plane).flat_map(move |pixel| (0..picture.channels).map(move |channel| picture.pixels[channel * plane + pixel]))
}

/// The square picture whose pixels are in `[H, W, C]` order.
pub fn picture(values: &[f32], size: usize, channels: usize) -> Picture {
    let pixels = (0..channels).flat_map(|channel| values.iter().skip(channel).step_by(channels).copied()).collect();
    Picture { channels, height: size, width: size, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back_from_the_order_of_arrays() {
        let picture = Picture { channels: 3, height: 2, width: 2, pixels: (0..12).map(|value| value as f32).collect() };
        let values: Vec<f32> = channels_last(&picture).collect();
        assert_eq!(values[..4], [0.0, 4.0, 8.0, 1.0]);
        assert_eq!(super::picture(&values, 2, 3).pixels, picture.pixels);
    }
}
