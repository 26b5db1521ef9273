//! Downloads where a company's own certificate stands in place of the server's. On Linux, whose trust a test can change.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use common::trainer;
use rustls::{ServerConfig, ServerConnection, Stream, crypto::ring, pki_types::PrivateKeyDer};

/// A server whose certificate nobody knows, and which has no file: its address and its certificate.
fn server() -> (String, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for visitor in listener.incoming() {
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let mut visitor = visitor.unwrap();
            let mut stream = Stream::new(&mut connection, &mut visitor);
            // Who does not trust the certificate leaves before the question.
            if stream.read(&mut [0; 4096]).is_ok() {
                let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (address, own.cert.pem())
}

#[test]
fn a_company_s_certificate_is_trusted_where_the_machine_trusts_it() {
    let (address, certificate) = server();
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    let fetch = || {
        let mut fetch = trainer();
        fetch.args(["data", "fetch", "mnist", "--dir"]).arg(folder.path().join("mnist"));
        // A proxy of this machine would not find the server.
        for proxy in ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            fetch.env_remove(proxy);
        }
        fetch.env("TRAINER_DATA_URL", &address).env("SSL_CERT_FILE", &trusted).env_remove("SSL_CERT_DIR");
        let failed = fetch.assert().failure();
        String::from_utf8(failed.get_output().stderr.clone()).unwrap()
    };
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&trusted, stranger.cert.pem()).unwrap();
    let told = fetch();
    assert!(told.contains("certificate is not trusted") && told.contains("--data-dir"), "{told}");
    // Trusted, the server is asked, and says what it has.
    fs::write(&trusted, certificate).unwrap();
    let told = fetch();
    assert!(told.contains("the server has no such file (404)"), "{told}");
}
