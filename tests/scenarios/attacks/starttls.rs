//! Somebody between user and server puts lines behind AUTH TLS, in clear: none of them is taken for
//! one that came under TLS, however the octets are cut into segments. CVE-2011-0411 and its kin,
//! spec S-30. The same at the user's end: the client's `tests/starttls.rs`.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

use super::is_long;
use crate::support::peer;
use crate::support::secret::Server;
use crate::support::site::{SITE1, USER};

//= security#S-30
//= type=test
#[test]
fn no_segmentation_carries_a_line_across_the_handshake() {
    let server = Server::start(SITE1, "");
    fs::write(server.root.path().join("victim"), "here").unwrap();
    let config = trusting(&server);
    let mut talks = 0;
    for injected in INJECTED {
        let whole = [AUTH, injected.as_bytes()].concat();
        for cut in 0..=whole.len() {
            let (first, rest) = whole.split_at(cut);
            let mut ways = vec![vec![first, rest], vec![first, &[], rest]];
            if is_long() {
                let thirds = (1..rest.len()).map(|again| rest.split_at(again));
                ways.extend(
                    thirds
                        .clone()
                        .map(|(second, third)| vec![first, second, third]),
                );
                ways.extend(thirds.map(|(second, third)| vec![first, &[], second, third]));
            }
            for segments in ways {
                let told = talk(&server, &config, &segments);
                assert!(told.is_err(), "{injected:?} cut at {cut}: {told:?}");
                talks += 1;
            }
        }
        let octets: Vec<&[u8]> = whole.chunks(1).collect();
        let told = talk(&server, &config, &octets);
        assert!(told.is_err(), "{injected:?} octet by octet: {told:?}");
    }
    eprintln!("{talks} ways to cut {} texts", INJECTED.len());
    // Without anything behind it, it works however it is cut.
    for cut in 0..=AUTH.len() {
        let (first, rest) = AUTH.split_at(cut);
        let told = talk(&server, &config, &[first, rest]).unwrap();
        assert!(told.starts_with("503 "), "{told}");
    }
    let victim = fs::read_to_string(server.root.path().join("victim"));
    assert_eq!(victim.unwrap(), "here");
}

/// What was said in clear before the handshake counts for nothing after it.
//= security#S-30
//= type=test
#[test]
fn a_name_that_came_in_clear_is_forgotten_at_the_handshake() {
    let server = Server::start(SITE1, "");
    let config = trusting(&server);
    for before in ["USER alice\r\n", "USER alice\r\nPASS secret\r\n"] {
        let begin = [before.as_bytes(), AUTH].concat();
        let told = talk(&server, &config, &[&begin]).unwrap();
        assert!(told.starts_with("503 "), "{before:?}: {told}");
    }
}

/// Sends the segments in clear, one write each; an empty one waits for the answer to AUTH. Then
/// the handshake, and a PASS under TLS, which nobody has said USER for: what that is answered.
fn talk(server: &Server, config: &Arc<ClientConfig>, segments: &[&[u8]]) -> io::Result<String> {
    let mut stream = peer::call(USER, server.daemon.address);
    stream.set_nodelay(true)?;
    assert!(clear_line(&mut stream)?.starts_with("220 "));
    let mut is_answered = false;
    for segment in segments {
        match segment.is_empty() && !is_answered && is_auth_sent(segments) {
            true => is_answered = until_go(&mut stream)?,
            false => stream.write_all(segment)?,
        }
    }
    if !is_answered {
        until_go(&mut stream)?;
    }
    let name = ServerName::from(server.daemon.address.ip());
    let tls = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
    let mut tls = StreamOwned::new(tls, stream);
    tls.write_all(b"PASS secret\r\n")?;
    let mut told = Vec::new();
    while !told.ends_with(b"\n") {
        let mut octet = [0];
        tls.read_exact(&mut octet)?;
        told.extend(octet);
    }
    Ok(String::from_utf8_lossy(&told).into_owned())
}

/// Whether AUTH is in the first segment: only then is there an answer to wait for in between.
fn is_auth_sent(segments: &[&[u8]]) -> bool {
    segments
        .first()
        .is_some_and(|first| first.len() >= AUTH.len())
}

/// Reads replies up to the 234.
fn until_go(stream: &mut TcpStream) -> io::Result<bool> {
    while !clear_line(stream)?.starts_with("234 ") {}
    Ok(true)
}

/// A line in clear, and not an octet more.
fn clear_line(stream: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        line.extend(octet);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn trusting(server: &Server) -> Arc<ClientConfig> {
    let pem = fs::read(server.tls.path().join("server.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

const AUTH: &[u8] = b"AUTH TLS\r\n";

const INJECTED: [&str; 7] = [
    "USER alice\r\n",
    "NOOP\r\n",
    "\r\n",
    "\n",
    "N",
    "\0",
    "USER alice\r\nPASS secret\r\nDELE victim\r\n",
];
