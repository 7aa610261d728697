//! Resumption: the TLS session of the control connection on data connections. D-24, D-25.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::site::Site;
use super::user::{Seen, User, trusting};

//= security#S-37
//= type=test
#[tokio::test(flavor = "multi_thread")]
async fn where_reuse_is_required_only_the_own_session_will_do() {
    let site = Site::start("session_reuse = \"require\"");
    site.put("f", b"octets");
    let mut user = User::log_in(site.explicit).await;
    let other = User::log_in(site.explicit).await;
    let own = Arc::clone(&user.tls);
    let fresh = Arc::new(trusting(&Arc::new(Seen::default())));
    for (tls, code) in [
        (fresh, "522"),
        (Arc::clone(&other.tls), "522"),
        (own, "226"),
    ] {
        user.tls = tls;
        let got = fetch(&mut user).await;
        let reply = user.hear().await;
        assert!(reply.starts_with(code), "{reply}, not {code}");
        assert_eq!(got == b"octets", code == "226");
    }
    // Each ticket is used once, and there is always another.
    for _ in 0..5 {
        assert_eq!(fetch(&mut user).await, b"octets");
        user.expect_reply("226").await;
    }
}

/// A client for which the connection breaks does not get to the reply that says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_the_own_is_refused_in_order() {
    let site = Site::start("session_reuse = \"require\"");
    site.put("f", b"octets");
    let mut user = User::log_in(site.explicit).await;
    user.tls = Arc::new(trusting(&Arc::new(Seen::default())));
    let socket = user.passive().await;
    user.say("RETR f\r\n").await;
    let mut data = user.data(socket).await.unwrap();
    user.expect_reply("150").await;
    user.expect_reply("522").await;
    assert_eq!(data.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    data.write_all(b"goodbye").await.unwrap();
    data.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_preferred_or_off_any_session_will_do() {
    for (reuse, resumes) in [("prefer", true), ("off", false)] {
        let site = Site::start(&format!("session_reuse = \"{reuse}\""));
        site.put("f", b"octets");
        let mut user = User::log_in(site.explicit).await;
        let own = Arc::clone(&user.tls);
        let socket = user.passive().await;
        user.say("RETR f\r\n").await;
        let mut data = user.data(socket).await.unwrap();
        let resumed = data.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        assert_eq!(resumed, resumes, "{reuse}");
        user.expect_reply("150").await;
        data.read_to_end(&mut Vec::new()).await.unwrap();
        drop(data);
        user.expect_reply("226").await;
        user.tls = Arc::new(trusting(&Arc::new(Seen::default())));
        assert_eq!(fetch(&mut user).await, b"octets");
        user.expect_reply("226").await;
        drop(own);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_may_resume_the_control_session_by_hand() {
    if !super::require("python3") {
        return;
    }
    let site = Site::start("session_reuse = \"require\"");
    let script = r#"
import ftplib, io, ssl, sys
class Reusing(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size
def connect(kind):
    ftp = kind(context=ssl._create_unverified_context())
    ftp.connect("127.0.0.1", int(sys.argv[1]))
    ftp.login("alice", "secret")
    ftp.prot_p()
    return ftp
ftp = connect(Reusing)
for name in "abc":
    assert ftp.storbinary("STOR " + name, io.BytesIO(b"x" * 100000)).startswith("226")
assert sorted(ftp.nlst()) == ["a", "b", "c"]
ftp.quit()
try:
    connect(ftplib.FTP_TLS).nlst()
    raise AssertionError("no resumption, and no 522")
except ftplib.error_perm as error:
    assert str(error).startswith("522"), error
"#;
    let port = site.explicit.port().to_string();
    let output = tokio::process::Command::new("python3")
        .args(["-c", script, &port])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What comes over a data connection; the final reply is still to be heard.
async fn fetch(user: &mut User) -> Vec<u8> {
    let socket = user.passive().await;
    user.say("RETR f\r\n").await;
    let data = user.data(socket).await;
    user.expect_reply("150").await;
    let mut got = Vec::new();
    if let Ok(mut data) = data {
        // Refused is as good as empty: the reply tells.
        let _ = data.read_to_end(&mut got).await;
    }
    got
}
