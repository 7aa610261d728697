//! Our own data connections: lying addresses, stalls, refusals, and listings.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{net, path, polite};
use crate::fake::{Answer, Data, FakeNet, Later, say};
use crate::{Error, ExitCode, Listing};

const SITE: &str = "9.9.9.9:21";
const DATA: &str = "9.9.9.9:40000";

/// A server whose passive replies and transfer replies are given.
fn server(net: &FakeNet, epsv: &'static str, pasv: &'static str, transfer: &'static str) {
    net.control(SITE, move |line| match line.split(' ').next() {
        Some("EPSV") if epsv.is_empty() => say("500 what?"),
        Some("EPSV") => say(epsv),
        Some("PASV") => say(pasv),
        Some("RETR" | "STOR" | "APPE" | "MLSD" | "LIST") => {
            Answer::Say(transfer.replace('|', "\r\n") + "\r\n")
        }
        _ => polite(line, "MLST type*;size*;"),
    });
}

async fn get(net: &FakeNet) -> (Vec<u8>, Result<u64, Error>) {
    let mut conn = net.login(SITE).await.unwrap();
    let mut file = Vec::new();
    let name = path("a");
    let got = conn.get(&name, &mut file);
    let got = tokio::time::timeout(std::time::Duration::from_secs(3600), got).await;
    (file, got.expect("the client hangs"))
}

const EPSV: &str = "229 Entering (|||40000|)";
const PASV: &str = "227 Entering (9,9,9,9,156,64)";
const DONE: &str = "150 here|226 done";

//= security#S-20
//= type=test
//= security#S-66
//= type=test
#[tokio::test(start_paused = true)]
async fn a_file_comes_by_epsv_or_by_pasv_and_always_from_the_servers_own_address() {
    for (epsv, pasv) in [
        (EPSV, ""),
        ("", PASV),
        ("229 Entering (|||41000|)", PASV),
        ("229 Entering (|||42000|)", PASV),
        ("229 Entering (|2|2001:db8::1|40000|)", ""),
        ("", "227 Entering (10,0,0,1,156,64)"),
        ("", "227 Entering (8,8,8,8,156,64)"),
        ("", "227 =9,9,9,9,156,64"),
    ] {
        let net = net();
        server(&net, epsv, pasv, DONE);
        net.silent("9.9.9.9:42000");
        net.data(DATA, Data::Send(b"hello".to_vec()));
        let (file, got) = get(&net).await;
        assert_eq!(got.unwrap(), 5, "{epsv} {pasv}");
        assert_eq!(file, b"hello");
        assert!(
            net.calls().iter().all(|call| call.starts_with("9.9.9.9:")),
            "{:?}",
            net.calls()
        );
    }
}

