//! What a file of elements in angle brackets is.

use crate::without_byte_order_mark;

/// What it is called, by its first element; nothing where it begins with none.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = without_byte_order_mark(bytes).trim_ascii_start();
    if !rest.starts_with(b"<") {
        return None;
    }
    // A declaration, comments and a document type with its entities may come first.
    while let Some(before) =
        rest.strip_prefix(b"<").filter(|inside| inside.starts_with(b"?") || inside.starts_with(b"!"))
    {
        let after = match before.strip_prefix(b"!--") {
            Some(comment) => comment.windows(3).position(|end| end == b"-->").and_then(|end| comment.get(end..)),
            None => Some(before),
        };
        let after = after.unwrap_or_default();
        let next = after.iter().position(|&byte| byte == b'<').unwrap_or(after.len());
        rest = &after[next..];
    }
    let is_svg = rest.get(1..4).is_some_and(|name| name.eq_ignore_ascii_case(b"svg"))
        && rest.get(4).is_none_or(|&end| !end.is_ascii_alphanumeric());
    Some(if is_svg { "SVG" } else { "a web page" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_no_web_page() {
        for drawing in [
            &b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..],
            b"\xEF\xBB\xBF\r\n<?xml version=\"1.0\"?>\n<SVG>",
            b"<?xml version=\"1.0\"?><!-- made <html>by</html> hand --><svg:svg>",
            b"<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\" [\n<!ENTITY ns \"http://ns\">\n]>\n<svg\n>",
        ] {
            assert_eq!(kind(drawing), Some("SVG"), "{}", String::from_utf8_lossy(drawing));
        }
        for page in [
            &b"<!doctype html><title>404</title><svg>"[..],
            b"\n\n<html>",
            b"<!-- <svg> --><p>",
            b"<?xml version=\"1.0\"?><feed>",
            b"<svgs>",
            b"<",
            b"<!--",
        ] {
            assert_eq!(kind(page), Some("a web page"), "{}", String::from_utf8_lossy(page));
        }
        assert_eq!((kind(b""), kind(b"x < y"), kind(b"\xEF\xBB\xBF")), (None, None, None));
    }
}
