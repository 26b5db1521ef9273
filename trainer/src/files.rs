//! Output files: a reader sees the old file or the whole new one, never half of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use user_files::{POINTER, is_pointer, without_byte_order_mark};

use crate::error::{Error, Result};

/// Writes `path` through a temporary file beside it that replaces it only once it is complete and on the disk.
///
/// Fails with one line that names the path and the reason; what stood at `path` before is then untouched.
pub fn write_atomically(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut draft = Draft::beside(path)?;
    fill(&mut draft.writer).map_err(|error| unwritable(path, &error))?;
    draft.commit()
}

/// Fails early, before long work, when `path` could not be written later.
pub fn check_writable(path: &Path) -> Result<()> {
    Draft::beside(path).map(drop)
}

/// What the name of a file ends in that is not whole yet.
pub const UNFINISHED: &str = ".part";

/// Bytes of a name that a draft still has in its own: of 255, less what makes it one.
const LONGEST: usize = 240;

/// The new content of a file while it is being written; dropped without [`Draft::commit`], nothing stays behind.
pub struct Draft {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Draft {
    /// An empty draft of `path`, whose folder must exist.
    pub fn beside(path: &Path) -> Result<Self> {
        // Temporary files are private by default; an output has the permissions of any new file.
        Self::with_mode(path, 0o666)
    }

    /// One that nobody but its owner can read.
    pub fn private(path: &Path) -> Result<Self> {
        Self::with_mode(path, 0o600)
    }

    fn with_mode(path: &Path, mode: u32) -> Result<Self> {
        let target = target(path)?;
        let folder = folder_of(&target);
        let mut prefix = OsString::from(".");
        // A name may be as long as names can be; the draft's is longer.
        prefix.push(target.file_name().filter(|name| name.len() <= LONGEST).unwrap_or_default());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(UNFINISHED);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        let file = builder.tempfile_in(folder).map_err(|error| match error.kind() {
            _ if !folder.exists() => {
                Error::input(format!("{}: there is no folder {}; create it first", path.display(), folder.display()))
            }
            _ => unwritable(path, &error),
        })?;
        Ok(Self { writer: BufWriter::new(file), path: target })
    }

    /// Where the unfinished content lies until the commit; [`Write::flush`] first.
    pub fn unfinished(&self) -> &Path {
        self.writer.get_ref().path()
    }

    /// Puts the content in place of the file, durably.
    pub fn commit(self) -> Result<()> {
        let Self { writer, path } = self;
        let fail = |error: &io::Error| unwritable(&path, error);
        let file = writer.into_inner().map_err(|error| fail(error.error()))?;
        sync(file.as_file()).map_err(|error| fail(&error))?;
        file.persist(&path).map_err(|error| fail(&error.error))?;
        sync_folder(folder_of(&path)).map_err(|error| fail(&error))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Puts a file on the disk, as far as its file system can be asked to: shares of other machines and file systems of
/// programs may not have that, and are written all the same.
///
/// # Errors
/// The disk is full or broken.
pub fn sync(file: &File) -> io::Result<()> {
    as_far_as_possible(as_far_as_possible(file.sync_all(), || plainly(file)), || Ok(()))
}

/// Puts what was created and renamed in a folder on the disk, where systems ask for that; Windows opens no folder as a
/// file, and does it by itself.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { sync(&File::open(folder)?) }
}

/// On a Mac the standard library has the disk empty its own memory too, which shares cannot do.
fn plainly(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    return rustix::fs::fsync(file).map_err(io::Error::from);
    #[cfg(not(unix))]
    file.sync_all()
}

/// What came of it, or what else can be done where the file system does not know how.
fn as_far_as_possible(outcome: io::Result<()>, other: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if is_unknown(&error) => other(),
        outcome => outcome,
    }
}

fn is_unknown(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let known = [Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOTTY];
        if Errno::from_io_error(error).is_some_and(|number| known.contains(&number)) {
            return true;
        }
    }
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// The content of a file, without the byte order mark that some editors put before a text.
///
/// # Errors
/// It cannot be read, or is a Git LFS pointer. One line, that names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let wrong = |what: &str| Error::input(format!("{}: {what}", path.display()));
    let bytes = fs::read(path).map_err(|error| wrong(&reason(&error)))?;
    if is_pointer(&bytes) {
        return Err(wrong(POINTER));
    }
    let text = without_byte_order_mark(&bytes);
    Ok(if text.len() < bytes.len() { text.to_vec() } else { bytes })
}

/// The SHA-256 of bytes in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    sha256_of_parts([bytes])
}

/// The SHA-256 of bytes that come in parts, in hexadecimal digits.
pub fn sha256_of_parts(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    hex::encode(hasher.finalize())
}

