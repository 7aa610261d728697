//! Callers that take the server for another one. Spec S-38.

use std::sync::Arc;

use thirdhost_server::store::MemoryStore;

use crate::client::{User, start};

//= security#S-38
//= type=test
#[tokio::test]
async fn a_browser_a_mailer_and_a_tls_client_are_told_goodbye_at_once() {
    let (_server, address) = start("", Arc::new(MemoryStore::new()));
    for first in [
        &b"POST / HTTP/1.1\r\nHost: a\r\n\r\nUSER alice\r\n"[..],
        b"EHLO example.org\r\nNOOP\r\n",
        b"SSH-2.0-OpenSSH_10.0\r\n",
        // A ClientHello has no CRLF to wait for.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let (mut user, _) = User::connect(address).await;
        user.say_octets(first).await;
        let said = user.reply().await;
        assert!(said.starts_with("421 "), "{first:?}: {said}");
        assert_eq!(user.reply().await, "", "{first:?}: closed");
    }
}
