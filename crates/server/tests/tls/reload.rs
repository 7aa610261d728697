//! A certificate replaced while sessions run.

use tokio::io::AsyncReadExt;

use super::site::Site;
use super::user::User;

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_seen_by_new_sessions_and_drops_none() {
    let site = Site::start("");
    site.put("f", b"octets");
    let mut old = User::log_in(site.explicit).await;
    let first = site.fingerprint();
    assert_eq!(old.seen.fingerprint(), first);

    site.server
        .replace_certificate(Some(site.renew_certificate()));
    assert_ne!(site.fingerprint(), first);
    let new = User::log_in(site.explicit).await;
    assert_eq!(new.seen.fingerprint(), site.fingerprint());

    // The old session goes on, and shows on data connections what it showed on control.
    let socket = old.passive().await;
    old.say("RETR f\r\n").await;
    let mut data = old.data(socket).await.unwrap();
    old.expect_reply("150").await;
    let mut got = Vec::new();
    data.read_to_end(&mut got).await.unwrap();
    drop(data);
    old.expect_reply("226").await;
    assert_eq!(got, b"octets");
    assert_eq!(old.seen.fingerprint(), first);
}
