//! Files of every kind, drawn here: the same four colours come out of all of them, and of none that is cut off.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};

use flate2::{Compression, write::ZlibEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage, codecs::png::PngEncoder};

use super::super::{decode, dimensions, is_picture};

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255, 255, 255];
/// Top left, top right, bottom left, bottom right.
const QUARTERS: [[u8; 3]; 4] = [RED, GREEN, BLUE, WHITE];

/// JPEGs that `image` cannot write, drawn with Pillow: `QUARTERS` at 32x32.
const WRITTEN_ELSEWHERE: [(&str, &[u8]); 5] = [
    ("progressive", include_bytes!("progressive.jpg")),
    ("with halved colour", include_bytes!("halved.jpg")),
    ("with restarts", include_bytes!("restarts.jpg")),
    ("CMYK", include_bytes!("cmyk.jpg")),
    ("YCCK", include_bytes!("ycck.jpg")),
];

fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(QUARTERS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)])
    })
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn seen(bytes: &[u8]) -> Result<DynamicImage, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    decode(file.path()).map_err(|error| {
        assert_eq!((error.exit_code(), error.to_string().lines().count()), (2, 1));
        error.to_string()
    })
}

/// The colours in the middle of the four quarters.
fn corners(picture: &DynamicImage) -> [[u8; 3]; 4] {
    let picture = picture.to_rgb8();
    let (width, height) = picture.dimensions();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| picture.get_pixel(x * width / 4, y * height / 4).0)
}

fn assert_quarters(bytes: &[u8], tolerance: u8, what: &str) {
    let found = corners(&seen(bytes).unwrap_or_else(|error| panic!("{what}: {error}")));
    let near = |found: [u8; 3], wanted: [u8; 3]| found.into_iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= tolerance);
    assert!(found.into_iter().zip(QUARTERS).all(|(found, wanted)| near(found, wanted)), "{what}: {found:?}");
}

/// A chunk of a PNG.
fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [(data.len() as u32).to_be_bytes().as_slice(), kind, data, &crc.sum().to_be_bytes()].concat()
}

/// A PNG of 16x16 from its kind of colour, what comes before the pixels, and its rows.
fn png(depth: u8, colour: u8, before: &[u8], rows: &[Vec<u8>]) -> Vec<u8> {
    let header = [16u32.to_be_bytes().as_slice(), &16u32.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    let raw: Vec<u8> = rows.iter().flat_map(|row| std::iter::once(&0).chain(row)).copied().collect();
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&raw).unwrap();
    let pixels = chunk(b"IDAT", &packed.finish().unwrap());
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &header), before, &pixels, &chunk(b"IEND", b"")].concat()
}

/// Rows of 16 pixels, each quarter as `pixel` has it.
fn rows(pixel: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..16).map(|y| (0..16).flat_map(|x| pixel(x / 8 + 2 * (y / 8))).collect()).collect()
}

/// EXIF data that say how the camera was held.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [b"II*\0\x08\0\0\0\x01\0".as_slice(), &entry, &[0; 4]].concat()
}

fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = (exif.len() as u16 + 8).to_be_bytes();
    [&jpeg[..2], b"\xFF\xE1", &length, b"Exif\0\0", exif, &jpeg[2..]].concat()
}

/// A chunk of a WebP file.
fn riff(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len().is_multiple_of(2) { &[] } else { &[0] };
    [kind, &(data.len() as u32).to_le_bytes(), data, padding].concat()
}

/// An extended WebP file of 16x16.
fn webp(flags: u8, chunks: &[u8]) -> Vec<u8> {
    let head = riff(b"VP8X", &[flags, 0, 0, 0, 15, 0, 0, 15, 0, 0]);
    riff(b"RIFF", &[b"WEBP".as_slice(), &head, chunks].concat())
}

