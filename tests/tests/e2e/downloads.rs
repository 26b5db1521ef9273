//! How much a visitor downloads: the page's programs, compressed as a static host would.

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
