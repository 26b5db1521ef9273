//! Why `cargo install` failed, from what it wrote.

/// What stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The versions in the package's own lock file are not to be had, or the file does not fit.
    LockFile,
    /// The proxy is not there or lets nothing through.
    Proxy,
    /// The registry cannot be reached.
    Offline,
    /// The registry answers, but not with what was asked for.
    Registry,
    /// The package is not in the registry, or not in this version.
    NoSuchVersion,
    /// There is no linker, or no C compiler.
    NoLinker,
    /// The compiler is too old for the package.
    OldCompiler,
    /// The disk is full.
    DiskFull,
    /// The package, or one that it needs, does not compile.
    DoesNotCompile,
    /// None of these.
    Unknown,
}

/// What cargo writes in each case, the most particular first: a failed download names the registry too.
const SIGNS: [(Cause, &[&str]); 9] = [
    (Cause::DiskFull, &["No space left on device", "not enough space on the disk", "os error 112"]),
    (
        Cause::LockFile,
        &["--locked was passed", "(locked to ", "changed between lock files", "failed to parse lock file", "got 404"],
    ),
    (Cause::NoSuchVersion, &["` in registry `"]),
    (Cause::OldCompiler, &["it requires rustc", "is not supported by the following package"]),
    // Nothing is compiled before all is there: what the network did before that was a warning.
    (Cause::NoLinker, &["linker `", "failed to find tool", "error: linking with"]),
    (Cause::DoesNotCompile, &["could not compile", "failed to run custom build command"]),
    (Cause::Proxy, &["resolve proxy", "CONNECT tunnel failed", "from proxy", "got 407", "via proxy"]),
    (
        Cause::Offline,
        &[
            "Could not resolve host",
            "Could not connect to server",
            "Couldn't connect to server",
            "Failed to connect to",
            "imed out",
            "Timeout was reached",
            "network error",
            "offline mode",
            "the --offline flag",
        ],
    ),
    (
        Cause::Registry,
        &["failed to get successful HTTP response", "failed to download", "download of config.json failed"],
    ),
];

impl Cause {
    /// The cause in what cargo wrote.
    #[must_use]
    pub fn of(written: &str) -> Self {
        let has = |signs: &[&str]| signs.iter().any(|sign| written.contains(sign));
        SIGNS.iter().find(|(_, signs)| has(signs)).map_or(Self::Unknown, |(cause, _)| *cause)
    }

    /// What to do about it, as the end of a sentence.
    fn advice(self) -> &'static str {
        match self {
            Self::LockFile => "the versions in its lock file are not to be had",
            Self::Proxy => "the proxy lets nothing through; look at the proxy settings and try again",
            Self::Offline => "the package registry cannot be reached; go online and try again",
            Self::Registry => "the package registry does not give what is asked for; try again later",
            Self::NoSuchVersion => "the package registry does not have it",
            Self::NoLinker => {
                "a linker or C compiler is missing; install one (Debian: gcc and libc6-dev) and try again"
            }
            Self::OldCompiler => "it needs a newer Rust; run `rustup update` and try again",
            Self::DiskFull => "the disk is full; make room and try again",
            Self::DoesNotCompile => "it does not compile here",
            Self::Unknown => "cargo failed",
        }
    }
}

/// One sentence: what failed, what to do, and cargo's own last words.
#[must_use]
pub fn explain(written: &str) -> String {
    let words = last_words(written);
    let advice = Cause::of(written).advice();
    if words.is_empty() { advice.to_owned() } else { format!("{advice} ({words})") }
}

/// The lines of cargo's errors that say something, at most three of them, the last ones.
fn last_words(written: &str) -> String {
    let plain = without_colours(written);
    let lines: Vec<&str> = plain.lines().map(str::trim).collect();
    let mut words: Vec<&str> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let caused = index > 0 && lines[index - 1] == "Caused by:";
        let error = line.strip_prefix("error").filter(|rest| rest.starts_with([':', '[']));
        let message = error.and_then(|rest| rest.split_once(": ")).map(|(_, message)| message);
        let Some(message) = message.or_else(|| caused.then_some(*line)) else { continue };
        // It tells only where the rubble lies.
        if !message.contains("intermediate artifacts") && words.last() != Some(&message) {
            words.push(message);
        }
    }
    let last = words.len().saturating_sub(3);
    words[last..].join("; ")
}

