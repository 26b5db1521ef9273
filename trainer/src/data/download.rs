//! Downloads of the published files: checked before anything takes their place on the disk.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::{
    Agent, Body,
    http::Response,
    tls::{RootCerts, TlsConfig},
};

use super::catalogue::{Published, Set, Source};
use super::{gzip, matlab};
use crate::error::{Error, Result};
use crate::files::{Draft, reason, sha256_of};
use crate::folders;
use crate::progress::{Followed, Progress};

/// A mirror for every set: the files are then looked for at `$TRAINER_DATA_URL/NAME/FILE`.
pub(super) const MIRROR: &str = "TRAINER_DATA_URL";
/// Nothing that is published here is nearly as large; a server that never stops must not fill the disk.
const MAX_BYTES: u64 = 1 << 30;
/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Puts the files of a set into `folder`, which is created where it is missing, and skips those that are there and
/// right. `mirror` takes the place of the publisher's address. Files of `others` are not replaced.
pub(super) fn fetch(name: &str, source: &Source, folder: &Path, mirror: Option<&str>, others: &[Set]) -> Result<()> {
    folders::filled(folder, || fetch_into(name, source, folder, mirror, others))
}

fn fetch_into(name: &str, source: &Source, folder: &Path, mirror: Option<&str>, others: &[Set]) -> Result<()> {
    let base = match mirror {
        Some(mirror) => format!("{}/{name}", mirror.trim_end_matches('/')),
        None => source.url.to_owned(),
    };
    for file in source.files.iter().chain(source.labels) {
        let published = folder.join(file.name);
        let path = file.found_in(folder).unwrap_or_else(|| published.clone());
        let is_other_name = path != published;
        if path.is_file() && check(&path, file).is_ok() {
            let unpacked = if is_other_name && file.of_unpacked { ", unpacked" } else { "" };
            eprintln!("{}: already there{unpacked}, checksum right", path.display());
        } else if let Some(other) = owner(&path, others) {
            let text = format!("it is a file of {other}, and would be replaced; choose another --dir");
            return Err(Error::input(format!("data fetch {name}: {}: {text}", path.display())));
        } else if gzip::is_whole(&path) || matlab::is_whole(&path) {
            let text = "it is whole, but not the published file, and would be replaced; choose another --dir";
            return Err(Error::input(format!("data fetch {name}: {}: {text}", path.display())));
        } else if is_other_name {
            let text = "it is not the published file, and would not be read any more; move it, or choose another --dir";
            return Err(Error::input(format!("data fetch {name}: {}: {text}", path.display())));
        } else {
            download(&format!("{base}/{}", file.name), &path, file)?;
        }
    }
    Ok(())
}

/// The set, one of whose files this is: those of MNIST and of Fashion-MNIST have the same names.
fn owner(path: &Path, sets: &[Set]) -> Option<&'static str> {
    let is_theirs = |set: &&Set| {
        let files = set.source().into_iter().flat_map(|source| source.files.iter().chain(source.labels));
        files
            .filter(|file| path.file_name().is_some_and(|name| name == file.name))
            .any(|file| check(path, file).is_ok())
    };
    if path.is_file() { sets.iter().find(is_theirs).map(|set| set.name) } else { None }
}

fn download(url: &str, path: &Path, file: &Published) -> Result<()> {
    let failed = |what: String| Error::failed(format!("{url}: {what}"));
    let mut draft = Draft::beside(path)?;
    eprintln!("downloading {url}");
    let body = get(url).map_err(|error| failed(explain(&error)))?.into_body();
    let progress = Progress::of_bytes(format!("downloading {}", file.name), body.content_length());
    let reader = body.into_with_config().limit(MAX_BYTES).reader();
    let copied = io::copy(&mut Followed { reader, progress: &progress }, &mut draft).and_then(|_| draft.flush());
    drop(progress);
    copied.map_err(|error| {
        failed(format!("the transfer to {} broke off ({}); try again", path.display(), reason(&error)))
    })?;
    check(draft.unfinished(), file).map_err(|what| failed(format!("{what}; nothing was kept")))?;
    draft.commit()
}

/// Asks the server, which must have a certificate that browsers trust, or else one that this machine trusts: where a company
/// looks into connections, its own certificate stands in place of the server's. A small container trusts none by itself.
fn get(url: &str) -> std::result::Result<Response<Body>, ureq::Error> {
    let ask = |trusted| {
        let config = Agent::config_builder()
            // That of the environment, as by default; none for tests, whose servers are on this machine.
            .proxy(if cfg!(test) { None } else { ureq::Proxy::try_from_env() })
            .tls_config(TlsConfig::builder().root_certs(trusted).build())
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build();
        Agent::new_with_config(config).get(url).call()
    };
    match ask(RootCerts::WebPki) {
        Err(error) if not_trusted(&error) => ask(RootCerts::PlatformVerifier),
        answer => answer,
    }
}

fn not_trusted(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(_) | ureq::Error::Rustls(_)) && error.to_string().contains("certificate")
}

/// Compares a file with its published checksum.
fn check(path: &Path, file: &Published) -> std::result::Result<(), String> {
    let sum = checksum(path, file).map_err(|error| format!("the file is damaged ({})", reason(&error)))?;
    if sum != file.sha256 {
        return Err(format!("the SHA-256 is {sum}, but should be {}", file.sha256));
    }
    Ok(())
}

fn checksum(path: &Path, file: &Published) -> io::Result<String> {
    let content: Box<dyn Read> = if file.of_unpacked { gzip::open(path)? } else { Box::new(fs::File::open(path)?) };
    sha256_of(content)
}

fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(404) => "the server has no such file (404)".into(),
        ureq::Error::StatusCode(code) => format!("the server refused with status {code}"),
        ureq::Error::HostNotFound => "the host is unknown; is this machine on the net?".into(),
        error if not_trusted(error) => format!(
            "the server's certificate is not trusted ({error}); behind a proxy that opens connections, add its certificate to \
             those of this machine, or bring the files with a browser and say with --data-dir where they are"
        ),
        ureq::Error::Io(error) => format!("the server cannot be reached ({})", reason(error)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
