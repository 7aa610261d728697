//! ESTA and ESTP: a data connection that is there before the transfer is.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::Site;

#[tokio::test]
async fn esta_calls_at_once_and_tells_from_where() {
    let site = Site::start().await;
    site.put("f", b"octets");
    let mut user = site.user().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    user.check("TYPE I", "200").await;
    for _ in 0..2 {
        user.check(&format!("EPRT |1|127.0.0.1|{port}|"), "200")
            .await;
        let said = user.ask("ESTA").await;
        let (mut data, from) = listener.accept().await.unwrap();
        let expected = format!("225 Connected from (|1|127.0.0.1|{}|)", from.port());
        assert_eq!(said.trim_end(), expected);
        user.check("RETR f", "125").await;
        let mut octets = Vec::new();
        data.read_to_end(&mut octets).await.unwrap();
        assert_eq!(octets, b"octets");
        drop(data);
        assert!(user.reply().await.starts_with("226"));
    }
}

//= security#S-5
//= type=test
#[tokio::test]
async fn esta_tells_no_more_than_that_there_is_no_connection() {
    let site = Site::with(|config| config.data_sockets.accept = std::time::Duration::ZERO).await;
    let mut user = site.user().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let target = format!("EPRT |1|127.0.0.1|{port}|");
    user.check(&target, "200").await;
    user.check("ESTA", "425 Can't open data connection.").await;
    // As after a transfer that failed, nothing is arranged any more.
    user.check("ESTA", "520").await;
}

#[tokio::test]
async fn estp_accepts_at_once_and_tells_who_came() {
    let site = Site::start().await;
    let mut user = site.user().await;
    let mut data = user.passive().await;
    let said = user.ask("ESTP").await;
    let ours = data.local_addr().unwrap().port();
    let expected = format!("225 Connected to (|1|127.0.0.1|{ours}|)");
    assert_eq!(said.trim_end(), expected);
    user.check("NLST", "125").await;
    let mut octets = Vec::new();
    data.read_to_end(&mut octets).await.unwrap();
    drop(data);
    assert!(user.reply().await.starts_with("226"));
}

#[tokio::test]
async fn abor_ends_the_wait_of_estp() {
    let site = Site::start().await;
    let mut user = site.user().await;
    user.check("EPSV", "229").await;
    user.say("ESTP").await;
    user.check("ABOR", "425").await;
    assert!(user.reply().await.starts_with("226"));
    user.check("NOOP", "200").await;
}