//= security#S-22
//= type=test
#[tokio::test(start_paused = true)]
async fn a_passive_port_of_a_system_service_is_not_called() {
    for (epsv, pasv) in [
        ("229 (|||25|)", ""),
        ("", "227 (9,9,9,9,0,25)"),
        ("", "227 nothing"),
    ] {
        let net = net();
        server(&net, epsv, pasv, DONE);
        let (_, got) = get(&net).await;
        assert_eq!(
            got.unwrap_err().exit_code(),
            ExitCode::Fatal,
            "{epsv} {pasv}"
        );
        assert_eq!(net.calls(), [SITE]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_bytes_is_no_success_without_the_servers_word() {
    for (transfer, expected) in [
        ("550 no such file", ExitCode::FileNotFound),
        ("150 here|426 broken", ExitCode::Temporary),
        ("150 here|451 disk", ExitCode::Temporary),
        ("150 here", ExitCode::Temporary),
        ("421 bye", ExitCode::Temporary),
        ("150 here|350 more?", ExitCode::Refused),
    ] {
        let net = net();
        server(&net, EPSV, "", transfer);
        net.data(DATA, Data::Send(b"hel".to_vec()));
        let (_, got) = get(&net).await;
        assert_eq!(got.expect_err(transfer).exit_code(), expected, "{transfer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_data_connection_ends_within_the_limit() {
    let net = net();
    server(&net, EPSV, "", "150 here");
    net.data(DATA, Data::Stall(b"hel".to_vec()));
    let (_, got) = get(&net).await;
    assert!(matches!(got, Err(Error::Silent { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_heard_though_the_data_connection_stays_open() {
    let net = net();
    server(&net, EPSV, "", "550 no such file");
    net.data(DATA, Data::Stall(Vec::new()));
    let (_, got) = get(&net).await;
    assert!(matches!(got, Err(Error::Refused { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_is_put_arrives_whole_and_the_servers_refusal_is_heard() {
    for (transfer, is_done) in [(DONE, true), ("553 no", false), ("150 ok|552 full", false)] {
        let net = net();
        server(&net, EPSV, "", transfer);
        let kept = Arc::new(Mutex::new(Vec::new()));
        net.data(DATA, Data::Keep(kept.clone()));
        let mut conn = net.login(SITE).await.unwrap();
        let bytes = vec![7; 200_000];
        let put = conn.put(&path("a"), &mut bytes.as_slice()).await;
        assert_eq!(put.is_ok(), is_done, "{transfer}");
        if is_done {
            while kept.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(*kept.lock().unwrap() == bytes);
            assert_eq!(conn.data_bytes(), 200_000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_local_failure_leaves_the_connection_in_step() {
    struct Full;
    impl tokio::io::AsyncWrite for Full {
        fn poll_write(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &[u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            std::task::Poll::Ready(Err(std::io::ErrorKind::StorageFull.into()))
        }
        fn poll_flush(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn poll_shutdown(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Ok(()))
        }
    }
    let net = net();
    // 426 comes when the data connection has been left, and not before.
    let (leave, left) = tokio::sync::oneshot::channel::<()>();
    let end = async {
        left.await.ok();
        "426 you left\r\n".to_owned()
    };
    let end = Arc::new(Mutex::new(Some(end.boxed())));
    net.control(SITE, move |line| match line.split(' ').next() {
        Some("EPSV") => say(EPSV),
        Some("RETR") => Answer::Later("150 here\r\n", Later(Arc::clone(&end))),
        _ => polite(line, "MLST type*;size*;"),
    });
    let leave = Mutex::new(Some(leave));
    let accept = move |mut stream: tokio::io::DuplexStream| {
        let leave = leave.lock().unwrap().take();
        tokio::spawn(async move {
            stream.write_all(b"hello").await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.ok();
            drop(leave);
        });
    };
    net.data(DATA, Data::Accept(Arc::new(accept)));
    let mut conn = net.login(SITE).await.unwrap();
    let got = conn.get(&path("a"), &mut Full).await;
    assert!(matches!(got, Err(Error::Here { .. })));
    let reply = conn.command(thirdhost_wire::Command::Noop).await.unwrap();
    assert_eq!(reply.code().number(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_name_of_which_the_server_drops_a_part_is_not_sent_to_it() {
    let net = net();
    net.control(SITE, |line| match line {
        "" => say("220 here GridFTP Server 13.24 ready."),
        _ => polite(line, "MLST type*;size*;"),
    });
    let mut conn = net.login(SITE).await.unwrap();
    let made = conn.make_directory(&path("日本語 1")).await;
    let Err(error @ Error::Unnameable { .. }) = made else {
        panic!("{made:?}")
    };
    assert_eq!(error.exit_code(), ExitCode::Refused);
    let reply = conn.command(thirdhost_wire::Command::Noop).await;
    assert_eq!(reply.unwrap().code().number(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_listing_without_end_is_cut_off() {
    let net = net();
    server(&net, EPSV, "", "150 here");
    net.data(DATA, Data::Endless);
    let limits = crate::Limits {
        listing_bytes: 1 << 20,
        ..crate::Limits::default()
    };
    let environment = net.environment().with_limits(limits);
    let server = crate::Server::at(SITE.parse().unwrap()).secured(crate::Security::ClearText);
    let mut conn = crate::ControlConn::connect(&environment, server)
        .await
        .unwrap();
    conn.login(&crate::Credentials::anonymous()).await.unwrap();
    assert!(matches!(
        conn.list(None).await,
        Err(Error::Misbehaved { .. })
    ));
    assert!(!conn.is_usable());
}

#[tokio::test(start_paused = true)]
async fn hostile_names_in_a_listing_are_told_apart_from_usable_ones() {
    let net = net();
    server(&net, EPSV, "", DONE);
    let text = b"type=file; ok\r\ntype=file; a\rDELE b\r\ntype=file; ../../etc\r\n\xff\xfe\r\n";
    net.data(DATA, Data::Send(text.to_vec()));
    let mut conn = net.login(SITE).await.unwrap();
    let Listing::Facts {
        entries,
        unreadable,
    } = conn.list(None).await.unwrap()
    else {
        panic!()
    };
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["ok", "../../etc"]);
    assert_eq!(unreadable, 2);
}
