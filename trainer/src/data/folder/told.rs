//! What is said of a folder, a line each.

use super::{
    contents::Contents,
    decoded::{Goes, Notes},
    parts::{MOST_CLASSES, Split},
};
use crate::data::Images;

/// Names of classes in a line, at most.
const CLASSES: usize = 10;

/// What was left out.
pub(super) fn contents(contents: &Contents) -> Vec<String> {
    let written_here = contents
        .written_here
        .iter()
        .map(|folder| format!("left out {}, which was written by this program", folder.display()));
    contents.others_told().into_iter().chain(written_here).collect()
}

/// Pictures beside the two folders of a split.
pub(super) fn neither(split: &Split, count: usize) -> Option<String> {
    let Split { training, held_out } = split;
    (count > 0).then(|| format!("left out {count} pictures that lie neither in {training} nor in {held_out}"))
}

/// The side, and what becomes of the pictures.
pub(super) fn sizes(notes: &Notes, side: usize, chosen: bool) -> String {
    let count = |is: &dyn Fn((usize, usize)) -> bool| notes.pictures.iter().filter(|note| is(note.size)).count();
    let enlarged = count(&|(height, width)| height.min(width) < side);
    let shrunk = count(&|(height, width)| height.min(width) > side);
    let cropped = count(&|(height, width)| height != width);
    let changes: Vec<String> =
        [(enlarged, "enlarged"), (shrunk, "shrunk"), (cropped, "cropped to their middle square")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
    let changes = if changes.is_empty() { "none changed".to_owned() } else { changes.join(", ") };
    let how = if chosen { " (the size that suits them; --image-size sets another)" } else { "" };
    format!("{} pictures at {side}x{side}{how}: {changes}", notes.pictures.len())
}

/// The two sides of a split.
pub(super) fn split(split: &Split, train: &Images, held_out: &Images, goes: &[Goes]) -> String {
    let Split { training, held_out: folder } = split;
    let twice = match goes.iter().filter(|&&goes| goes == Goes::Nowhere).count() {
        0 => String::new(),
        twice => format!("; left out {twice} of {folder} that are in {training} too"),
    };
    format!("{} training pictures of {training}, {} held-out ones of {folder}{twice}", train.len(), held_out.len())
}

/// That folders are no classes.
pub(super) fn too_many_classes(folders: usize) -> String {
    format!("its {folders} folders are not taken for classes, of which there may be {MOST_CLASSES}")
}

/// The classes, if there are any.
pub(super) fn classes(classes: &[String]) -> Option<String> {
    let more = if classes.len() > CLASSES { ", ..." } else { "" };
    let names = classes.iter().take(CLASSES).map(String::as_str).collect::<Vec<_>>().join(", ");
    (!classes.is_empty()).then(|| format!("{} classes by their folders: {names}{more}", classes.len()))
}
