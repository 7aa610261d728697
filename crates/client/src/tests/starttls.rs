//! Somebody between user and server puts replies behind the answer to AUTH TLS, in clear: they are
//! never taken for the server's own, however the octets are cut. CVE-2021-22947, spec S-31.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::net;
use crate::fake::{Accept, Data};
use crate::{ControlConn, Credentials, Environment, Error, Security, Server};

const SITE: &str = "9.9.9.9:21";
const GO: &str = "234 go on\r\n";

//= security#S-31
//= type=test
#[tokio::test(start_paused = true)]
async fn no_segmentation_carries_a_reply_across_the_handshake() {
    for injected in [
        "220 ready\r\n",
        "331 password\r\n",
        "230 in\r\n331 password\r\n230 in\r\n200 ok\r\n",
        "421 bye\r\n",
        "\r\n",
        "\n",
        "2",
        "\0",
    ] {
        let whole = format!("{GO}{injected}").into_bytes();
        for security in [Security::Explicit, Security::Offered] {
            for cut in 0..=whole.len() {
                let (first, rest) = whole.split_at(cut);
                check(security, vec![first.to_vec(), rest.to_vec()]).await;
            }
            check(security, whole.chunks(1).map(<[u8]>::to_vec).collect()).await;
        }
    }
}

/// The answer to AUTH comes in these pieces, and after it nothing.
async fn check(security: Security, pieces: Vec<Vec<u8>>) {
    let (net, heard) = (net(), Arc::new(Mutex::new(Vec::new())));
    let (kept, said) = (heard.clone(), pieces.clone());
    let accept: Accept = Arc::new(move |stream| {
        let (kept, said) = (kept.clone(), said.clone());
        tokio::spawn(async move { between(stream, &said, &kept).await });
    });
    net.data(SITE, Data::Accept(accept));
    let server = Server::at(SITE.parse().unwrap()).secured(security);
    let opened = log_in(&net.environment(), server).await;
    assert!(opened.is_err(), "{security:?} {pieces:?}");
    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
    for word in ["USER", "PASS", "secret"] {
        assert!(!heard.contains(word), "{security:?} {pieces:?}: {heard:?}");
    }
}

/// Nobody's end of the dialogue: all of what is said in clear is kept.
async fn between(mut stream: DuplexStream, pieces: &[Vec<u8>], kept: &Mutex<Vec<u8>>) {
    let mut octets = [0; 4096];
    stream.write_all(b"220 ready\r\n").await.unwrap();
    let mut is_answered = false;
    while let Ok(read @ 1..) = stream.read(&mut octets).await {
        kept.lock().unwrap().extend_from_slice(&octets[..read]);
        let line = String::from_utf8_lossy(&octets[..read]).into_owned();
        let sent = match line.as_str() {
            "FEAT\r\n" => stream.write_all(b"211-\r\n AUTH TLS\r\n211 \r\n").await,
            "AUTH TLS\r\n" if !is_answered => {
                is_answered = true;
                say(&mut stream, pieces).await
            }
            _ => Ok(()),
        };
        // The client may have left at any of the pieces.
        if sent.is_err() {
            return;
        }
    }
}

async fn say(stream: &mut DuplexStream, pieces: &[Vec<u8>]) -> std::io::Result<()> {
    for piece in pieces {
        stream.write_all(piece).await?;
        // The client reads what has come before there is more.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn log_in(environment: &Environment, server: Server) -> Result<(), Error> {
    let mut conn = ControlConn::connect(environment, server).await?;
    conn.login(&Credentials::new("u", "secret").unwrap()).await
}