/// Without the escape sequences for colours, and with the lines that a progress bar overwrites on lines of their own.
fn without_colours(written: &str) -> String {
    let mut plain = String::new();
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // A sequence ends with a letter; what follows the escape at once is a bracket.
                characters.by_ref().find(char::is_ascii_alphabetic);
            }
            '\r' => plain.push('\n'),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Cause, explain};

    const UNREACHABLE: &str = "    Updating index\nerror: download of config.json failed\n\nCaused by:\n  failed \
        to download from `https://registry.example/config.json`\n\nCaused by:\n  [7] Could not connect to server (Failed \
        to connect to 127.0.0.1 port 9 after 4 ms: Could not connect to server)\n";
    const NO_NAME: &str = "error: download of config.json failed\n\nCaused by:\n  [6] Could not resolve hostname (Could \
        not resolve host: registry.example)\n";
    const PROXY: &str = "warning: spurious network error (3 tries remaining): [56] Failure when receiving data from the \
        peer (CONNECT tunnel failed, response 403)\nerror: failed to download from `https://registry.example/`\n";
    const SERVER: &str = "error: failed to download from `https://registry.example/crates/syn/2.0.1/download`\n\nCaused \
        by:\n  failed to get successful HTTP response from `https://registry.example/crates/syn/2.0.1/download` \
        (1.2.3.4), got 503\n";
    const LOCKED: &str = "error: failed to compile `trunk v0.21.14`, intermediate artifacts can be found at \
        `/tmp/x`.\n\nCaused by:\n  failed to select a version for the requirement `syn = \"^2.0\"` (locked to \
        2.0.99)\n  candidate versions found which didn't match: 2.0.98\n";
    const LOCK_OLD: &str =
        "error: cannot update the lock file /tmp/Cargo.lock because --locked was passed to prevent this\n";
    const GONE: &str = "error: failed to get successful HTTP response from \
        `https://registry.example/crates/syn/2.0.1/download` (1.2.3.4), got 404\n";
    const LINKER: &str = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: linker `cc` not found\n  |\n  = note: No such file or \
        directory (os error 2)\n\nerror: could not compile `libc` (build script) due to 1 previous error\nerror: failed \
        to compile `trunk v0.21.14`, intermediate artifacts can be found at `/tmp/x`.\nTo reuse those artifacts, set\n";
    const COMPILE: &str = "error[E0282]: type annotations needed for `Box<_>`\n --> src/lib.rs:1:1\nerror: could not \
        compile `time` (lib) due to 1 previous error\nwarning: build failed, waiting for other jobs to finish...\n";
    const UNRESOLVED: &str =
        "error[E0433]: failed to resolve: could not find `a` in `b`\nerror: could not compile `c` (lib)\n";
    const VERSION: &str = "error: could not find `trunk` in registry `crates-io` with version `=0.21.99`\n";
    const RUST: &str = "error: cannot install package `trunk 0.22.1`, it requires rustc 1.96.1 or newer, while the currently active \
         rustc version is 1.95.0\n";
    const DISK: &str = "error: failed to write `/x/libsyn.rlib`: No space left on device (os error 28)\nerror: could not compile `syn`\n";

    #[test]
    fn every_cause_is_told_from_the_others() {
        // A network that was slow at first is not what failed.
        let slow = format!("warning: spurious network error (3 tries remaining): [28] Timeout was reached\n{LINKER}");
        let cases = [
            (UNREACHABLE, Cause::Offline),
            (NO_NAME, Cause::Offline),
            (PROXY, Cause::Proxy),
            (SERVER, Cause::Registry),
            (LOCKED, Cause::LockFile),
            (LOCK_OLD, Cause::LockFile),
            (GONE, Cause::LockFile),
            (LINKER, Cause::NoLinker),
            (COMPILE, Cause::DoesNotCompile),
            (VERSION, Cause::NoSuchVersion),
            (UNRESOLVED, Cause::DoesNotCompile),
            (RUST, Cause::OldCompiler),
            (DISK, Cause::DiskFull),
            (&slow, Cause::NoLinker),
            ("error: something new\n", Cause::Unknown),
            ("", Cause::Unknown),
        ];
        for (written, cause) in cases {
            assert_eq!(Cause::of(written), cause, "{written}");
        }
    }

    #[test]
    fn the_explanation_is_one_line_with_the_words_that_matter() {
        let said = explain(LINKER);
        assert!(said.contains("linker `cc` not found; could not compile `libc`"), "{said}");
        assert!(!said.contains("artifacts") && !said.contains('\u{1b}'), "{said}");
        let said = explain(COMPILE);
        assert!(said.contains("does not compile") && said.contains("type annotations needed"), "{said}");
        assert!(explain(UNREACHABLE).contains("go online") && explain(UNREACHABLE).contains("[7]"));
        for written in [UNREACHABLE, PROXY, SERVER, LOCKED, LINKER, COMPILE, RUST, DISK, ""] {
            let said = explain(written);
            assert!(!said.contains('\n') && !said.contains("lock file") || written == LOCKED, "{said}");
        }
    }

    #[test]
    fn a_progress_bar_hides_nothing() {
        let said = explain("   Compiling syn\r\u{1b}[K  Building [==> ] 1/9\rerror: no such command: `x`\n");
        assert!(said.contains("no such command: `x`"), "{said}");
    }
}
