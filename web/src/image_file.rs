//! What an image file says of itself, read before anything is decoded.

/// Bytes that a file may have.
pub const MOST_BYTES: usize = 20_000_000;
/// Pixels that it may declare.
pub const MOST_PIXELS: u64 = 40_000_000;

/// Checks a file that somebody wants to have shown: a PNG, JPEG or WebP image of a bearable size. Gives the media type.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn check(bytes: &[u8]) -> Result<&'static str, String> {
    if bytes.len() > MOST_BYTES {
        return Err(format!("The file has more than {} megabytes. Choose a smaller one.", MOST_BYTES / 1_000_000));
    }
    let (kind, size) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("image/png", png(bytes))
    } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        ("image/jpeg", jpeg(bytes))
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        ("image/webp", webp(bytes))
    } else {
        return Err("This is no PNG, JPEG or WebP image. Choose one of those.".to_owned());
    };
    let (width, height) = size.ok_or("The image does not say its size: the file is damaged. Choose another one.")?;
    if width == 0 || height == 0 {
        return Err("The image has no pixels. Choose another one.".to_owned());
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let most = MOST_PIXELS / 1_000_000;
        return Err(format!("The image has {width}x{height} pixels, more than {most} million. Make it smaller first."));
    }
    Ok(kind)
}

fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24)?.strip_prefix(b"IHDR")?;
    let number = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((number(0)?, number(4)?))
}

/// Goes from segment to segment to the one that begins the frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let two = |at: usize| Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        match *bytes.get(at + 1)? {
            // Padding.
            0xFF => at += 1,
            // Markers without a length.
            0x01 | 0xD0..=0xD8 => at += 2,
            // Frames; the other three numbers of their row are tables.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Some((two(at + 7)?, two(at + 5)?)),
            // The end, or pixels before any frame.
            0xD9 | 0xDA => return None,
            _ => at += 2 + (two(at + 2)?.max(2)) as usize,
        }
    }
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let byte = |at: usize| bytes.get(at).copied().map(u32::from);
    let two = |at: usize| Some(byte(at)? | byte(at + 1)? << 8);
    let three = |at: usize| Some(two(at)? | byte(at + 2)? << 16);
    match bytes.get(12..16)? {
        b"VP8X" => Some((three(24)? + 1, three(27)? + 1)),
        b"VP8L" if byte(20)? == 0x2F => {
            let bits = two(21)? | two(23)? << 16;
            Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        }
        b"VP8 " if bytes.get(23..26)? == [0x9D, 0x01, 0x2A] => Some((two(26)? & 0x3FFF, two(28)? & 0x3FFF)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        file.extend(width.to_be_bytes());
        file.extend(height.to_be_bytes());
        file
    }

    #[test]
    fn sizes_are_read_from_every_kind() {
        assert_eq!(png(&png_of(300, 200)), Some((300, 200)));
        let jpeg_file =
            [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 9, 9][..], &[0xFF, 0xFF, 0xC2, 0, 11, 8, 1, 0, 2, 0, 1]].concat();
        assert_eq!(jpeg(&jpeg_file), Some((512, 256)));
        let webp_file = |kind: &[u8], rest: &[u8]| [b"RIFF\0\0\0\0WEBP", kind, b"\0\0\0\0", rest].concat();
        assert_eq!(webp(&webp_file(b"VP8X", &[0, 0, 0, 0, 99, 0, 0, 49, 1, 0])), Some((100, 306)));
        assert_eq!(webp(&webp_file(b"VP8L", &[0x2F, 99, 0x80, 0x0C, 0])), Some((100, 51)));
        assert_eq!(webp(&webp_file(b"VP8 ", &[0, 0, 0, 0x9D, 0x01, 0x2A, 100, 0, 50, 0])), Some((100, 50)));
    }

    #[test]
    fn what_is_no_bearable_image_is_refused() {
        assert_eq!(check(&png_of(300, 200)), Ok("image/png"));
        for bad in [&b""[..], b"GIF89a", b"<svg>", b"\x89PNG\r\n\x1a\n", &[0xFF, 0xD8, 0xFF], b"RIFF\0\0\0\0WEBPVP8X"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert!(check(&png_of(0, 5)).is_err());
        assert!(check(&png_of(u32::MAX, u32::MAX)).is_err_and(|sentence| sentence.contains("smaller")));
        assert!(check(&vec![0; MOST_BYTES + 1]).is_err_and(|sentence| sentence.contains("megabytes")));
    }

    #[test]
    fn no_bytes_whatever_are_a_panic() {
        // Numbers of Marsaglia's generator, behind each kind's beginning.
        let mut state = 1u32;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        };
        for _ in 0..20_000 {
            let beginnings: [&[u8]; 5] =
                [b"\x89PNG\r\n\x1a\n", &[0xFF, 0xD8, 0xFF], b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8L", b""];
            let mut file = beginnings[random() as usize % 5].to_vec();
            let length = random() % 60;
            // Many 0xFF, which JPEG markers begin with.
            file.extend((0..length).map(|_| if random() % 3 == 0 { 0xFF } else { random() as u8 }));
            let _ = check(&file);
        }
    }
}
