//! A control connection that dies, at every step: all is given back, nobody else notices.

use std::net::TcpStream;

use thirdhost_proto::server::QUEUED_COMMANDS_MAX;

use crate::support::patience::until_true;
use crate::support::peer;
use crate::support::site::{SITE1, SITE2, Site, USER};
use crate::support::user::{End, User};

/// One step of a dialogue: what is said, and the code that must come back.
type Step<'a> = (&'a str, u16);

#[test]
fn a_control_connection_may_die_at_every_step_of_the_listening_dialogue() {
    let steps: &[Step<'_>] = &[
        ("USER alice", 331),
        ("PASS secret", 230),
        ("TYPE I", 200),
        ("LSTN R", 255),
        ("SOCK 127.0.0.2,5000", 255),
        ("APPE there", 150),
        ("STAT", 213),
    ];
    dies_at_every_step(steps, None);
}

#[test]
fn a_control_connection_may_die_at_every_step_of_the_calling_dialogue() {
    let peer = peer::bound(SITE1);
    let sock = format!("SOCK {},{}", SITE1, peer::place(&peer).port());
    let steps: &[Step<'_>] = &[
        ("USER alice", 331),
        ("PASS secret", 230),
        ("TYPE I", 200),
        (sock.as_str(), 255),
        ("RETR there", 150),
        ("STAT", 213),
    ];
    dies_at_every_step(steps, None);
}

#[test]
fn a_control_connection_may_die_while_bytes_move() {
    let steps: &[Step<'_>] = &[
        ("USER alice", 331),
        ("PASS secret", 230),
        ("TYPE I", 200),
        ("LSTN R", 255),
        ("APPE there", 150),
    ];
    dies_at_every_step(steps, Some(b"half a fi"));
}

/// The system closes in order what a killed process leaves: the end of the data connection then
/// looks like the end of the file (spec M-14, S-51). Where it comes first: `whole::interrupted`.
#[test]
fn a_user_that_dies_in_the_middle_of_a_file_leaves_the_old_one() {
    let site = Site::start(SITE2);
    for command in ["STOR there", "APPE there"] {
        site.put("there", "old content");
        let mut user = site.user();
        user.ask("TYPE I", 200);
        let x = user.pasv();
        let stream = begin_sending(&site, x.port(), b"half a fi");
        user.ask(command, 150);
        until_true("the bytes to arrive", || {
            user.ask("STAT", 213).raw.contains("Status: 9 ")
        });
        user.vanish(End::Close);
        drop(stream);
        site.until_only(0, 0);
        assert_eq!(site.read("there"), b"old content", "{command}");
        assert_eq!(site.names(), ["there"], "{command}");
    }
}

/// Whoever sent it is told nothing any more, and may have come back and stored another file since:
/// an end without QUIT is an ABOR of all that was asked (RFC 959 section 4.1.1).
#[test]
fn what_waits_behind_a_transfer_is_not_begun_once_its_user_is_gone() {
    let site = Site::start(SITE2);
    for (arranges, transfer) in [
        ("LSTN R", "STOR new"),
        ("LSTN R", "APPE there"),
        ("LSTN S", "RETR there"),
        ("PASV", "STOR there"),
        ("EPSV", "RETR there"),
    ] {
        for behind in [0, FULL] {
            for end in [End::Close, End::Reset] {
                site.put("there", "old content");
                let mut user = site.user();
                user.send(arranges);
                user.reply();
                user.ask(transfer, 150);
                user.send_bytes("NOOP\r\n".repeat(behind).as_bytes());
                user.send_bytes(BEHIND.as_bytes());
                user.vanish(end);
                site.until_only(0, 0);
                let what = format!("{arranges}, {transfer}, {behind} before, {end:?}");
                assert_eq!(site.names(), ["there"], "{what}");
                assert_eq!(site.read("there"), b"old content", "{what}");
            }
        }
    }
}

/// `sent` goes over a data connection that is opened as soon as there is an X.
fn dies_at_every_step(steps: &[Step<'_>], sent: Option<&[u8]>) {
    let site = Site::start(SITE2);
    site.put("there", "old content");
    let mut bystander = site.user();
    let x = bystander.lstn("R");
    for alive in 0..=steps.len() {
        for end in [End::Close, End::Reset] {
            let mut user = User::greeted(USER, site.address);
            let mut stream = None;
            for (command, code) in steps.iter().take(alive) {
                let reply = user.ask(command, *code);
                if let (Some(sent), "LSTN R") = (sent, *command) {
                    stream = Some(begin_sending(&site, reply.socket(), sent));
                }
            }
            user.vanish(end);
            site.until_only(1, 1);
            assert_eq!(site.read("there"), b"old content", "{alive} {end:?}");
            drop(stream);
        }
    }
    peer::send_all(peer::call(USER, site.at(x)), b"unharmed");
    bystander.ask("STOR stored", 150);
    bystander.expect(226);
    assert_eq!(site.read("stored"), b"unharmed");
    assert_eq!(site.names(), ["stored", "there"]);
    drop(bystander);
    site.until_only(0, 0);
}

fn begin_sending(site: &Site, x: u16, bytes: &[u8]) -> TcpStream {
    use std::io::Write;
    let mut stream = peer::call(USER, site.at(x));
    stream.write_all(bytes).unwrap();
    stream
}

/// What changes names and files, and needs nobody else.
const BEHIND: &str = "DELE there\r\nMKD made\r\nRNFR there\r\nRNTO gone\r\nMKD there\r\n";

/// As many commands as a server-PI reads ahead: what is behind them stays in the connection.
const FULL: usize = QUEUED_COMMANDS_MAX;
