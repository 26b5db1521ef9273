//! How much a visitor downloads: the page's programs, compressed as a static host would.

use std::{fs, io::Write, path::PathBuf};

use anyhow::{Context, Result, ensure};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use xtask::paths;

/// A program of the page and the most bytes it may have.
struct Download {
    name: &'static str,
    brotli: usize,
    gzip: usize,
}

/// The first paint waits for `page` alone; the engine comes later, the decoder with the first file of a visitor's.
const DOWNLOADS: [Download; 3] = [
    Download { name: "page", brotli: 240_000, gzip: 290_000 },
    Download { name: "engine", brotli: 1_500_000, gzip: 2_200_000 },
    Download { name: "decoder", brotli: 250_000, gzip: 300_000 },
];

#[test]
fn downloads_stay_small() -> Result<()> {
    for Download { name, brotli, gzip } in DOWNLOADS {
        let program = program(name)?;
        let sizes = (brotli_size(&program)?, gzip_size(&program)?);
        println!("{name}: {} bytes, {} by brotli, {} by gzip", program.len(), sizes.0, sizes.1);
        ensure!(sizes.0 <= brotli, "{name}: {} bytes by brotli, {brotli} are allowed", sizes.0);
        ensure!(sizes.1 <= gzip, "{name}: {} bytes by gzip, {gzip} are allowed", sizes.1);
    }
    Ok(())
}

/// README: a download of 2.3 MB, and 1 to 3.5 MB for a model.
#[test]
fn the_readme_says_how_much_a_visitor_downloads() -> Result<()> {
    let readme = fs::read_to_string(paths::root().join("README.md"))?;
    ensure!(readme.contains("2.3 MB, and 1 to 3.5 MB for a model"), "README.md says something else");
    // All of the site but the models, other languages, and the decoder, which comes with the first file of a visitor's.
    let files = fs::read_dir(paths::dist())?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let mut site = 0;
    for file in files {
        let later = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("decoder"));
        if file.is_file() && !later {
            site += gzip_size(&fs::read(&file)?)?;
        }
    }
    println!("the site: {site} bytes by gzip");
    ensure!((2_250_000..2_350_000).contains(&site), "the site: {site} bytes by gzip");
    let models = paths::dist().join("models");
    let list: Value = serde_json::from_slice(&fs::read(models.join("index.json"))?)?;
    let list = list["models"].as_array().context("no list of models")?;
    let names: Vec<&str> = list.iter().filter_map(|model| model["name"].as_str()).collect();
    ensure!(!names.is_empty() && names.len() == list.len(), "the site has no models, or one without a name");
    // Of those that README has; whoever adds a model of their own may have it as large as they like.
    let names = names.into_iter().filter(|name| readme.contains(&format!("](models/{name}/README.md)")));
    for name in names {
        let weights = fs::metadata(models.join(name).join("model.safetensors"))?.len();
        println!("{name}: {weights} bytes");
        ensure!((900_000..=3_500_000).contains(&weights), "{name}: {weights} bytes");
    }
    Ok(())
}

/// The built program of this name.
fn program(name: &str) -> Result<Vec<u8>> {
    let path = paths::dist().join(format!("{name}_bg.wasm"));
    fs::read(&path).with_context(|| format!("{}", path.display()))
}

fn brotli_size(mut bytes: &[u8]) -> Result<usize> {
    let mut compressed = Vec::new();
    let best = BrotliEncoderParams { quality: 11, lgwin: 24, ..Default::default() };
    Ok(brotli::BrotliCompress(&mut bytes, &mut compressed, &best)?)
}

fn gzip_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
