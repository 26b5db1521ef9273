//! The server, asked over a plain connection so that nothing tidies the addresses on the way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use tempfile::TempDir;
use xtask::serve::{Server, bind, bind_to, network_address};

/// A site in a folder that has a file beside it which must stay unseen.
fn site() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    let site = folder.path().join("site");
    fs::create_dir_all(site.join("models")).unwrap();
    fs::write(site.join("index.html"), "<title>page</title>").unwrap();
    fs::write(site.join("engine.wasm"), b"\0asm").unwrap();
    fs::write(site.join("models/index.json"), "[]").unwrap();
    folder
}

fn serve(folder: &TempDir, base: &str) -> Server {
    Server::start(bind(0).unwrap(), &folder.path().join("site"), base).unwrap()
}

/// Status, lower-case head and body of the answer to a raw request target.
fn get(server: &Server, target: &str) -> (u16, String, String) {
    let url = server.url();
    let host = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(connection, "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

#[test]
fn serves_the_index_under_root_and_sub_path() {
    let folder = site();
    for base in ["/", "/some/where/"] {
        let server = serve(&folder, base);
        let (status, head, body) = get(&server, base);
        assert_eq!(status, 200, "{base}");
        assert!(head.contains("content-type: text/html"), "{head}");
        assert_eq!(body, "<title>page</title>");
        let (status, _, body) = get(&server, &format!("{base}models/index.json"));
        assert_eq!((status, body.as_str()), (200, "[]"));
    }
}

#[test]
fn a_sub_path_without_its_slash_is_redirected_and_nothing_is_outside_it() {
    let folder = site();
    let server = serve(&folder, "/some/where/");
    let (status, head, _) = get(&server, "/some/where");
    assert_eq!(status, 308);
    assert!(head.contains("location: /some/where/\r\n"), "{head}");
    assert_eq!(get(&server, "/index.html").0, 404);
}

#[test]
fn wasm_has_the_type_that_streaming_compilation_demands() {
    let folder = site();
    let (status, head, _) = get(&serve(&folder, "/sub/"), "/sub/engine.wasm");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/wasm"), "{head}");
}

#[test]
fn a_missing_file_is_404_and_not_the_index() {
    let folder = site();
    for (base, target) in [("/", "/absent.js"), ("/sub/", "/sub/absent.js")] {
        assert_eq!(get(&serve(&folder, base), target).0, 404, "{target}");
    }
}

#[test]
fn nothing_beside_the_folder_can_be_read() {
    let folder = site();
    for base in ["/", "/sub/"] {
        let server = serve(&folder, base);
        for up in ["../", "%2e%2e/", "..%2f", "models/../../", "models/%2e%2e/%2e%2e/"] {
            let (status, _, body) = get(&server, &format!("{base}{up}secret.txt"));
            assert!((400..500).contains(&status), "{base}{up}: {status}");
            assert!(!body.contains("secret"), "{base}{up}");
        }
    }
}

#[test]
fn a_port_in_use_is_one_line_that_says_what_to_do() {
    let taken = bind(0).unwrap();
    let port = taken.local_addr().unwrap().port();
    let message = format!("{:#}", bind(port).unwrap_err());
    assert!(message.contains(&port.to_string()), "{message}");
    assert!(message.contains("--port") && !message.contains('\n'), "{message}");
}

#[test]
fn a_dropped_server_gives_its_port_back() {
    let folder = site();
    let server = serve(&folder, "/");
    let port = server.url().rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    assert!(bind(port).is_err(), "the server has the port");
    drop(server);
    assert!(bind(port).is_ok(), "the port is free again");
}

#[test]
fn a_missing_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let absent = folder.path().join("absent");
    let error = Server::start(bind(0).unwrap(), &absent, "/").err().unwrap();
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn only_this_machine_sees_the_page_unless_another_address_is_chosen() {
    let folder = site();
    let server = serve(&folder, "/");
    assert!(server.url().starts_with("http://127.0.0.1:"));
    assert_eq!(server.url_outside(), None);
    let everywhere = bind_to("0.0.0.0".parse().unwrap(), 0).unwrap();
    let server = Server::start(everywhere, &folder.path().join("site"), "/base/").unwrap();
    assert!(server.url().starts_with("http://127.0.0.1:"), "an address that this machine's browser knows");
    assert_eq!(get(&server, "/base/").0, 200);
    if let Some(address) = network_address() {
        let outside = server.url_outside().unwrap();
        assert!(outside.starts_with(&format!("http://{address}:")) && outside.ends_with("/base/"), "{outside}");
        let host = outside.trim_start_matches("http://").split('/').next().unwrap();
        assert!(TcpStream::connect(host).is_ok(), "{outside}");
    }
}

#[test]
fn an_address_of_another_machine_is_one_line_that_says_what_to_do() {
    let message = format!("{:#}", bind_to("192.0.2.1".parse().unwrap(), 0).unwrap_err());
    assert!(message.contains("192.0.2.1") && message.contains("--host") && !message.contains('\n'), "{message}");
}