#[test]
fn whole_jpegs_of_every_kind_are_taken() {
    for (what, bytes) in WRITTEN_ELSEWHERE {
        assert_quarters(bytes, if what.ends_with('K') { 40 } else { 12 }, what);
    }
    let jpeg = encoded(&quarters(48, 32).into(), ImageFormat::Jpeg);
    assert_quarters(&jpeg, 12, "baseline");
    assert_quarters(&[jpeg.as_slice(), &[0; 300]].concat(), 12, "zeros after the end");
    assert_quarters(&[jpeg.as_slice(), &jpeg].concat(), 12, "a second picture after the end");
    let grey = seen(&encoded(&DynamicImage::from(quarters(16, 16)).into_luma8().into(), ImageFormat::Jpeg)).unwrap();
    assert!(matches!(grey, DynamicImage::ImageLuma8(_)));
    // Small and flat: the coded data of a row of blocks are a few bytes.
    for side in [1, 3, 8, 17] {
        let flat = encoded(&RgbImage::from_pixel(side, side, Rgb(BLUE)).into(), ImageFormat::Jpeg);
        assert_eq!(seen(&flat).unwrap().width(), side);
    }
}

#[test]
fn a_jpeg_that_is_cut_off_is_refused_wherever_it_ends() {
    let noise = RgbImage::from_fn(64, 64, |x, y| Rgb([x * 7 + y * 3, x * y * 5, y * 11].map(|value| value as u8)));
    let baseline = encoded(&noise.into(), ImageFormat::Jpeg);
    for (what, whole) in WRITTEN_ELSEWHERE.into_iter().chain([("baseline", baseline.as_slice())]) {
        for length in (3..whole.len()).step_by(7).chain(whole.len() - 40..whole.len()) {
            let cut = &whole[..length];
            assert!(seen(cut).is_err(), "{what}: {length} of {} bytes", whole.len());
            // As a download that was given its room beforehand.
            assert!(seen(&[cut, &[0; 500]].concat()).is_err(), "{what}: {length} of {} bytes, zeros", whole.len());
        }
    }
}

#[test]
fn cut_files_of_the_other_formats_are_refused() {
    let noise = RgbImage::from_fn(32, 32, |x, y| Rgb([x * 37 + y * 3, x * y * 5, y * 11].map(|value| value as u8)));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let whole = encoded(&noise.clone().into(), format);
        for part in [3, 5, 9] {
            assert!(seen(&whole[..whole.len() * part / 10]).is_err(), "{format:?}: {part} tenths");
        }
    }
}

#[test]
fn every_kind_of_png_shows_the_same() {
    let palette = [chunk(b"PLTE", QUARTERS.as_flattened())].concat();
    let clear = [palette.as_slice(), &chunk(b"tRNS", &[255, 255, 255, 0])].concat();
    let index = |quarter: usize| vec![quarter as u8];
    let black_clear = |quarter: usize| match quarter {
        3 => vec![0, 0, 0, 0],
        _ => [QUARTERS[quarter].as_slice(), &[255]].concat(),
    };
    let wide = |quarter: usize| QUARTERS[quarter].iter().flat_map(|&value| [value, value]).collect();
    assert_quarters(&png(8, 3, &palette, &rows(index)), 0, "palette");
    assert_quarters(&png(8, 3, &clear, &rows(index)), 0, "palette, white transparent");
    assert_quarters(&png(8, 6, &[], &rows(black_clear)), 0, "transparent black on white");
    assert_quarters(&png(16, 2, &[], &rows(wide)), 0, "16 bits");
    assert_quarters(&encoded(&quarters(16, 16).into(), ImageFormat::WebP), 0, "WebP");

    let greys = |depth, colour, pixel: &dyn Fn(usize) -> Vec<u8>| {
        let picture = seen(&png(depth, colour, &[], &rows(pixel))).unwrap();
        assert!(matches!(picture, DynamicImage::ImageLuma8(_)), "grey stays grey");
        corners(&picture).map(|colour| colour[0])
    };
    assert_eq!(greys(16, 0, &|quarter| vec![80 * quarter as u8; 2]), [0, 80, 160, 240]);
    assert_eq!(greys(8, 4, &|quarter| vec![80, if quarter == 1 { 0 } else { 255 }]), [80, 255, 80, 80]);
    let bits: Vec<Vec<u8>> = (0..16).map(|y| if y < 8 { vec![0x00, 0xFF] } else { vec![0xFF, 0x00] }).collect();
    assert_eq!(corners(&seen(&png(1, 0, &[], &bits)).unwrap()).map(|colour| colour[0]), [0, 255, 255, 0]);
}

