//! Server to server under PROT P, with and without somebody in between. Spec D-20 to D-23.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::site::{Site, pattern};
use super::user::{User, intruding_client, intruding_server, localhost, trusting};

/// Which end is the TLS client, and how it is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Client {
    Listener,
    Caller,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_were_told_of_each_other_transfer_under_tls() {
    for client in [Client::Listener, Client::Caller] {
        let pair = Pair::new().await;
        let (source, destination) = (pair.a.fingerprint(), pair.b.fingerprint());
        let replies = pair.copy(client, &source, &destination).await;
        assert_eq!(replies, ["226", "226"], "{client:?}");
        assert!(pair.b.holds("f", &pair.octets), "{client:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_of_files_goes_over_one_protected_connection() {
    for client in [Client::Listener, Client::Caller] {
        let pair = Pair::new().await;
        for name in ["a", "c"] {
            pair.a.put(name, name.as_bytes());
        }
        let (source, destination) = (pair.a.fingerprint(), pair.b.fingerprint());
        let (mut from, mut to) = pair
            .arranged(client, true, Some(&source), Some(&destination))
            .await;
        from.say("RETR a\r\nRETR b\r\nRETR f\r\nRETR c\r\n").await;
        to.say("STOR a\r\nSTOR b\r\nSTOR f\r\nSTOR c\r\n").await;
        let (from, to) = (from.finals(4).await, to.finals(4).await);
        assert_eq!(from, ["250", "550", "250", "250"], "{client:?}");
        assert_eq!(to, ["250", "451", "250", "250"], "{client:?}");
        assert!(pair.b.holds("a", b"a") && pair.b.holds("c", b"c"));
        assert!(pair.b.holds("f", &pair.octets) && !pair.b.file("b").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fingerprint_is_the_one_seen_on_the_control_connection() {
    let pair = Pair::new().await;
    let user = User::log_in(pair.a.explicit).await;
    assert_eq!(user.seen.fingerprint(), pair.a.fingerprint());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_certificate_is_522_and_no_byte_is_stored() {
    for client in [Client::Listener, Client::Caller] {
        for wrong_at_source in [false, true] {
            let pair = Pair::new().await;
            let wrong = "42".repeat(32);
            let (source, destination) = (pair.a.fingerprint(), pair.b.fingerprint());
            let [from, to] = if wrong_at_source {
                // The source was told another certificate than the destination has.
                pair.copy(client, &source, &wrong).await
            } else {
                pair.copy(client, &wrong, &destination).await
            };
            let (refusing, other) = if wrong_at_source {
                (from, to)
            } else {
                (to, from)
            };
            assert_eq!(refusing, "522", "{client:?} {wrong_at_source}");
            assert!(["426", "522"].contains(&other.as_str()), "{other}");
            assert!(!pair.b.file("f").exists(), "{client:?} {wrong_at_source}");
        }
    }
}

//= security#S-36
//= type=test
//= security#S-7
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn nobody_vouching_for_the_peer_is_522_in_the_client_role() {
    // CPSV, as other user-PIs send it: no fingerprint, and no CA knows our certificate.
    let pair = Pair::new().await;
    let mut to = User::log_in(pair.b.explicit).await;
    let reply = to.expect("CPSV", "227").await;
    let numbers: Vec<u16> = reply
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    let port = numbers[5] * 256 + numbers[6];
    let mut from = User::log_in(pair.a.explicit).await;
    let (high, low) = (port / 256, port % 256);
    from.expect(&format!("PORT 127,0,0,2,{high},{low}"), "200")
        .await;
    to.say("STOR f\r\n").await;
    from.say("RETR f\r\n").await;
    to.expect_reply("150").await;
    from.expect_reply("150").await;
    to.expect_reply("522").await;
    assert!(!pair.b.file("f").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intruder_that_calls_gets_522_and_no_byte() {
    let pair = Pair::new().await;
    for shows_certificate in [true, false] {
        let mut user = User::log_in(pair.a.explicit).await;
        let port = user.socket("LSTN S").await;
        let pin = format!("SITE PEERCERT SHA256 {}", pair.b.fingerprint());
        user.expect(&pin, "200").await;
        user.say("RETR f\r\n").await;
        user.expect_reply("150").await;
        let tls = if shows_certificate {
            intruding_client()
        } else {
            trusting(&user.seen)
        };
        let to = SocketAddr::new(pair.a.explicit.ip(), port);
        let stream = TcpStream::connect(to).await.unwrap();
        let made = TlsConnector::from(Arc::new(tls))
            .connect(localhost(), stream)
            .await;
        let mut got = Vec::new();
        if let Ok(mut made) = made {
            made.read_to_end(&mut got).await.unwrap_err();
        }
        user.expect_reply("522").await;
        assert!(got.is_empty());
    }
}

//= security#S-36
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn an_intruder_that_is_called_gets_522_and_no_byte() {
    let pair = Pair::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut user = User::log_in(pair.a.explicit).await;
    user.expect("SSCN ON", "200 SSCN:CLIENT METHOD").await;
    user.socket(&format!("SOCK 127.0.0.1,{port}")).await;
    let pin = format!("SITE PEERCERT SHA256 {}", pair.b.fingerprint());
    user.expect(&pin, "200").await;
    user.say("RETR f\r\n").await;
    let (stream, _) = listener.accept().await.unwrap();
    let made = TlsAcceptor::from(Arc::new(intruding_server()))
        .accept(stream)
        .await;
    let mut got = Vec::new();
    if let Ok(mut made) = made {
        made.read_to_end(&mut got).await.unwrap_err();
    }
    user.expect_reply("150").await;
    user.expect_reply("522").await;
    assert!(got.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_fingerprints_are_demanded_a_third_host_without_one_is_522() {
    for client in [Client::Listener, Client::Caller] {
        let pair = Pair::with("peer_verify = \"pinned\"").await;
        let (mut from, mut to) = pair.arranged(client, false, None, None).await;
        from.expect("RETR f", "522").await;
        to.expect("STOR f", "522").await;
        assert!(!pair.b.file("f").exists());
    }
}

/// A source on one host and a destination on another.
struct Pair {
    a: Site,
    b: Site,
    octets: Vec<u8>,
}

impl Pair {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(tls: &str) -> Self {
        let (a, b) = (Site::start(tls), Site::at("127.0.0.2", tls));
        let octets = pattern(700_001);
        a.put("f", &octets);
        Self { a, b, octets }
    }

    /// As [`Self::copy_with`]; the destination is told `source`, the source `destination`.
    async fn copy(&self, client: Client, source: &str, destination: &str) -> [String; 2] {
        self.copy_with(client, Some(source), Some(destination))
            .await
    }

    /// RFC 438's order with TLS. The codes of the final replies of source and destination.
    async fn copy_with(
        &self,
        client: Client,
        source: Option<&str>,
        destination: Option<&str>,
    ) -> [String; 2] {
        let (mut from, mut to) = self.arranged(client, false, source, destination).await;
        from.say("RETR f\r\n").await;
        to.say("STOR f\r\n").await;
        from.expect_reply("150").await;
        to.expect_reply("150").await;
        let code = |reply: String| reply[..3].to_owned();
        [code(from.hear().await), code(to.hear().await)]
    }

    /// The destination listens, the source will call.
    async fn arranged(
        &self,
        client: Client,
        pipelined: bool,
        source: Option<&str>,
        destination: Option<&str>,
    ) -> (User, User) {
        let mut from = User::log_in(self.a.explicit).await;
        let mut to = User::log_in(self.b.explicit).await;
        for user in [&mut from, &mut to] {
            if pipelined {
                user.expect("MODE B", "200").await;
                user.expect("OPTS PIPELINE ON", "200").await;
            }
        }
        let listening = to.socket("LSTN R").await;
        let calling = from.socket(&format!("SOCK 127.0.0.2,{listening}")).await;
        assert_eq!(
            to.socket(&format!("SOCK 127.0.0.1,{calling}")).await,
            listening
        );
        if let Some(source) = source {
            to.expect(&format!("SITE PEERCERT SHA256 {source}"), "200")
                .await;
        }
        if let Some(destination) = destination {
            from.expect(&format!("SITE PEERCERT SHA256 {destination}"), "200")
                .await;
        }
        let told = match client {
            Client::Listener => &mut to,
            Client::Caller => &mut from,
        };
        told.expect("SSCN ON", "200 SSCN:CLIENT METHOD").await;
        (from, to)
    }
}
