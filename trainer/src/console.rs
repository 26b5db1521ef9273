//! What the program says. The standard library's `println!` and `eprintln!` panic where nobody reads any more.

use std::{
    fmt::Arguments,
    io::{self, Write},
    process,
};

use crate::files::reason;

/// A line on stdout. A reader that has gone (`| head -1`) has what it wanted; anything else that hinders is a failure,
/// and ends the program.
pub fn print(line: Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout(), "{line}")
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tell(format_args!("error: the standard output cannot be written: {}", reason(&error)));
        process::exit(1);
    }
}

/// A line on stderr. Where it cannot be written there is nobody to be told.
pub fn tell(line: Arguments<'_>) {
    whole(io::stderr(), line).ok();
}

/// In one piece: stderr has no buffer, and several processes may share it. Between two pieces of a line stood what
/// `mpirun` had to say.
fn whole(mut to: impl Write, line: Arguments<'_>) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes())
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
    fn a_line_is_written_in_one_piece() {
        let mut pieces = Pieces::default();
        whole(&mut pieces, format_args!("error: {}: {}", "rank 1 on b", 2)).unwrap();
        assert_eq!(pieces.0, [b"error: rank 1 on b: 2\n"]);
    }
}
