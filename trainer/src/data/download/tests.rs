//! Downloads from a local server that behaves well or badly.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use super::*;
use crate::data::catalogue::Format;
use crate::data::idx::tests::{file, gzip};

/// How long tests wait for what comes at once or never.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server that gives each request, in turn, one of these answers, closing the connection after it.
fn serve(answers: Vec<Vec<u8>>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server =
        thread::spawn(move || answers.into_iter().map(|answer| respond(visitor(&listener), &answer)).collect());
    (address, server)
}

/// The next who asks.
///
/// # Panics
/// Nobody does: a proxy may have been asked instead.
fn visitor(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let begun = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                // On some systems it is as the listener is.
                stream.set_nonblocking(false).unwrap();
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                return stream;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < DEADLINE => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("nobody asked the server: {error}"),
        }
    }
}

fn respond(mut stream: TcpStream, answer: &[u8]) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    stream.write_all(answer).unwrap();
    String::from_utf8(request).unwrap().lines().next().unwrap().to_owned()
}

fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A set of one gzipped file, with the checksum of `file(3, 5, 4)`.
const SOURCE: Source = Source {
    url: "http://127.0.0.1:1",
    files: &[Published {
        name: "pictures.gz",
        sha256: "bb6c0fe4ef1e3524425de84fc0e1f05dc7140b46b8594a87aa0dcb4c1624c708",
        of_unpacked: true,
    }],
    labels: &[],
    package: None,
};

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_right_file_is_kept_and_not_downloaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new/folder");
    let good = gzip(&file(3, 5, 4));
    let (address, server) = serve(vec![answer("200 OK", good.len(), &good)]);
    for _ in 0..2 {
        fetch("tiny", &SOURCE, &place, Some(&format!("{address}/")), &[]).unwrap();
    }
    assert_eq!(server.join().unwrap(), ["GET /tiny/pictures.gz HTTP/1.1"]);
    assert_eq!(fs::read(place.join("pictures.gz")).unwrap(), good);
    assert_eq!(names_in(&place), ["pictures.gz"]);
}

#[test]
fn an_unpacked_file_is_not_downloaded_again() {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = folder.path().join("pictures");
    fs::write(&unpacked, file(3, 5, 4)).unwrap();
    fetch("tiny", &SOURCE, folder.path(), None, &[]).unwrap();
    assert_eq!(names_in(folder.path()), ["pictures"]);
    // One's own would not be read any more.
    fs::write(&unpacked, file(3, 4, 5)).unwrap();
    let error = fetch("tiny", &SOURCE, folder.path(), None, &[]).unwrap_err();
    assert!(error.to_string().contains("pictures: it is not the published file") && error.exit_code() == 2, "{error}");
}

#[test]
fn a_new_folder_is_not_left_behind_empty() {
    let folder = tempfile::tempdir().unwrap();
    fetch("tiny", &SOURCE, &folder.path().join("new/folder"), None, &[]).unwrap_err();
    assert!(names_in(folder.path()).is_empty());
    // What was there before stays.
    fs::create_dir(folder.path().join("old")).unwrap();
    fetch("tiny", &SOURCE, &folder.path().join("old/new"), None, &[]).unwrap_err();
    assert_eq!(names_in(folder.path()), ["old"]);
    assert!(names_in(&folder.path().join("old")).is_empty());
}

#[test]
fn a_damaged_file_on_the_disk_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let good = gzip(&file(3, 5, 4));
    fs::write(folder.path().join("pictures.gz"), &good[..20]).unwrap();
    let (address, server) = serve(vec![answer("200 OK", good.len(), &good)]);
    fetch("tiny", &SOURCE, folder.path(), Some(&address), &[]).unwrap();
    server.join().unwrap();
    assert_eq!(fs::read(folder.path().join("pictures.gz")).unwrap(), good);
}

