//! What stands before a text, or in the place of a file.

/// What Git has in place of a large file that was not fetched begins so.
const POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/";
/// What is said of such a file.
pub const POINTER: &str = "a Git LFS pointer stands in place of the file; `git lfs pull` fetches it";

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
}
