//! The pictures of a folder, cut to one size, in memory once.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    iter,
    path::{Path, PathBuf},
};

use image::DynamicImage;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::room::Room;
use crate::{
    data::Images,
    error::{Error, Result},
    files,
    pictures::{self, Middle},
    progress::Progress,
};

/// Pictures that are decoded before they are put beside the others take this much memory.
const AT_ONCE: usize = 32 << 20;
/// Pictures that are being decoded take this much, on all threads together; a larger one is decoded alone.
const DECODING: u64 = 1 << 30;
/// Bytes of each pixel of a picture that is being decoded, with what its format needs on the way and its copy that is
/// turned upright.
const PER_PIXEL: u64 = 8;

/// What is known of pictures besides their pixels.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// 1 where all are grey, else 3.
    pub channels: usize,
    /// Of each picture.
    pub pictures: Vec<Note>,
    /// A line for each file that is none.
    pub skipped: Vec<String>,
    /// Whether some of them could not even be opened, which says nothing of what they are another time.
    #[serde(skip)]
    pub unopened: bool,
}

/// What is known of a picture.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Which of the files it is.
    pub file: usize,
    /// SHA-256 of its middle square, which is all that is seen of it, at the size that it had: the same at every size
    /// that it is resized to.
    pub hash: String,
    /// Rows and columns that it had.
    pub size: (usize, usize),
}

/// Pixels `[count, channels, side, side]`, in memory or still in a file.
pub(super) enum Pixels {
    Memory(Vec<u8>),
    File(BufReader<File>),
}

/// Where a picture goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    Training,
    HeldOut,
    Nowhere,
}

impl Notes {
    /// Bytes that decoding them took at its height: the largest of them at once, one on each thread, if there was room.
    pub(super) fn decoding(&self) -> u64 {
        let mut bytes: Vec<u64> = self.pictures.iter().map(|note| bytes_for(note.size)).collect();
        bytes.sort_unstable_by(|a, b| b.cmp(a));
        let largest = bytes.first().copied().unwrap_or(0);
        bytes.iter().take(rayon::current_num_threads()).sum::<u64>().min(DECODING.max(largest))
    }
}

/// Bytes that decoding a picture of this height and width takes.
fn bytes_for((height, width): (usize, usize)) -> u64 {
    PER_PIXEL * height as u64 * width as u64
}

/// A picture cut to size: one plane if it is grey, else three.
struct Square {
    planes: Vec<u8>,
    hash: String,
    size: (usize, usize),
}

/// Decodes files and cuts the pictures to size.
///
/// # Errors
/// There is no room in memory for so many. A file that is no picture is noted.
pub(super) fn decode(paths: &[PathBuf], side: usize) -> Result<(Notes, Pixels)> {
    let plane = side * side;
    let mut pixels: Vec<u8> = Vec::new();
    // All of it at once: a vector that grows is copied, and there are two of it. What is not written takes no memory.
    let most = paths.len().saturating_mul(3 * plane);
    pixels.try_reserve_exact(most).map_err(|_| {
        Error::failed(format!("{} pictures of {side}x{side} need {} MB of memory", paths.len(), most >> 20))
    })?;
    let mut notes = Notes { channels: 1, ..Notes::default() };
    let progress = Progress::new("reading pictures", paths.len());
    let room = Room::of(DECODING);
    let each = (AT_ONCE / (3 * plane)).clamp(1, 4096);
    for (part, files) in paths.chunks(each).enumerate() {
        let squares: Vec<Result<Square>> =
            files.par_iter().map(|path| square(path, side, &room)).inspect(|_| progress.step()).collect();
        for (file, square) in (part * each..).zip(squares) {
            match square {
                Ok(Square { planes, hash, size }) => {
                    if planes.len() > plane && notes.channels == 1 {
                        notes.channels = 3;
                        spread_to_colour(&mut pixels, plane);
                    }
                    (0..notes.channels * plane / planes.len()).for_each(|_| pixels.extend_from_slice(&planes));
                    notes.pictures.push(Note { file, hash, size });
                }
                Err(error) => {
                    notes.skipped.push(error.to_string());
                    notes.unopened |= !pictures::opens(&paths[file]);
                }
            }
        }
    }
    Ok((notes, Pixels::Memory(pixels)))
}

fn square(path: &Path, side: usize, room: &Room) -> Result<Square> {
    let file = pictures::Encoded::read(path)?;
    let _taken = room.take(bytes_for(file.dimensions().unwrap_or_default()));
    let decoded = file.decode()?;
    let size = (decoded.height() as usize, decoded.width() as usize);
    let picture = pictures::fit(&decoded, side, side);
    let channels = if picture.color().has_color() { 3 } else { 1 };
    let planes = pictures::planes(&picture, channels).unwrap_or_default();
    Ok(Square { planes, hash: hash(&decoded), size })
}

/// Of the middle square of an opaque picture. A grey one is hashed as the colour picture that it also is: the hash
/// depends on what it shows alone.
fn hash(picture: &DynamicImage) -> String {
    let (rows, columns) = (picture.height() as usize, picture.width() as usize);
    let Middle { top, left, height, width } = Middle::of((rows, columns), (1, 1));
    let (bytes, channels) = (picture.as_bytes(), if picture.color().has_color() { 3 } else { 1 });
    let row = |row: usize| bytes[(row * columns + left) * channels..][..width * channels].iter();
    files::sha256_of_parts(
        (top..top + height)
            .map(|at| -> Vec<u8> { row(at).flat_map(|&value| iter::repeat_n(value, 3 / channels)).collect() }),
    )
}

