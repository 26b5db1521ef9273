//! `trainer denoise`.

use shared::{network::Energy, sampling::langevin};

use crate::{cli::DenoiseArgs, error::Result, model::LoadedModel, output, overwriting, pictures};

/// One jump: `x - sigma_0^2 grad E(x)`.
pub fn denoise(args: DenoiseArgs) -> Result<()> {
    overwriting::apart(&[("--image", &args.image)], &[("--out", &args.out)])?;
    // One picture of whatever size.
    pictures::check_grid(&args.out, 1, [1, 1, 1])?;
    let (device, _) = args.model.backend.device()?;
    let model = LoadedModel::open("--model", &args.model.model, &device)?;
    let size = model.data.size;
    let picture = pictures::read(&args.image, model.config.channels, size, size)?;
    let x = model.frame.add(output::tensor(&[picture], &device));
    let (_, gradient) = model.network.energy_and_gradient(x.clone());
    let clean = langevin::denoise(x, gradient, model.config.sigma_0);
    for picture in output::pictures(model.frame.remove(clean))? {
        pictures::write_picture(&args.out, &picture)?;
        println!("{}: the denoised picture, {size}x{size}", args.out.display());
    }
    Ok(())
}
