//! Users who log in by certificate, and clients that call the server by a name. RFC 4217, RFC 7151.

use std::sync::Arc;

use rustls_pki_types::ServerName;
use thirdhost_server::tls::fingerprint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::site::{Site, pattern};
use crate::user::{Seen, User, intruding_client, showing_client, trusting};

/// A user's table: home and password as alice's.
fn table(name: &str, hash: &str, keys: &str) -> String {
    format!("[[user]]\nname = \"{name}\"\nhome = \"alice\"\n{hash}\n{keys}\n")
}

/// What USER bob and PASS secret are answered, after a handshake in which `client` shows what it
/// has, where bob has `keys`.
async fn check(keys: &str, password: bool, client: Client, expected: [&str; 2]) {
    let (own, client_of_own) = showing_client();
    let keys = keys.replace("OWN", &fingerprint(own).to_uppercase());
    let hash = format!("password = \"{}\"", Site::hash());
    let hash = if password { hash.as_str() } else { "" };
    let site = Site::start(&table("bob", hash, &keys));
    let mut user = User::call(site.explicit).await;
    user.tls = Arc::new(match client {
        Client::Own => client_of_own,
        Client::Other => intruding_client(),
        Client::None => trusting(&Arc::new(Seen::default())),
    });
    user.start_tls().await;
    let said = [user.ask("USER bob").await, user.ask("PASS secret").await];
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{keys} {client:?}: {said}");
    }
    if expected[0] == "232" {
        user.expect("PWD", "257").await;
    }
}

#[derive(Clone, Copy, Debug)]
enum Client {
    Own,
    Other,
    None,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_the_users_logs_in_without_a_password() {
    let one = "certificates = [\"SHA256:OWN\"]";
    check(one, true, Client::Own, ["232", "202"]).await;
    check(one, true, Client::Other, ["331", "230"]).await;
    check(one, true, Client::None, ["331", "230"]).await;
    check(one, false, Client::Own, ["232", "202"]).await;
    check(one, false, Client::Other, ["331", "530"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_are_wanted_neither_does_alone() {
    let both = "certificates = [\"OWN\"]\nlogin = \"both\"";
    check(both, true, Client::Own, ["331", "230"]).await;
    check(both, true, Client::Other, ["331", "530"]).await;
    check(both, true, Client::None, ["331", "530"]).await;
    // Whose password was taken away cannot log in.
    check(both, false, Client::Own, ["331", "530"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_logs_in_nobody_else_and_counts_among_the_sessions() {
    let (own, client) = showing_client();
    let keys = format!("certificates = [\"{}\"]\nsessions = 1", fingerprint(own));
    let site = Site::start(&table("bob", "", &keys));
    let mut users = Vec::new();
    for _ in 0..2 {
        let mut user = User::call(site.explicit).await;
        user.tls = Arc::new(client.clone());
        user.start_tls().await;
        users.push(user);
    }
    let [first, second] = &mut users[..] else {
        panic!("two users")
    };
    for other in ["USER alice", "USER nobody"] {
        first.expect(other, "331").await;
    }
    first.expect("USER bob", "232").await;
    second.expect("USER bob", "421").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_by_another_name_refuses_the_handshake_if_strict() {
    let top = "hosts = [\"ftp.example.org\"]\n";
    for (tls, name, accepted) in [
        ("strict_sni = true", "ftp.example.org", true),
        ("strict_sni = true", "FTP.Example.ORG", true),
        ("strict_sni = true", "www.example.org", false),
        ("strict_sni = true", "192.0.2.1", true),
        ("strict_sni = false", "www.example.org", true),
    ] {
        let site = Site::with(top, tls);
        assert_eq!(called(&site, name).await, accepted, "{tls} {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_that_strict_clients_may_use_follow_the_configuration() {
    let hosts = |name: &str| format!("hosts = [\"{name}.example.org\"]\n");
    let site = Site::with(&hosts("ftp"), "strict_sni = true");
    assert!(!called(&site, "www.example.org").await);
    site.reload(&hosts("www"), "strict_sni = true");
    assert!(called(&site, "www.example.org").await);
    assert!(!called(&site, "ftp.example.org").await);
    site.reload("", "");
    assert!(called(&site, "ftp.example.org").await);
    site.reload(&hosts("www"), "strict_sni = true");
    assert!(!called(&site, "ftp.example.org").await);
}

/// Whether a client that calls the server by `name` gets its handshake.
async fn called(site: &Site, name: &'static str) -> bool {
    let config = trusting(&Arc::new(Seen::default()));
    let stream = TcpStream::connect(site.implicit).await.unwrap();
    let name = ServerName::try_from(name).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.is_ok()
}

//= security#S-39
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn host_has_to_be_the_name_that_the_handshake_named() {
    let site = Site::start("");
    let mut user = User::call(site.explicit).await;
    user.expect("HOST other.example", "220").await;
    // The handshake names localhost.
    user.start_tls().await;
    user.expect("HOST other.example", "504").await;
    user.expect("HOST localhost", "220").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn close_notify_is_waived_for_the_networks_that_are_named() {
    let octets = pattern(100_000);
    for (network, code) in [("127.0.0.0/8", "226"), ("192.0.2.0/24", "426")] {
        let site = Site::start(&format!("close_notify_waived = [\"{network}\"]"));
        let mut user = User::log_in(site.explicit).await;
        let socket = user.passive().await;
        user.say("STOR f\r\n").await;
        let mut data = user.data(socket).await.unwrap();
        user.expect_reply("150").await;
        data.write_all(&octets).await.unwrap();
        data.flush().await.unwrap();
        data.get_mut().0.shutdown().await.unwrap();
        user.expect_reply(code).await;
        assert_eq!(site.holds("f", &octets), code == "226", "{network}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_made_by_estp_gets_its_handshake_with_the_transfer() {
    let site = Site::start("");
    site.put("f", b"octets");
    let mut user = User::log_in(site.explicit).await;
    let socket = user.passive().await;
    let stream = TcpStream::connect(socket).await.unwrap();
    let from = stream.local_addr().unwrap().port();
    let said = user.expect("ESTP", "225").await;
    assert!(said.ends_with(&format!("|{from}|)")), "{said}");
    user.expect("RETR f", "125").await;
    let connector = TlsConnector::from(Arc::clone(&user.tls));
    let mut data = connector
        .connect(crate::user::localhost(), stream)
        .await
        .unwrap();
    let mut octets = Vec::new();
    data.read_to_end(&mut octets).await.unwrap();
    assert_eq!(octets, b"octets");
    data.shutdown().await.unwrap();
    drop(data);
    user.expect_reply("226").await;
}
