//! The one error type of the command line: what went wrong decides the exit code.

/// Why a command stops. The text is one line that names the file or flag, what is wrong and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong use or unreadable input: exit code 2.
    #[error("{0}")]
    Input(String),
    /// The work itself failed, or a check did not hold: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The user has ended the work, which is no error, and not done either: exit code 1.
    #[error("{0}")]
    Interrupted(String),
}

/// What every command returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Input`] with this text.
    pub fn input(text: impl Into<String>) -> Self {
        Self::Input(text.into())
    }

    /// An [`Error::Failed`] with this text.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// The process exit code that goes with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Interrupted(_) => 1,
            Self::Input(_) => 2,
        }
    }
}
