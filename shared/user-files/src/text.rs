//! What stands before a text, or in the place of a file.

/// What Git has in place of a large file that was not fetched begins so.
const POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/";
/// What is said of such a file.
pub const POINTER: &str = "a Git LFS pointer stands in place of the file; `git lfs pull` fetches it";
/// What is said of a text in another encoding, such as `>` of an older Windows writes.
const ENCODING: &str = "it is not written in UTF-8; save it again so";

/// Whether bytes are a Git LFS pointer.
#[must_use]
pub fn is_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(POINTER_START)
}

/// A text without the UTF-8 byte order mark that some editors put before it.
#[must_use]
pub fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// The text of a file, without its byte order mark.
///
/// # Errors
/// It is a Git LFS pointer, or has another encoding than UTF-8: a clause that says so and what to do.
pub fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    if is_pointer(bytes) {
        return Err(POINTER);
    }
    // UTF-16 without a mark is UTF-8 as well, with a zero in every letter.
    str::from_utf8(without_byte_order_mark(bytes)).ok().filter(|text| !text.contains('\0')).ok_or(ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_pointers_are_known() {
        assert_eq!(without_byte_order_mark(b"\xEF\xBB\xBF{}"), b"{}");
        assert_eq!(without_byte_order_mark(b"{}"), b"{}");
        assert!(is_pointer(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"));
        assert!(!is_pointer(b"{}") && !is_pointer(b""));
    }

    #[test]
    fn a_text_is_in_utf_8() {
        assert_eq!(text("\u{feff}{\"name\": \"ü\"}".as_bytes()), Ok("{\"name\": \"ü\"}"));
        assert_eq!(text(b""), Ok(""));
        assert_eq!(text(POINTER_START), Err(POINTER));
        for other in [&b"\xFF\xFE{\0}\0"[..], b"\xFE\xFF\0{\0}", b"{\0}\0", b"\0{\0}", b"{\"name\": \"\xFC\"}"] {
            assert_eq!(text(other), Err(ENCODING), "{other:?}");
        }
    }
}
