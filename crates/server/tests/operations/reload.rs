//! SIGHUP: users and policy are read again, and sessions that run follow.

use crate::daemon::{Site, User, third_host};

#[test]
fn s_15_a_session_that_runs_follows_the_policy_that_is_reloaded() {
    let site = Site::new("", "{ send_to = [\"127.0.0.2/32\"] }");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("file", b"content");
    let (third, eprt) = third_host();
    alice.command(&eprt, "200");

    site.grant("");
    server.signal("HUP");
    server.logged("users reloaded");
    // Admitted when EPRT came, refused before the call goes out.
    alice.command("RETR file", "150");
    alice.expect("425");
    let line = server.logged(" transfer ");
    assert!(line.contains("outcome=\"not_admitted\""), "{line}");
    third.set_nonblocking(true).unwrap();
    third.accept().unwrap_err();
    alice.command(&eprt, "504");

    site.grant("{ send_to = [\"127.0.0.2/32\"] }");
    server.signal("HUP");
    server.logged("users reloaded");
    alice.command(&eprt, "200");
}

#[test]
fn a_broken_file_changes_nothing() {
    let site = Site::new("", "");
    let server = site.start(&[]);
    site.configure("colour = \"blue\"");
    server.signal("HUP");
    let line = server.logged("not reloaded");
    assert!(line.contains("unknown key `colour`"), "{line}");
    User::connect(server.address);
    server.alice();
}