#[test]
fn photographs_are_turned_upright() {
    // How each is stored, so that turned upright it is the same.
    let upright = DynamicImage::from(quarters(48, 32));
    let stored = |orientation| match orientation {
        2 => upright.fliph(),
        3 => upright.rotate180(),
        4 => upright.flipv(),
        5 => upright.rotate90().fliph(),
        6 => upright.rotate270(),
        7 => upright.rotate270().fliph(),
        8 => upright.rotate90(),
        _ => upright.clone(),
    };
    for orientation in 1..=8 {
        let jpeg = with_exif(&encoded(&stored(orientation), ImageFormat::Jpeg), &exif(orientation));
        assert_quarters(&jpeg, 12, &format!("orientation {orientation}"));
        assert_eq!(seen(&jpeg).unwrap().width(), 48);
    }
    let stored = DynamicImage::from(quarters(16, 16)).rotate270();
    let mut turned = Vec::new();
    let mut encoder = PngEncoder::new(&mut turned);
    encoder.set_exif_metadata(exif(6)).unwrap();
    encoder.write_image(stored.as_bytes(), 16, 16, ExtendedColorType::Rgb8).unwrap();
    assert_quarters(&turned, 0, "PNG");
    let plain = encoded(&stored, ImageFormat::WebP);
    assert_quarters(&webp(0x08, &[&plain[12..], &riff(b"EXIF", &exif(6))].concat()), 0, "WebP");
    // A note that says nothing leaves the picture as it is.
    let broken = with_exif(&encoded(&upright, ImageFormat::Jpeg), b"II*\0nothing of use");
    assert_quarters(&broken, 12, "a broken note");
}

#[test]
fn of_an_animation_the_first_picture_is_taken() {
    let first = DynamicImage::from(quarters(16, 16));
    let frame = |number: u32| {
        let numbers = [number, 16, 16, 0, 0].map(u32::to_be_bytes).concat();
        chunk(b"fcTL", &[numbers.as_slice(), &[0, 1, 0, 10, 0, 0]].concat())
    };
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&[0; 16 * 49]).unwrap();
    let second = [2u32.to_be_bytes().as_slice(), &packed.finish().unwrap()].concat();
    let animation = [chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), frame(0)].concat();
    let mut animated = png(8, 2, &animation, &rows(|quarter| QUARTERS[quarter].to_vec()));
    let end = animated.len() - 12;
    animated.splice(end..end, [frame(1), chunk(b"fdAT", &second)].concat());
    assert_quarters(&animated, 0, "APNG");

    let frame = |picture: &DynamicImage| {
        let head = [0, 0, 0, 0, 0, 0, 15, 0, 0, 15, 0, 0, 100, 0, 0, 0];
        riff(b"ANMF", &[head.as_slice(), &encoded(picture, ImageFormat::WebP)[12..]].concat())
    };
    let frames = [riff(b"ANIM", &[0; 6]), frame(&first), frame(&first.rotate180())].concat();
    // Frames are laid over a ground, which rounds.
    assert_quarters(&webp(0x02, &frames), 2, "animated WebP");
}

#[test]
fn content_counts_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let path = file("photo", &encoded(&quarters(24, 16).into(), format));
        assert!(is_picture(&path) && dimensions(&path) == Some((24, 16)), "{format:?}");
    }
    let cut = file("cut.jpg", &encoded(&quarters(64, 64).into(), ImageFormat::Jpeg)[..700]);
    assert_eq!(dimensions(&cut), Some((64, 64)), "the header is there");
    for bytes in [b"".as_slice(), b"GIF89a\x01\0\x01\0", b"text", b"\x89PNG\r\n\x1a\n"] {
        assert_eq!(dimensions(&file("other", bytes)), None);
    }
    assert!(!is_picture(folder.path()) && !is_picture(Path::new("nowhere")));
}
