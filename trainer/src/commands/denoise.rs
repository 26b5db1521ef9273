//! `trainer denoise`.

use burn::tensor::Tensor;
use shared::sampling::{Draw, Noise};

use crate::{
    cli::DenoiseArgs,
    error::{Error, Result},
    evaluate::PlacedModel,
    model::LoadedModel,
    output, overwriting, pictures,
};

/// One jump: `x - sigma_0^2 grad E(x)`.
pub fn denoise(args: DenoiseArgs) -> Result<()> {
    overwriting::apart(&[("--image", &args.image)], &[("--out", &args.out)])?;
    // One picture of whatever size.
    pictures::check_grid(&args.out, 1, [1, 1, 1])?;
    let (device, _) = args.model.backend.device()?;
    let model = LoadedModel::open("--model", &args.model.model, &device)?;
    if args.noise as f32 > model.noise.max {
        let (noise, most) = (args.noise, model.noise.max);
        return Err(Error::input(format!(
            "--noise {noise}: the model was trained with noise up to {most}; give at most that"
        )));
    }
    let size = model.data.size;
    let picture = pictures::read(&args.image, model.config.channels, size, size)?;
    let clean = denoised(&model, output::tensor(&[picture], &device), args.noise);
    for picture in output::pictures(clean)? {
        pictures::write_picture(&args.out, &picture)?;
        println!("{}: the denoised picture, {size}x{size}", args.out.display());
    }
    Ok(())
}

/// Noisy pictures, `[N, C, h, w]`, after one jump, with noise of this level in the frame around them.
fn denoised(model: &LoadedModel, pictures: Tensor<4>, level: f64) -> Tensor<4> {
    let (frame, device) = (model.frame, &pictures.device());
    let framed = frame.add(pictures);
    let noise = Noise::new(0).tensor(0, Draw::Start, framed.dims(), device);
    let within = frame.add(frame.remove(noise.clone()));
    let x = framed + (noise - within) * level;
    frame.remove(PlacedModel { model, device }.jump(x))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;
    use shared::{network::Energy, sampling::langevin};

    use super::*;

    #[test]
    fn a_framed_picture_is_denoised_as_well_as_where_its_noise_goes_on_around_it() {
        let device = Device::flex();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion");
        let model = LoadedModel::open("--model", &folder, &device).unwrap();
        let strip = image::open(folder.join("held-out.png")).unwrap().to_luma8();
        let (level, sigma_0) = (0.4, model.config.sigma_0);
        let error = |found: Tensor<4>, clean: &Tensor<4>| (found - clean.clone()).square().sum().into_scalar::<f32>();
        let (mut alone, mut with_frame, mut clean_frame) = (0.0, 0.0, 0.0);
        for number in 0..12 {
            let picture = image::imageops::crop_imm(&strip, 28 * number, 0, 28, 28).to_image();
            let values: Vec<f32> = picture.iter().map(|&byte| f32::from(byte) / 255.0).collect();
            let clean = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([1, 1, 28, 28]);
            let z = Noise::new(5).tensor(u64::from(number), Draw::Start, [1, 1, 32, 32], &device);
            let jump = |x: Tensor<4>| {
                let (_, gradient) = model.network.energy_and_gradient(x.clone());
                model.frame.remove(langevin::denoise(x, gradient, sigma_0))
            };
            let everywhere = model.frame.add(clean.clone()) + z * level;
            let noisy = model.frame.remove(everywhere.clone());
            alone += error(denoised(&model, noisy.clone(), level), &clean);
            with_frame += error(jump(everywhere), &clean);
            let plain = denoised(&model, noisy.clone(), 0.0);
            assert_eq!(plain.clone().into_data(), jump(model.frame.add(noisy)).into_data());
            clean_frame += error(plain, &clean);
        }
        assert!(alone < 1.05 * with_frame, "{alone} where it could be {with_frame}");
        assert!(clean_frame > 1.2 * with_frame, "{clean_frame} and {with_frame}: does the frame make no difference?");
    }
}
