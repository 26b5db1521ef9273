//! What must be built, how long that takes and how much room, told before it begins.

use anyhow::Result;
use xshell::Shell;

use crate::site::Profile;
use crate::{debian, paths, tools, wasm_target};

/// Minutes and gigabytes for each tool, whose gigabytes lie in the system's temporary folder until it is built, and for
/// the programs by each profile. Minutes are half the processor time on a machine with two cores.
const TRUNK: (f64, f64) = (3.9, 0.9);
const WASM_BINDGEN: (f64, f64) = (1.4, 0.5);
const LIBRARY: (f64, f64) = (0.5, 0.1);
const DEMO: (f64, f64) = (8.0, 1.3);
const SITE: (f64, f64) = (12.6, 1.3);

/// A piece that is built once.
#[derive(Debug, PartialEq)]
struct Piece {
    name: String,
    minutes: f64,
    gigabytes: f64,
}

impl Piece {
    fn new(name: &str, (minutes, gigabytes): (f64, f64)) -> Self {
        Self { name: name.to_owned(), minutes, gigabytes }
    }
}

/// Says what a build of the site will take, if anything must be built that is not there.
///
/// # Errors
/// There is no compiler.
pub fn tell(shell: &Shell, profile: Profile) -> Result<()> {
    if let Some(line) = line(&pieces(shell, profile)?) {
        eprintln!("{line}");
    }
    Ok(())
}

/// What is not there yet.
fn pieces(shell: &Shell, profile: Profile) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for tool in tools::missing(shell, &tools::all()?) {
        let cost = if tool.program == "trunk" { TRUNK } else { WASM_BINDGEN };
        pieces.push(Piece::new(&format!("{} {}", tool.package, tool.version), cost));
    }
    if !wasm_target::is_native(shell)? && debian::current(shell).is_none() {
        pieces.push(Piece::new("the standard library", LIBRARY));
    }
    if !profile.is_built(&paths::wasm_target()) {
        let cost = match profile {
            Profile::Demo => DEMO,
            Profile::Site => SITE,
        };
        pieces.push(Piece::new("the page's programs", cost));
    }
    Ok(pieces)
}

fn line(pieces: &[Piece]) -> Option<String> {
    let names: Vec<_> = pieces.iter().map(|piece| piece.name.as_str()).collect();
    let (last, before) = names.split_last()?;
    let names = if before.is_empty() { (*last).to_owned() } else { format!("{} and {last}", before.join(", ")) };
    let minutes: f64 = pieces.iter().map(|piece| piece.minutes).sum();
    let gigabytes: f64 = pieces.iter().map(|piece| piece.gigabytes).sum();
    let room = if gigabytes < 0.1 { String::new() } else { format!(" and {gigabytes:.1} GB of disk") };
    let minutes = match minutes.round().max(1.0) {
        1.0 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    };
    Some(format!("building {names}, once: about {minutes} on two cores{room}; later builds are quick"))
}

#[cfg(test)]
mod tests {
    use super::{Piece, line};

    #[test]
    fn what_is_built_is_told_with_its_time_and_room_and_nothing_where_nothing_is() {
        assert_eq!(line(&[]), None);
        let all = [Piece::new("a", (1.0, 0.0)), Piece::new("b", (2.5, 0.0)), Piece::new("c", (4.0, 1.25))];
        let told = line(&all).unwrap();
        assert!(told.starts_with("building a, b and c, once: about 8 minutes on two cores and 1.2 GB"), "{told}");
        let told = line(&all[..1]).unwrap();
        assert!(told.starts_with("building a, once: about 1 minute on two cores;"), "{told}");
    }
}
