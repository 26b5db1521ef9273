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
    writeln!(io::stderr(), "{line}").ok();
}
