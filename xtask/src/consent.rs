//! Asking before the system is changed.

use std::env;
use std::io::{self, IsTerminal, Write};

use anyhow::Result;

/// How the person who typed the command, or the machine it runs on, answers.
#[derive(Clone, Copy, Debug)]
pub enum Consent {
    /// By `--yes`, or because a build machine has nobody to ask.
    Given,
    /// At the terminal.
    Ask,
    /// There is no terminal to ask at.
    Refused,
}

impl Consent {
    /// What `--yes`, the variable `CI` and the terminal say.
    #[must_use]
    pub fn new(yes: bool) -> Self {
        let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self::from(yes || on_build_machine(), terminal)
    }

    fn from(yes: bool, terminal: bool) -> Self {
        match (yes, terminal) {
            (true, _) => Self::Given,
            (false, true) => Self::Ask,
            (false, false) => Self::Refused,
        }
    }

    /// Whether the answer to a question is yes.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub fn to(self, question: &str) -> Result<bool> {
        match self {
            Self::Given => Ok(true),
            Self::Refused => Ok(false),
            Self::Ask => {
                eprint!("{question} [y/N] ");
                io::stderr().flush()?;
                let mut answer = String::new();
                io::stdin().read_line(&mut answer)?;
                Ok(is_yes(&answer))
            }
        }
    }
}

/// Whether this is a machine that builds, by the variable `CI`.
#[must_use]
pub fn on_build_machine() -> bool {
    says_so(env::var("CI").ok().as_deref())
}

fn says_so(ci: Option<&str>) -> bool {
    ci.is_some_and(|ci| !["", "0", "false"].contains(&ci))
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::{Consent, is_yes, says_so};

    #[test]
    fn nothing_is_done_unasked() {
        assert!(matches!(Consent::from(false, false), Consent::Refused));
        assert!(matches!(Consent::from(false, true), Consent::Ask));
        assert!(matches!(Consent::from(true, false), Consent::Given));
        assert!(says_so(Some("true")) && ![None, Some("false"), Some("0"), Some("")].into_iter().any(says_so));
        assert!(!Consent::Refused.to("?").unwrap() && Consent::Given.to("?").unwrap());
    }

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y\n") && is_yes(" Yes\r\n"));
        assert!(!is_yes("") && !is_yes("\n") && !is_yes("n\n") && !is_yes("yellow\n"));
    }
}
