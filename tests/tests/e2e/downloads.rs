//! How much a visitor downloads: the page's two programs, compressed as a static host would.

use std::{fs, io::Write};

use anyhow::{Context, Result, ensure};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use xtask::paths;

/// A program of the page and the most bytes it may have.
struct Download {
    name: &'static str,
    brotli: usize,
    gzip: usize,
}

/// The first paint waits for `page` alone; the engine comes later.
const DOWNLOADS: [Download; 2] = [
    Download { name: "page", brotli: 150_000, gzip: 180_000 },
    Download { name: "engine", brotli: 1_400_000, gzip: 2_000_000 },
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

/// The built program of this name; what follows in the file's name is trunk's.
fn program(name: &str) -> Result<Vec<u8>> {
    for entry in fs::read_dir(paths::dist()).context("dist: not built")? {
        let file = entry?.file_name().into_string().unwrap_or_default();
        if file.starts_with(name) && file.ends_with("_bg.wasm") {
            return Ok(fs::read(paths::dist().join(file))?);
        }
    }
    anyhow::bail!("dist: has no program {name}")
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
