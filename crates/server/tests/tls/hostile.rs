//! Injection, truncation, other protocols, old versions, slow handshakes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use rustls::version::TLS12;
use rustls::{CipherSuite, ClientConfig};
use thirdhost_server::limits::{DEAF, FAREWELL, LAST_WORD};
use thirdhost_sockets::{Clock, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::site::{Site, pattern};
use super::user::{Seen, User, localhost, trusting};

//= security#S-30
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_one_segment_with_auth_ends_the_session() {
    let site = Site::start("");
    for behind in ["USER mallory\r\n", "N", "\n"] {
        let mut user = User::call(site.explicit).await;
        user.say(&format!("AUTH TLS\r\n{behind}")).await;
        assert!(user.hear().await.starts_with("234"));
        user.handshake().await.expect_err(behind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_after_auth_is_no_handshake() {
    let site = Site::start("");
    let mut user = User::call(site.explicit).await;
    assert!(user.ask("AUTH TLS").await.starts_with("234"));
    user.say("USER anonymous\r\n").await;
    let answer = user.hear().await;
    assert!(!answer.contains("331"), "{answer}");
}

//= security#S-33
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_ends_without_close_notify_is_never_acknowledged() {
    let site = Site::start("");
    site.put("f", b"the old file");
    let octets = pattern(200_000);
    let mut user = User::log_in(site.explicit).await;
    for orderly in [false, true] {
        let socket = user.passive().await;
        user.say("STOR f\r\n").await;
        let mut data = user.data(socket).await.unwrap();
        user.expect_reply("150").await;
        data.write_all(&octets).await.unwrap();
        data.flush().await.unwrap();
        if orderly {
            data.shutdown().await.unwrap();
            user.expect_reply("226").await;
            assert!(site.holds("f", &octets));
        } else {
            // The FIN alone, as an attacker on the way would send it.
            data.get_mut().0.shutdown().await.unwrap();
            user.expect_reply("426").await;
            assert!(site.holds("f", b"the old file"));
        }
    }
}

/// Where an end without close_notify is an end, it may be that of a process that was killed, as in
/// clear text: the control connection has its last word. Who says it is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn who_needs_no_close_notify_is_waited_for_as_in_clear_text() {
    let clock = Arc::new(Noting(World::real().clock, Mutex::default()));
    let waived = "close_notify_waived = [\"127.0.0.0/8\"]";
    let site = Site::by(Arc::clone(&clock) as _, waived);
    let mut user = User::log_in(site.explicit).await;
    for orderly in [true, false] {
        let socket = user.passive().await;
        user.say("STOR f\r\n").await;
        let mut data = user.data(socket).await.unwrap();
        user.expect_reply("150").await;
        data.write_all(b"octets").await.unwrap();
        data.flush().await.unwrap();
        if orderly {
            data.shutdown().await.unwrap();
        } else {
            data.get_mut().0.shutdown().await.unwrap();
        }
        user.expect_reply("226").await;
        let has_waited = clock.1.lock().unwrap().contains(&LAST_WORD);
        assert_eq!(has_waited, !orderly);
    }
}

/// Notes how long was slept.
#[derive(Debug)]
struct Noting(Arc<dyn Clock>, Mutex<Vec<Duration>>);

impl Clock for Noting {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.1.lock().unwrap().push(duration);
        self.0.sleep(duration)
    }
}

/// The end of TLS is a message too, and he takes none.
//= security#S-51
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_reads_nothing_and_goes_keeps_no_session() {
    let clock = Arc::new(Noting(World::real().clock, Mutex::default()));
    let site = Site::holding_replies(Arc::clone(&clock) as _);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(site.implicit).await.unwrap();
    let tls = trusting(&Arc::new(Seen::default()));
    let connector = TlsConnector::from(Arc::new(tls));
    let mut user = connector.connect(localhost(), stream).await.unwrap();
    let questions = "FEAT\r\n".repeat(5_000);
    user.write_all(questions.as_bytes()).await.unwrap();
    user.flush().await.unwrap();
    user.get_mut().0.shutdown().await.unwrap();
    let gone = async {
        while site.server.sessions() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(gone.is_ok(), "the session is kept");
    let waits = clock.1.lock().unwrap();
    assert_eq!(waits.iter().filter(|wait| **wait == FAREWELL).count(), 1);
    assert!(DEAF + FAREWELL < Duration::from_secs(1));
}

//= security#S-38
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_means_another_protocol_is_refused() {
    let site = Site::start("");
    for (protocols, accepted) in [
        (vec![], true),
        (vec!["ftp"], true),
        (vec!["h2", "ftp"], true),
        (vec!["http/1.1"], false),
        (vec!["h2", "smtp"], false),
    ] {
        let mut tls = trusting(&Arc::new(Seen::default()));
        tls.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(site.implicit).await.unwrap();
        let made = TlsConnector::from(Arc::new(tls))
            .connect(localhost(), stream)
            .await;
        assert_eq!(made.is_ok(), accepted, "{protocols:?}");
    }
}

//= security#S-35
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_spoken_with_forward_secrecy_alone() {
    let site = Site::start("");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Seen::default()))
        .with_no_client_auth();
    let stream = TcpStream::connect(site.implicit).await.unwrap();
    let made = TlsConnector::from(Arc::new(tls))
        .connect(localhost(), stream)
        .await
        .unwrap();
    let suite = made.get_ref().1.negotiated_cipher_suite().unwrap().suite();
    assert!(format!("{suite:?}").contains("ECDHE"), "{suite:?}");
    assert_ne!(suite, CipherSuite::TLS_NULL_WITH_NULL_NULL);
    if !super::require("openssl") {
        return;
    }
    let refused = std::process::Command::new("openssl")
        .args([
            "s_client",
            "-tls1_1",
            "-cipher",
            "ALL:@SECLEVEL=0",
            "-connect",
        ])
        .arg(site.implicit.to_string())
        .stdin(std::process::Stdio::null())
        .output();
    let refused = refused.unwrap();
    assert!(!refused.status.success(), "{refused:?}");
}

/// RFC 4217 section 14: ABOR comes in its turn, within TLS, and nothing urgent goes with it.
//= security#S-42
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn under_tls_abor_needs_no_urgent_data() {
    let site = Site::start("");
    site.put("f", &pattern(64 << 20));
    let mut user = User::log_in(site.explicit).await;
    let socket = user.passive().await;
    user.say("RETR f\r\n").await;
    let mut data = user.data(socket).await.unwrap();
    user.expect_reply("150").await;
    data.read_exact(&mut [0; 1000]).await.unwrap();
    user.expect("ABOR", "426").await;
    user.expect_reply("226").await;
    user.expect("NOOP", "200").await;
}

//= security#S-39a
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn a_data_connection_that_speaks_no_tls_is_522_and_gets_nothing() {
    let site = Site::start("");
    site.put("f", &pattern(100));
    let mut user = User::log_in(site.explicit).await;
    let socket = user.passive().await;
    user.say("RETR f\r\n").await;
    let mut data = TcpStream::connect(socket).await.unwrap();
    user.expect_reply("150").await;
    data.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    user.expect_reply("522").await;
    let mut got = Vec::new();
    // A reset is as good an end.
    let _ = data.read_to_end(&mut got).await;
    assert!(got.len() < 16, "an alert at most: {got:?}");
    user.expect("NOOP", "200").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_data_is_refused_once_the_peer_was_named() {
    let site = Site::start("");
    site.put("f", b"octets");
    let mut user = User::log_in(site.explicit).await;
    user.expect("PROT C", "200").await;
    user.passive().await;
    let pin = format!("SITE PEERCERT SHA256 {}", "00".repeat(32));
    user.expect(&pin, "200").await;
    user.expect("RETR f", "521").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rein_ends_tls_and_the_session_goes_on_in_clear() {
    let site = Site::start("");
    // By hand: the connection beneath is needed once TLS has ended.
    let mut clear = TcpStream::connect(site.explicit).await.unwrap();
    let mut line = [0; 64];
    let read = clear.read(&mut line).await.unwrap();
    assert!(line[..read].starts_with(b"220"));
    clear.write_all(b"AUTH TLS\r\n").await.unwrap();
    let read = clear.read(&mut line).await.unwrap();
    assert!(line[..read].starts_with(b"234"));
    let connector = TlsConnector::from(Arc::new(trusting(&Arc::new(Seen::default()))));
    let mut tls = connector.connect(localhost(), &mut clear).await.unwrap();
    tls.write_all(b"REIN\r\n").await.unwrap();
    let read = tls.read(&mut line).await.unwrap();
    assert!(line[..read].starts_with(b"220"));
    assert_eq!(tls.read(&mut line).await.unwrap(), 0, "close_notify");
    tls.get_mut().1.send_close_notify();
    tls.flush().await.unwrap();
    drop(tls);
    clear.write_all(b"NOOP\r\n").await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(9), clear.read(&mut line));
    let read = heard.await.unwrap().unwrap();
    assert!(line[..read].starts_with(b"200"), "{:?}", &line[..read]);
}
