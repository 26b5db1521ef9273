//! What the person who typed the command can put right.

use std::fmt;

/// Wrong use: the command was refused before any work began, and says in one line what would be right. Exit code 2.
#[derive(Debug)]
pub struct Misuse(pub String);

impl fmt::Display for Misuse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// Returns early with a [`Misuse`].
#[macro_export]
macro_rules! refuse {
    ($($message:tt)*) => {
        return Err($crate::misuse::Misuse(format!($($message)*)).into())
    };
}