/// Makes three equal planes of each.
fn spread_to_colour(pixels: &mut Vec<u8>, plane: usize) {
    let count = pixels.len() / plane;
    pixels.resize(3 * pixels.len(), 0);
    // From the last, so that none is written over before it is read.
    for grey in (0..count).rev() {
        for copy in (0..3).rev() {
            pixels.copy_within(grey * plane..(grey + 1) * plane, (3 * grey + copy) * plane);
        }
    }
}

impl Pixels {
    /// Parts them, in the memory that they are in already, or out of the file into their places.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn part(self, channels: usize, side: usize, goes: &[Goes]) -> io::Result<[Images; 2]> {
        let len = channels * side * side;
        let count = |to: Goes| goes.iter().filter(|&&goes| goes == to).count();
        let images = |pixels| Images { channels, height: side, width: side, pixels, labels: Vec::new() };
        let mut held_out = Vec::with_capacity(count(Goes::HeldOut) * len);
        let training = match self {
            Self::Memory(mut pixels) => {
                let mut kept = 0;
                for (i, to) in goes.iter().enumerate() {
                    let picture = i * len..(i + 1) * len;
                    match to {
                        Goes::Training => {
                            pixels.copy_within(picture, kept);
                            kept += len;
                        }
                        Goes::HeldOut => held_out.extend_from_slice(&pixels[picture]),
                        Goes::Nowhere => {}
                    }
                }
                pixels.truncate(kept);
                pixels
            }
            Self::File(mut file) => {
                let mut training = Vec::with_capacity(count(Goes::Training) * len);
                let mut picture = vec![0; len];
                for to in goes {
                    file.read_exact(&mut picture)?;
                    match to {
                        Goes::Training => training.extend_from_slice(&picture),
                        Goes::HeldOut => held_out.extend_from_slice(&picture),
                        Goes::Nowhere => {}
                    }
                }
                training
            }
        };
        Ok([images(training), images(held_out)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_pictures_become_colour_in_their_place() {
        let mut pixels = vec![1, 2, 3, 4, 5, 6];
        spread_to_colour(&mut pixels, 2);
        assert_eq!(pixels, [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 5, 6, 5, 6, 5, 6]);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_no_lasting_knowledge() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("a.png");
        std::fs::write(&text, "no picture").unwrap();
        let unopened = |paths: &[PathBuf]| {
            let (notes, _) = decode(paths, 8).unwrap();
            assert_eq!(notes.skipped.len(), paths.len());
            notes.unopened
        };
        assert!(!unopened(std::slice::from_ref(&text)));
        assert!(unopened(&[text, folder.path().join("gone.png")]));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_picture_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.png");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (notes, _) = decode(std::slice::from_ref(&pipe), 8).unwrap();
        assert!(notes.skipped[0].ends_with("pipe.png: not a regular file") && !notes.unopened, "{:?}", notes.skipped);
    }

    #[test]
    fn a_picture_is_decoded_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        image::GrayImage::new(20, 20).save(&path).unwrap();
        let room = Room::of(1000);
        std::thread::scope(|scope| {
            let all = room.take(1000);
            let waiting = scope.spawn(|| square(&path, 8, &room).is_ok());
            std::thread::sleep(std::time::Duration::from_millis(200));
            assert!(!waiting.is_finished());
            drop(all);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn large_pictures_are_decoded_a_few_at_a_time() {
        let notes = |sizes: &[(usize, usize)]| {
            let note = |&size| Note { file: 0, hash: String::new(), size };
            Notes { pictures: sizes.iter().map(note).collect(), ..Notes::default() }.decoding()
        };
        let threads = rayon::current_num_threads();
        assert_eq!(notes(&[(100, 200); 100]), PER_PIXEL * 20_000 * threads.min(100) as u64);
        assert_eq!(notes(&[(10, 10), (100, 200)]), PER_PIXEL * (20_000 + if threads > 1 { 100 } else { 0 }));
        // Of 50 megapixels each.
        assert!(notes(&vec![(8000, 6250); 1000]) <= DECODING);
        assert_eq!(notes(&[(20_000, 10_000)]), PER_PIXEL * 200_000_000);
        assert_eq!(notes(&[]), 0);
    }

    #[test]
    fn pictures_are_parted_in_their_order() {
        let goes = [Goes::HeldOut, Goes::Training, Goes::Nowhere, Goes::Training];
        let pixels: Vec<u8> = (0..16).collect();
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &pixels).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        for pixels in [Pixels::Memory(pixels), Pixels::File(BufReader::new(file))] {
            let [training, held_out] = pixels.part(1, 2, &goes).unwrap();
            assert_eq!(training.pixels, [4, 5, 6, 7, 12, 13, 14, 15]);
            assert_eq!((held_out.pixels, held_out.channels, held_out.height), (vec![0, 1, 2, 3], 1, 2));
        }
    }
}
