//! Two servers under TLS, told of each other by the binary thirdhost, and somebody in between.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::secret::{Server, User, said};
use crate::support::site::{SITE1, SITE2};

#[test]
fn files_go_directly_between_two_servers_that_check_each_others_certificates() {
    let (one, two) = (
        Server::start(SITE1, "require = \"data\""),
        Server::start(SITE2, ""),
    );
    let user = User::new();
    fs::write(one.root.path().join("PROG1.PL1"), "one\n").unwrap();
    fs::write(two.root.path().join("PROG2.PL1"), "two\n").unwrap();
    for (schemes, expected) in [
        (["ftpes", "ftpes"], "two\none\n"),
        (["ftps", "ftpes"], "two\none\none\n"),
    ] {
        let (from, to) = (
            one.place(schemes[0], "PROG1.PL1"),
            two.place(schemes[1], "PROG2.PL1"),
        );
        let done = user.run(&["append", "--accept-new", "--no-relay", "-v", &from, &to]);
        assert!(done.status.success(), "{}", said(&done));
        let printed = String::from_utf8_lossy(&done.stdout);
        assert!(
            printed.contains("TLS with checked certificates"),
            "{printed}"
        );
        assert!(printed.contains(" 0 bytes through this host"), "{printed}");
        for shown in [&one.fingerprint, &two.fingerprint] {
            let named = format!("> SITE PEERCERT SHA256 {shown}");
            assert!(said(&done).contains(&named), "{}", said(&done));
        }
        assert_eq!(
            fs::read_to_string(two.root.path().join("PROG2.PL1")).unwrap(),
            expected
        );
    }

    fs::create_dir(one.root.path().join("tree")).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(one.root.path().join("tree").join(name), name).unwrap();
    }
    let (from, to) = (one.place("ftpes", "tree"), two.place("ftpes", "tree"));
    let done = user.run(&["cp", "-r", "--no-relay", &from, &to]);
    assert!(done.status.success(), "{}", said(&done));
    for name in ["a", "b", "c"] {
        assert_eq!(
            fs::read_to_string(two.root.path().join("tree").join(name)).unwrap(),
            name
        );
    }
}

#[test]
fn a_server_whose_control_connection_is_somebody_elses_gets_no_byte() {
    let (one, two) = (Server::start(SITE1, ""), Server::start(SITE2, ""));
    let user = User::new();
    fs::write(one.root.path().join("from"), "one\n").unwrap();
    let between = Between::start(&two);
    let place = format!("ftps://alice@{}/to", between.address);
    let from = one.place("ftpes", "from");
    // Fooled once, the user tells the source a certificate that the destination does not have.
    let done = user.run(&["append", "--accept-new", "--no-relay", "-v", &from, &place]);
    assert_eq!(done.status.code(), Some(11), "{}", said(&done));
    assert!(said(&done).contains("< 522 "), "{}", said(&done));
    assert!(!two.root.path().join("to").exists());
}

#[test]
fn one_server_in_clear_text_and_one_under_tls_meet_only_through_the_user() {
    let (one, two) = (Server::start(SITE1, ""), Server::start(SITE2, ""));
    let user = User::new();
    fs::write(one.root.path().join("from"), "one\n").unwrap();
    let (from, to) = (one.place("ftp", "from"), two.place("ftpes", "to"));
    let refused = user.run(&["append", "--accept-new", "--no-relay", &from, &to]);
    assert_eq!(refused.status.code(), Some(11), "{}", said(&refused));
    assert!(
        said(&refused).contains("in clear text"),
        "{}",
        said(&refused)
    );
    assert!(!two.root.path().join("to").exists());
    let relayed = user.run(&["append", "-v", &from, &to]);
    assert!(relayed.status.success(), "{}", said(&relayed));
    assert!(said(&relayed).contains("the source is spoken to in clear text"));
    assert_eq!(
        fs::read_to_string(two.root.path().join("to")).unwrap(),
        "one\n"
    );
}

/// Ends the TLS of a control connection, reads along, and goes on under TLS to the server.
struct Between {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Between {
    fn start(server: &Server) -> Self {
        let own = Server::start(SITE2, "");
        let pem = |server: &Server, name: &str| fs::read(server.tls.path().join(name)).unwrap();
        let chain = |server| CertificateDer::from_pem_slice(&pem(server, "server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&pem(&own, "server.key")).unwrap();
        let provider = || Arc::new(rustls::crypto::ring::default_provider());
        let accept = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain(&own)], key)
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(chain(server)).unwrap();
        let connect = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let beyond = SocketAddr::new(server.daemon.address.ip(), server.implicit);
        let runtime = Runtime::new().unwrap();
        let listener = runtime
            .block_on(TcpListener::bind((beyond.ip(), 0)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let (accept, connect) = (TlsAcceptor::from(Arc::new(accept)), Arc::new(connect));
            while let Ok((stream, _)) = listener.accept().await {
                let mut near = accept.accept(stream).await.unwrap();
                let stream = TcpStream::connect(beyond).await.unwrap();
                let name = ServerName::from(beyond.ip());
                let far = TlsConnector::from(connect.clone()).connect(name, stream);
                let mut far = far.await.unwrap();
                tokio::spawn(async move {
                    // Whoever ends it, it is over.
                    tokio::io::copy_bidirectional(&mut near, &mut far)
                        .await
                        .ok();
                });
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }
}