/// The SHA-256 of all that can be read, however much it is, in hexadecimal digits.
///
/// # Errors
/// Reading fails.
pub fn sha256_of(mut content: impl Read) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// What is wrong, in a few words, without the operating system's error number.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::StorageFull => "no space left on the disk".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".into(),
        io::ErrorKind::InvalidFilename => "the name is too long or not allowed".into(),
        io::ErrorKind::NotADirectory => "a part of the path is a file, where a folder should be".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        io::ErrorKind::AlreadyExists => "something of that name is there already".into(),
        io::ErrorKind::QuotaExceeded => "no more may be written to the disk".into(),
        _ if is_circle(error) => "its symbolic links lead in a circle".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    }
}

/// Whether links lead to themselves, of which the standard library has no stable kind.
fn is_circle(error: &io::Error) -> bool {
    #[cfg(unix)]
    return rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// The file that a write to `path` replaces: links are followed; folders, devices and pipes are refused.
fn target(path: &Path) -> Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            Err(Error::input(format!("{}: it is a folder; give the name of a file", path.display())))
        }
        Ok(found) if !found.is_file() => {
            Err(Error::input(format!("{}: it is not a regular file; give the name of one", path.display())))
        }
        Ok(_) => fs::canonicalize(path).map_err(|error| unwritable(path, &error)),
        Err(_) if path.file_name().is_none() || path.as_os_str().to_string_lossy().ends_with('/') => {
            Err(Error::input(format!("\"{}\": it names no file; give the name of one", path.display())))
        }
        // A link whose file is not there yet: it is made where the link leads.
        Err(error) => match fs::read_link(path) {
            Ok(to) if error.kind() == io::ErrorKind::NotFound => target(&folder_of(path).join(to)),
            _ => Ok(path.to_path_buf()),
        },
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let text = format!("{}: cannot be written: {}", path.display(), reason(error));
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::NotADirectory => Error::Input(text),
        _ => Error::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files_in(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_may_be_as_long_as_names_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let name = "x".repeat(255);
        write_atomically(&folder.path().join(&name), |w| w.write_all(b"new")).unwrap();
        assert_eq!(files_in(folder.path()), [name]);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_what_is_not_there_yet_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [link, again, place] = ["link", "again", "place"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink("again", &link).unwrap();
        std::os::unix::fs::symlink(&place, &again).unwrap();
        write_atomically(&link, |w| w.write_all(b"new")).unwrap();
        assert!(link.is_symlink() && again.is_symlink() && fs::read(place).unwrap() == b"new");
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        write_atomically(&circle, |w| w.write_all(b"new")).unwrap();
    }

    #[test]
    fn replaces_the_whole_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bin");
        fs::write(&path, "a longer, older text").unwrap();
        write_atomically(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(files_in(folder.path()), ["out.bin"]);
    }

    #[test]
    fn byte_order_marks_are_left_out_and_pointers_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        fs::write(&path, b"\xEF\xBB\xBF{\r\n}").unwrap();
        assert_eq!(read(&path).unwrap(), b"{\r\n}");
        fs::write(&path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("model.json: a Git LFS pointer") && error.exit_code() == 2, "{error}");
    }

    #[test]
    fn a_failure_half_way_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bin");
        fs::write(&path, "old").unwrap();
        let error = write_atomically(&path, |w| {
            w.write_all(&vec![0; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert_eq!(error.to_string(), format!("{}: cannot be written: no space left on the disk", path.display()));
        assert_eq!(error.exit_code(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(files_in(folder.path()), ["out.bin"]);
    }

    #[test]
    fn where_nothing_can_be_synced_files_are_written_all_the_same() {
        let unknown = || Err(io::ErrorKind::Unsupported.into());
        as_far_as_possible(unknown(), || Ok(())).unwrap();
        as_far_as_possible(as_far_as_possible(unknown(), unknown), || Ok(())).unwrap();
        let full = as_far_as_possible(Err(io::ErrorKind::StorageFull.into()), || Ok(())).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        // A file and a folder that the system says this of.
        if cfg!(target_os = "linux") {
            sync(&File::open("/dev/null").unwrap()).unwrap();
            sync_folder(Path::new("/proc")).unwrap();
        }
    }

    #[test]
    fn unusable_targets_are_refused_early_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for (path, why) in [
            (folder.path().to_path_buf(), "it is a folder"),
            (folder.path().join("missing/out.png"), "there is no folder"),
            (file.join("out.png"), "cannot be written: a part of the path is a file"),
            (PathBuf::from("/"), "it is a folder"),
            (PathBuf::new(), "it names no file"),
            (folder.path().join("new/"), "it names no file"),
        ] {
            let error = check_writable(&path).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
        assert_eq!(files_in(folder.path()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_refused_links_are_kept_and_permissions_are_ordinary() {
        use std::os::unix::fs::PermissionsExt;
        assert!(check_writable(Path::new("/dev/null")).unwrap_err().to_string().contains("not a regular file"));
        let folder = tempfile::tempdir().unwrap();
        let (real, link, plain) = (folder.path().join("real"), folder.path().join("link"), folder.path().join("plain"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomically(&link, |w| w.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        File::create(&plain).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&real), mode(&plain));
    }
}
