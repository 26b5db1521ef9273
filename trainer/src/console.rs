//! What the program says. The standard library's `println!` and `eprintln!` panic where nobody reads any more.

use std::{
    fmt::Arguments,
    io::{self, IsTerminal, Write},
    path::Path,
    process,
};

use crate::files::reason;

/// A line on stdout. A reader that has gone (`| head -1`) has what it wanted; anything else that hinders is a failure,
/// and ends the program.
pub fn print(line: Arguments<'_>) {
    let text = format!("{line}\n");
    // Another program gets what was meant for it.
    let text = if io::stdout().is_terminal() { plain(&text) } else { text };
    check(io::stdout().write_all(text.as_bytes()));
}

/// Ends the program where stdout could not be written: as a success only where nobody wants more.
pub fn check(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tell(format_args!("error: the standard output cannot be written: {}", reason(&error)));
        process::exit(1);
    }
}

/// A line on stderr, whatever names of files have in them. Where it cannot be written there is nobody to be told.
pub fn tell(line: Arguments<'_>) {
    whole(io::stderr(), line).ok();
}

/// In one piece: stderr has no buffer, and several processes may share it. Between two pieces of a line stood what
/// `mpirun` had to say.
fn whole(mut to: impl Write, line: Arguments<'_>) -> io::Result<()> {
    let text = line.to_string().replace(['\n', '\r'], "\u{fffd}");
    to.write_all(format!("{}\n", plain(&text)).as_bytes())
}

/// Without what a terminal would obey: names of files may have it.
fn plain(text: &str) -> String {
    let harmless = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    text.chars().map(|character| if harmless(character) { character } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// A path as this system's shells take it.
pub fn quoted(path: &Path) -> String {
    quoted_for(cfg!(windows), path)
}

fn quoted_for(windows: bool, path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    // On Windows paths have backslashes, and no shell of it minds them.
    let more = if windows { "\\" } else { "" };
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric() || "/._-:+@%,".contains(character) || more.contains(character)
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else if windows {
        // The only quotes that all its shells know; no path has one in it.
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Pieces(Vec<Vec<u8>>);

    impl Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0.push(piece.to_vec());
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn names_of_files_do_nothing_to_a_terminal_or_a_shell() {
        assert_eq!(plain("a\u{1b}[2Jb\tc\n"), "a\u{fffd}[2Jb\tc\n");
        let mut pieces = Pieces::default();
        whole(&mut pieces, format_args!("two\nlines")).unwrap();
        assert_eq!(pieces.0, ["two\u{fffd}lines\n".as_bytes()]);
        for (path, typed, on_windows) in [
            ("runs/a-1", "runs/a-1", "runs/a-1"),
            ("-y", "./-y", "./-y"),
            ("a b", "'a b'", "\"a b\""),
            ("~/a", "'~/a'", "\"~/a\""),
            ("it's", r"'it'\''s'", "\"it's\""),
            (r"C:\runs\a", r"'C:\runs\a'", r"C:\runs\a"),
            ("ä", "'ä'", "\"ä\""),
        ] {
            assert_eq!(quoted_for(false, Path::new(path)), typed);
            assert_eq!(quoted_for(true, Path::new(path)), on_windows);
        }
    }

    #[test]
    fn a_line_is_written_in_one_piece() {
        let mut pieces = Pieces::default();
        whole(&mut pieces, format_args!("error: {}: {}", "rank 1 on b", 2)).unwrap();
        assert_eq!(pieces.0, [b"error: rank 1 on b: 2\n"]);
    }
}