#[test]
fn a_file_of_one_s_own_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let own = gzip(&file(3, 4, 5));
    fs::write(folder.path().join("pictures.gz"), &own).unwrap();
    let error = fetch("tiny", &SOURCE, folder.path(), None, &[]).unwrap_err();
    assert!(
        error.to_string().contains("pictures.gz: it is whole, but not the published file") && error.exit_code() == 2,
        "{error}"
    );
    assert_eq!(fs::read(folder.path().join("pictures.gz")).unwrap(), own);
}

#[test]
fn whatever_goes_wrong_is_one_line_and_leaves_nothing() {
    let (good, other) = (gzip(&file(3, 5, 4)), gzip(&file(3, 4, 5)));
    for (answer, why) in [
        (answer("404 Not Found", 0, b""), "no such file (404)"),
        (answer("503 Service Unavailable", 0, b""), "status 503"),
        (answer("200 OK", good.len(), &good[..good.len() - 9]), "broke off"),
        (answer("200 OK", good.len() - 9, &good[..good.len() - 9]), "damaged"),
        (answer("200 OK", other.len(), &other), "the SHA-256 is"),
        (answer("200 OK", 21, b"<html>log in here</html>"), "the SHA-256 is"),
        (answer("200 OK", 0, b""), "the SHA-256 is"),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (address, server) = serve(vec![answer]);
        let error = fetch("tiny", &SOURCE, folder.path(), Some(&address), &[]).unwrap_err();
        server.join().unwrap();
        println!("{error}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("{address}/tiny/pictures.gz: ")) && text.contains(why), "{text}");
        assert_eq!((text.lines().count(), error.exit_code()), (1, 1));
        assert!(names_in(folder.path()).is_empty());
    }
}

#[test]
fn an_unreachable_server_and_an_unusable_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = fetch("tiny", &SOURCE, folder.path(), None, &[]).unwrap_err();
    assert!(error.to_string().starts_with("http://127.0.0.1:1/pictures.gz: the server cannot be reached"), "{error}");
    let error = fetch("tiny", &SOURCE, folder.path(), Some("no address"), &[]).unwrap_err();
    println!("{error}");
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let error = fetch("tiny", &SOURCE, &blocked.join("sub"), None, &[]).unwrap_err();
    assert!(error.to_string().contains("file is a file; give a folder") && error.exit_code() == 2, "{error}");
    let error = fetch("tiny", &SOURCE, &blocked, None, &[]).unwrap_err().to_string();
    assert!(error.ends_with("file: it is a file; give a folder"), "{error}");
}

#[test]
fn a_file_of_another_set_is_not_replaced() {
    // Another set has a file of the same name, as Fashion-MNIST has MNIST's.
    const OTHER: Set = Set { name: "other", about: "", licence: "", format: Format::Idx(SOURCE) };
    const WANTED: Source = Source { files: &[Published { sha256: "0", ..SOURCE.files[0] }], ..SOURCE };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pictures.gz");
    let theirs = gzip(&file(3, 5, 4));
    fs::write(&place, &theirs).unwrap();
    let error = fetch("tiny", &WANTED, folder.path(), None, &[OTHER]).unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("pictures.gz: it is a file of other, and would be replaced"), "{error}");
    assert_eq!((error.exit_code(), fs::read(&place).unwrap()), (2, theirs));
    // Damaged it is nobody's.
    fs::write(&place, "damaged").unwrap();
    let error = fetch("tiny", &WANTED, folder.path(), None, &[OTHER]).unwrap_err();
    assert!(error.to_string().contains("the server cannot be reached"), "{error}");
}

#[test]
fn a_certificate_that_is_not_trusted_is_no_missing_network() {
    let untrusted = io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer");
    let told = explain(&ureq::Error::Io(untrusted));
    assert!(told.contains("certificate is not trusted") && told.contains("--data-dir"), "{told}");
    assert!(!told.contains("reached"), "{told}");
}
