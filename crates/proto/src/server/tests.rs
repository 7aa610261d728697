//! Sessions told line by line: replies, plan and effects of one server-PI.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use thirdhost_wire::{AcceptFilter, Command, Direction, HostSocket};

use super::*;

/// The user's host.
pub(super) fn peer() -> IpAddr {
    Ipv4Addr::new(203, 0, 113, 5).into()
}

pub(super) fn session(unpinned: Unpinned) -> ServerPi {
    let settings = Settings {
        peer: peer(),
        unpinned,
        clear_login: ClearLogin::Everyone,
        users_differ: false,
        clear_transfers: ClearTransfers::Allowed,
        tls: TlsOffer::Absent,
        mdtm_sets: true,
        hosts: Hosts::default(),
        limits: Limits::default(),
    };
    let mut pi = ServerPi::new(Duration::ZERO, settings);
    assert_eq!(replies(&mut pi), ["220 Ready."]);
    pi
}

pub(super) fn log_in(pi: &mut ServerPi, permissions: Permissions) {
    tell(pi, "USER alice");
    tell(pi, "PASS secret");
    drain(pi);
    let identity = Identity {
        name: "alice".to_owned(),
        permissions,
        operator: false,
        clear_transfers: None,
    };
    pi.handle_event(NOW, Event::Authenticated(Some(identity)));
    assert_eq!(replies(pi), ["230 Logged in."]);
}

pub(super) fn logged_in() -> ServerPi {
    let mut pi = session(Unpinned::ControlHost);
    log_in(&mut pi, Permissions::all());
    pi
}

pub(super) fn tell(pi: &mut ServerPi, line: &str) {
    pi.handle_command(NOW, Command::parse(line.as_bytes()));
}

pub(super) fn drain(pi: &mut ServerPi) -> Vec<Effect> {
    std::iter::from_fn(|| pi.poll_effect()).collect()
}

/// The effects, with replies as their first lines.
pub(super) fn replies(pi: &mut ServerPi) -> Vec<String> {
    drain(pi)
        .into_iter()
        .map(|effect| match effect {
            Effect::Reply(reply) => format!("{} {}", reply.code(), reply.text()),
            other => format!("{other:?}"),
        })
        .collect()
}

/// The codes of the replies to `line`, where the world grants every arrangement.
pub(super) fn ask(pi: &mut ServerPi, line: &str) -> Vec<String> {
    tell(pi, line);
    let mut answers = Vec::new();
    while let Some(effect) = pi.poll_effect() {
        match effect {
            Effect::Reply(reply) => answers.push(format!("{} {}", reply.code(), reply.text())),
            Effect::Arrange(what) => {
                let may = Directions::BOTH;
                let arranged = match what {
                    Arrange::Listen { .. } => Arranged::Listening {
                        port: 40002,
                        host: peer(),
                    },
                    Arrange::Hold { .. } => Arranged::Held { port: 51003, may },
                    Arrange::Target { .. } | Arrange::Pin { .. } => Arranged::Admitted { may },
                };
                pi.handle_event(NOW, Event::Arranged(Ok(arranged)));
            }
            Effect::Ask(_) => pi.handle_event(NOW, Event::Answered(Ok(Answer::Done))),
            _ => {}
        }
    }
    answers
}

pub(super) fn check(pi: &mut ServerPi, line: &str, expected: &str) {
    let answers = ask(pi, line);
    assert_eq!(answers.len(), 1, "{line}: {answers:?}");
    assert!(
        answers[0].starts_with(expected),
        "{line}: {answers:?}, not {expected}"
    );
}

#[test]
fn lstn_is_answered_with_exactly_the_socket() {
    check(&mut logged_in(), "LSTN R", "255 SOCK 40002");
    let mut pi = logged_in();
    tell(&mut pi, "lstn s");
    let effects = drain(&mut pi);
    let wanted = Arrange::Listen {
        protocol: None,
        direction: Some(Direction::Send),
        on_held: false,
    };
    assert_eq!(effects, [Effect::Arrange(wanted)]);
}

//= spec#T-2
//= type=test
#[test]
fn a_wrong_lstn_leaves_the_plan_as_it_is() {
    for (line, code) in [
        ("LSTN", "501"),
        ("LSTN X", "501"),
        ("LSTN R S", "501"),
        ("LSTN R 2", "522"),
        ("LSTN R 3", "522"),
        ("EPSV 2", "522"),
        ("EPRT |2|2001:db8::1|5000|", "522"),
        ("PORT 1,2,3", "501"),
    ] {
        let mut pi = logged_in();
        check(&mut pi, "LSTN R", "255");
        let before = pi.plan().clone();
        check(&mut pi, line, code);
        assert_eq!(*pi.plan(), before, "{line}");
    }
}

//= spec#T-3
//= type=test
//= security#S-67
//= type=test
#[test]
fn lstn_and_sock_need_a_login_and_no_epsv_all() {
    let mut pi = session(Unpinned::ControlHost);
    check(&mut pi, "LSTN R", "530");
    check(&mut pi, "SOCK 198.51.100.2,40002", "530");
    let mut pi = logged_in();
    check(&mut pi, "EPSV ALL", "200");
    for line in [
        "LSTN R",
        "SOCK 198.51.100.2,40002",
        "PASV",
        "PORT 198,51,100,2,156,66",
        "EPRT |1|198.51.100.2|40002|",
        "LPRT 4,4,198,51,100,2,2,156,66",
        "LPSV",
        "SPAS",
        "SPOR 198,51,100,2,156,66",
    ] {
        check(&mut pi, line, "503");
    }
    check(&mut pi, "SMNT d", "502");
    check(&mut pi, "EPSV", "229");
}

//= spec#T-9
//= type=test
//= rfc438#b
//= type=test
//# Receipt of an appropriate STOR, RETR or APPE command following a
//# successful LSTN command causes the server to "listen" for an RFC
#[test]
fn a_wrong_direction_is_503_and_the_socket_stays() {
    for (lstn, wrong, right) in [
        ("LSTN R", "RETR f", "STOR f"),
        ("LSTN S", "STOR f", "RETR f"),
        ("LSTN R", "LIST", "APPE f"),
    ] {
        let mut pi = logged_in();
        check(&mut pi, lstn, "255");
        let plan = pi.plan().clone();
        check(&mut pi, wrong, "503");
        assert_eq!(*pi.plan(), plan);
        tell(&mut pi, right);
        let effects = drain(&mut pi);
        let [Effect::Transfer(transfer)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(
            transfer.route,
            Route::Accept {
                filter: AcceptFilter::Host(peer())
            }
        );
    }
}

//= rfc438#d.2
//= type=test
//# After a LSTN command the SOCK command is to be interpreted by
//# the server as specification of the acceptable RFC
//= rfc438#c
//= type=test
//# accept an RFC for the
//# listening socket only if it is from a specified host and socket
#[test]
fn sock_after_lstn_pins_the_peer() {
    let mut pi = logged_in();
    check(&mut pi, "LSTN R", "255 SOCK 40002");
    check(&mut pi, "SOCK 198.51.100.2,51003", "255 SOCK 40002");
    let pinned = HostSocket::new(Ipv4Addr::new(198, 51, 100, 2).into(), 51003).unwrap();
    tell(&mut pi, "APPE f");
    let effects = drain(&mut pi);
    let [Effect::Transfer(transfer)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        transfer.route,
        Route::Accept {
            filter: AcceptFilter::HostPort(pinned)
        }
    );
}

//= rfc438#d.1
//= type=test
//# the 255 reply can not be deferred until receipt
//# of a data transfer command
#[test]
fn sock_is_answered_at_once_and_calls_nobody() {
    let mut pi = logged_in();
    tell(&mut pi, "SOCK 198.51.100.2,40002");
    let target = HostSocket::new(Ipv4Addr::new(198, 51, 100, 2).into(), 40002).unwrap();
    assert_eq!(drain(&mut pi), [Effect::Arrange(Arrange::Hold { target })]);
    let held = Arranged::Held {
        port: 51003,
        may: Directions::BOTH,
    };
    pi.handle_event(NOW, Event::Arranged(Ok(held)));
    assert_eq!(replies(&mut pi), ["255 SOCK 51003"]);
}

//= spec#T-17
//= type=test
#[test]
fn sockets_that_name_nobody_are_refused() {
    for (line, code) in [
        ("SOCK 198.51.100.2,0", "504"),
        ("SOCK 198.51.100.2,65536", "501"),
        ("SOCK 198.51.100.2,4294967296", "501"),
        ("SOCK 198.51.100.2,-1", "501"),
        ("SOCK 198.51.100.2,", "501"),
        ("SOCK", "501"),
        ("SOCK example.org,5000", "504"),
        ("SOCK 10,5000", "504"),
    ] {
        check(&mut logged_in(), line, code);
    }
}

#[test]
fn a_bare_socket_means_the_host_of_the_control_connection() {
    let mut pi = logged_in();
    tell(&mut pi, "SOCK 5000");
    let target = HostSocket::new(peer(), 5000).unwrap();
    assert_eq!(drain(&mut pi), [Effect::Arrange(Arrange::Hold { target })]);
}

//= spec#T-22
//= type=test
#[test]
fn a_new_arrangement_releases_the_old_one() {
    for (first, second) in [
        ("LSTN R", "LSTN S"),
        ("LSTN R", "PASV"),
        ("LSTN R", "PORT 198,51,100,2,156,66"),
        ("SOCK 198.51.100.2,40002", "LSTN R"),
        ("SOCK 198.51.100.2,40002", "SOCK 198.51.100.2,40004"),
        ("LSTN R", "EPRT |1|198.51.100.2|40002|"),
    ] {
        let mut pi = logged_in();
        check(&mut pi, first, "255");
        tell(&mut pi, second);
        let effects = drain(&mut pi);
        assert_eq!(
            effects.first(),
            Some(&Effect::Release),
            "{first}, {second}: {effects:?}"
        );
    }
}

#[test]
fn pasv_keeps_an_earlier_sock_as_filter_and_lstn_drops_it() {
    let mut pi = logged_in();
    check(&mut pi, "SOCK 198.51.100.2,51003", "255");
    check(&mut pi, "EPSV", "229");
    let pinned = HostSocket::new(Ipv4Addr::new(198, 51, 100, 2).into(), 51003).unwrap();
    assert!(matches!(pi.plan(), Plan::Passive { filter: Some(f), .. }
        if *f == AcceptFilter::HostPort(pinned)));
    let mut pi = logged_in();
    check(&mut pi, "SOCK 198.51.100.2,51003", "255");
    check(&mut pi, "LSTN R", "255");
    assert!(matches!(pi.plan(), Plan::Passive { filter: Some(f), .. }
        if *f == AcceptFilter::Host(peer())));
}

#[test]
fn commands_wait_for_the_transfer_and_abor_answers_each_of_them() {
    let mut pi = logged_in();
    check(&mut pi, "LSTN S", "255");
    for line in ["RETR f", "NOOP", "PWD"] {
        tell(&mut pi, line);
    }
    assert!(matches!(drain(&mut pi).as_slice(), [Effect::Transfer(_)]));
    pi.handle_event(
        NOW,
        Event::Opened(Opened {
            octets: Some(7),
            name: None,
        }),
    );
    assert_eq!(replies(&mut pi), ["150 Beginning the transfer (7 bytes)."]);
    tell(&mut pi, "STAT");
    assert_eq!(drain(&mut pi), [Effect::AskProgress]);
    pi.handle_event(
        NOW,
        Event::Progress {
            moved: 3,
            total: Some(7),
        },
    );
    assert_eq!(replies(&mut pi), ["213 Status: 3 of 7 bytes transferred"]);
    tell(&mut pi, "ABOR");
    assert_eq!(drain(&mut pi), [Effect::StopTransfer]);
    pi.handle_event(NOW, Event::Finished(Outcome::Stopped));
    assert_eq!(
        replies(&mut pi),
        [
            "Release",
            "426 Transfer aborted.",
            "426 Dropped by ABOR.",
            "426 Dropped by ABOR.",
            "226 ABOR done."
        ]
    );
    assert_eq!(*pi.plan(), Plan::Default);
}

#[test]
fn block_mode_keeps_the_connection_and_says_250_then_125() {
    let mut pi = logged_in();
    check(&mut pi, "MODE B", "200");
    check(&mut pi, "LSTN R", "255");
    for (code, route_is_open) in [("150", false), ("125", true), ("125", true)] {
        tell(&mut pi, "STOR f");
        let effects = drain(&mut pi);
        let [Effect::Transfer(transfer)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(transfer.route == Route::Open, route_is_open);
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        assert!(replies(&mut pi)[0].starts_with(code));
        pi.handle_event(
            NOW,
            Event::Finished(Outcome::Completed {
                bytes: 1,
                kept: true,
            }),
        );
        assert!(replies(&mut pi)[0].starts_with("250"));
    }
    tell(&mut pi, "MODE S");
    assert_eq!(drain(&mut pi)[0], Effect::Disconnect);
    assert!(
        matches!(pi.plan(), Plan::Passive { .. }),
        "the reservation stays"
    );
}

#[test]
fn an_open_connection_keeps_the_terms_it_was_made_on() {
    let file = |pi: &mut ServerPi, line: &str| {
        tell(pi, line);
        drain(pi);
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        let kept = Outcome::Completed {
            bytes: 1,
            kept: true,
        };
        pi.handle_event(NOW, Event::Finished(kept));
        drain(pi);
    };
    let mut pi = logged_in();
    check(&mut pi, "MODE B", "200");
    check(&mut pi, "LSTN S", "255");
    file(&mut pi, "RETR f");
    check(&mut pi, "STOR f", "503");

    let mut pi = logged_in();
    check(&mut pi, "MODE B", "200");
    tell(&mut pi, "SOCK 198.51.100.2,40002");
    drain(&mut pi);
    let may = Directions {
        send: true,
        receive: false,
    };
    let held = Arranged::Held { port: 51003, may };
    pi.handle_event(NOW, Event::Arranged(Ok(held)));
    drain(&mut pi);
    file(&mut pi, "RETR f");
    tell(&mut pi, "STOR f");
    let said = replies(&mut pi);
    assert!(said.last().unwrap().starts_with("504"), "{said:?}");
}

//= security#S-25
//= type=test
#[test]
fn three_wrong_passwords_end_the_session() {
    let mut pi = session(Unpinned::ControlHost);
    for attempt in 1..=3 {
        tell(&mut pi, "USER alice");
        tell(&mut pi, "PASS wrong");
        drain(&mut pi);
        pi.handle_event(NOW, Event::Authenticated(None));
        let said = replies(&mut pi);
        if attempt < 3 {
            assert_eq!(said, ["530 Login incorrect."]);
        } else {
            assert!(
                said[0].starts_with("421") && said.last().unwrap() == "Close",
                "{said:?}"
            );
        }
    }
}

//= security#S-60
//= type=test
//= security#S-64
//= type=test
#[test]
fn a_line_that_is_no_command_gets_the_reply_of_its_kind() {
    for (line, code) in [
        (&b"NONSENSE"[..], "500"),
        (b"SITE EXEC ls", "500"),
        (b"SITE EXEC %n%s%x", "500"),
        (b"SITE INDEX ls", "500"),
        (b"SITE DEBUG", "500"),
        (b"TYPE", "501 TYPE: "),
        (b"TYPE E", "504 TYPE: "),
        (b"MODE C", "504"),
        (b"MODE E", "504"),
        (b"STRU P", "504"),
        (b"RETR", "501 RETR: "),
        (b"CWD \xff", "553 CWD: "),
        (b"PORT 1,2,3", "501"),
        (b"EPRT |3|x|1|", "522"),
        (b"EPSV 9", "522"),
        (b"REST abc", "501"),
    ] {
        let mut pi = logged_in();
        pi.handle_command(NOW, Command::parse(line));
        let said = replies(&mut pi);
        assert!(
            said[0].starts_with(code),
            "{}: {said:?}",
            String::from_utf8_lossy(line)
        );
    }
}

//= security#S-57
//= type=test
#[test]
fn ten_bad_lines_in_a_row_end_the_session_and_a_good_one_starts_the_count_anew() {
    let mut pi = logged_in();
    for _ in 0..9 {
        check(&mut pi, "NONSENSE", "500");
    }
    check(&mut pi, "NOOP", "200");
    for _ in 0..9 {
        check(&mut pi, "NONSENSE", "500");
    }
    check(&mut pi, "NONSENSE", "421");
}

#[test]
fn without_a_plan_a_transfer_is_425_and_without_permission_550() {
    check(&mut logged_in(), "RETR f", "425");
    let mut pi = session(Unpinned::ControlHost);
    log_in(&mut pi, Permissions::read_only());
    for line in [
        "STOR f", "APPE f", "STOU", "DELE f", "RMD d", "MKD d", "RNFR f",
    ] {
        check(&mut pi, line, "550");
    }
}

//= security#S-52
//= type=test
#[test]
fn a_session_too_many_of_a_user_is_closed_and_is_no_failed_login() {
    let mut pi = session(Unpinned::ControlHost);
    tell(&mut pi, "USER alice");
    tell(&mut pi, "PASS secret");
    drain(&mut pi);
    pi.handle_event(NOW, Event::TooManySessions);
    let said = replies(&mut pi);
    assert!(said[0].starts_with("421") && said[1] == "Close", "{said:?}");
    pi.handle_event(NOW, Event::TooManySessions);
    assert_eq!(replies(&mut pi), Vec::<String>::new());
}

#[test]
fn a_login_too_many_of_a_host_and_one_at_the_shutdown_are_closed_at_once() {
    let check = |happens: &dyn Fn(&mut ServerPi)| {
        let mut pi = session(Unpinned::ControlHost);
        tell(&mut pi, "USER alice");
        tell(&mut pi, "PASS wrong");
        drain(&mut pi);
        happens(&mut pi);
        let said = replies(&mut pi);
        assert!(said[0].starts_with("421") && said[1] == "Close", "{said:?}");
        pi.handle_event(NOW, Event::Authenticated(None));
        assert_eq!(replies(&mut pi), Vec::<String>::new());
    };
    check(&|pi| pi.handle_event(NOW, Event::TooManyFailures));
    check(&|pi| pi.handle_shutdown(NOW));
}

//= security#S-59
//= type=test
#[test]
fn room_that_lacks_is_told_before_and_during_a_transfer() {
    let mut pi = logged_in();
    check(&mut pi, "ALLO 100", "202");
    tell(&mut pi, "ALLO 100 R 10");
    let question = Question::Room { octets: 100 };
    assert_eq!(drain(&mut pi), [Effect::Ask(question)]);
    let no_room = Event::Answered(Err(Refusal::NoSpace));
    pi.handle_event(NOW, no_room);
    assert_eq!(replies(&mut pi), ["452 No room."]);
    for (why, opened, code) in [
        (Refusal::NoSpace, false, "452"),
        (Refusal::NoSpace, true, "552"),
        (Refusal::TooLarge, false, "552"),
        (Refusal::TooLarge, true, "552"),
    ] {
        check(&mut pi, "EPSV", "229");
        tell(&mut pi, "STOR f");
        if opened {
            pi.handle_event(NOW, Event::Opened(Opened::default()));
        }
        pi.handle_event(NOW, Event::Finished(Outcome::Refused(why)));
        let said = replies(&mut pi);
        assert!(said.last().unwrap().starts_with(code), "{why:?}: {said:?}");
    }
}

#[test]
fn quit_is_answered_before_the_session_closes_and_behind_what_runs() {
    let mut pi = logged_in();
    check(&mut pi, "EPSV", "229");
    tell(&mut pi, "RETR f");
    tell(&mut pi, "QUIT");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Finished(Outcome::Stopped));
    let answers = replies(&mut pi);
    let closing = answers.len() - 2;
    assert_eq!(answers[closing..], ["221 Goodbye.", "Close"]);
    assert!(
        answers[..closing]
            .iter()
            .any(|said| said.starts_with("426"))
    );
    tell(&mut pi, "NOOP");
    assert_eq!(drain(&mut pi), []);
}

#[test]
fn a_session_is_idle_when_nothing_runs_and_nothing_waits() {
    let mut pi = logged_in();
    let states = |pi: &ServerPi| (pi.is_idle(), pi.has_queued());
    assert_eq!(states(&pi), (true, false));
    check(&mut pi, "EPSV", "229");
    tell(&mut pi, "RETR f");
    assert_eq!(states(&pi), (false, false));
    tell(&mut pi, "NOOP");
    assert_eq!(states(&pi), (false, true));
    pi.handle_event(NOW, Event::Finished(Outcome::Stopped));
    assert_eq!(states(&pi), (true, false));
}

/// Then it is STOR at an offset.
#[test]
fn appe_behind_a_restart_point_needs_the_permission_to_overwrite() {
    use Permission::{Append, Write};
    for (permissions, expected) in [
        (vec![Append], None),
        (
            vec![Append, Write],
            Some(Operation::Store {
                path: VirtualPath::root().join(&"f".try_into().unwrap()).unwrap(),
                offset: Some(5),
                end: None,
                part_of: None,
            }),
        ),
    ] {
        let mut pi = session(Unpinned::ControlHost);
        log_in(&mut pi, permissions.into_iter().collect());
        check(&mut pi, "TYPE I", "200");
        check(&mut pi, "EPSV", "229");
        check(&mut pi, "REST 5", "350");
        tell(&mut pi, "APPE f");
        let effects = drain(&mut pi);
        let operation = effects.iter().find_map(|effect| match effect {
            Effect::Transfer(transfer) => Some(&transfer.operation),
            _ => None,
        });
        assert_eq!(operation, expected.as_ref(), "{effects:?}");
        let refused = format!("{effects:?}").contains("550");
        assert_eq!(refused, expected.is_none(), "{effects:?}");
    }
}

#[test]
fn a_transfer_that_has_begun_says_why_it_ends() {
    for (line, why, said) in [
        ("STOR f", Refusal::NoSpace, "552 No room;"),
        ("STOR f", Refusal::TooLarge, "552 Your files may not be"),
        ("STOR f", Refusal::Exists, "451 The name was taken"),
        (
            "NLST *",
            Refusal::PatternTooWide,
            "451 Too many names match",
        ),
        ("RETR f", Refusal::NotPermitted, "451 Not permitted"),
        ("RETR f", Refusal::Failed, "451 Reading or writing"),
    ] {
        let mut pi = logged_in();
        check(&mut pi, "EPSV", "229");
        tell(&mut pi, line);
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        drain(&mut pi);
        pi.handle_event(NOW, Event::Finished(Outcome::Refused(why)));
        let answers = replies(&mut pi);
        let last = answers.last().unwrap();
        assert!(last.starts_with(said), "{line} {why:?}: {answers:?}");
    }
}

/// RFC 3659 section 7.2.1.
#[test]
fn what_is_no_directory_is_501_for_mlsd_alone() {
    for (line, said) in [
        ("MLSD f", "501 Not a directory."),
        ("LIST f", "550 Not a directory."),
        ("NLST f", "550 Not a directory."),
        ("RETR f/g", "550 Not a directory."),
    ] {
        let mut pi = logged_in();
        check(&mut pi, "EPSV", "229");
        tell(&mut pi, line);
        drain(&mut pi);
        let refused = Outcome::Refused(Refusal::NotDirectory);
        pi.handle_event(NOW, Event::Finished(refused));
        assert_eq!(
            replies(&mut pi).last().map(String::as_str),
            Some(said),
            "{line}"
        );
    }
}

//= security#S-47
//= type=test
#[test]
fn every_verb_asks_with_its_path() {
    let everything = Permission::ALL.into_iter().collect();
    let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
    let at = |directory: &str| {
        let mut pi = session(Unpinned::ControlHost);
        let permissions = Permissions::default().beneath(path("/yes/here"), everything);
        log_in(&mut pi, permissions);
        check(&mut pi, "TYPE I", "200");
        if directory != "/" {
            check(&mut pi, &format!("CWD {directory}"), "250");
        }
        pi
    };
    for verb in [
        "STOR", "APPE", "STOU", "RETR", "LIST", "NLST", "MLSD", "DELE", "RMD", "MKD", "RNFR",
        "MLST", "SIZE", "MDTM", "STAT",
    ] {
        for (directory, name, allowed) in [
            ("/", "/yes/here/f", true),
            ("/", "yes/../yes/here/f", true),
            ("/yes/here", "f", true),
            ("/yes/here", "../../../yes/here/d/f", true),
            ("/", "f", false),
            ("/", "/yes/f", false),
            ("/", "/yes/herein", false),
            ("/", "/no/../yes/here/../f", false),
            ("/yes/here", "../../etc/passwd", false),
            ("/yes/here", "../f", false),
            ("/yes/here", "/f", false),
        ] {
            let mut pi = at(directory);
            check(&mut pi, "EPSV", "229");
            tell(&mut pi, &format!("{verb} {name}"));
            let asked = drain(&mut pi);
            let went_out = asked
                .iter()
                .any(|effect| matches!(effect, Effect::Ask(_) | Effect::Transfer(_)));
            assert_eq!(went_out, allowed, "{verb} {name} at {directory}: {asked:?}");
            let said = format!("{asked:?}");
            assert!(allowed || said.contains("550"), "{verb} {name}: {said}");
        }
    }
}

//= security#S-48
//= type=test
#[test]
fn both_ends_of_a_rename_need_the_permission_when_it_is_done() {
    let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
    let rename = || [Permission::Rename].into_iter().collect();
    let mut pi = session(Unpinned::ControlHost);
    log_in(
        &mut pi,
        Permissions::default()
            .beneath(path("/a"), rename())
            .beneath(path("/b"), rename()),
    );
    check(&mut pi, "RNFR /c/f", "550");
    check(&mut pi, "RNFR /a/f", "350");
    check(&mut pi, "RNTO /c/f", "550");
    check(&mut pi, "RNTO /b/f", "503");
    check(&mut pi, "RNFR /a/f", "350");
    check(&mut pi, "RNTO /b/../a/../f", "550");
    check(&mut pi, "RNFR /a/f", "350");
    check(&mut pi, "RNTO /b/f", "250");
    check(&mut pi, "RNFR /a", "550");
}

//= security#S-48
//= type=test
#[test]
fn a_rename_replaces_a_file_only_for_whoever_may_destroy_one() {
    use Permission::{Append, Delete, Mkdir, Read, Rename, Write};
    for (besides, replaces) in [
        (&[Read, Append, Mkdir][..], false),
        (&[Write], true),
        (&[Delete], true),
        (&[Write, Delete], true),
    ] {
        let mut pi = session(Unpinned::ControlHost);
        let permissions = besides.iter().copied().chain([Rename]).collect();
        log_in(&mut pi, permissions);
        check(&mut pi, "RNFR f", "350");
        tell(&mut pi, "RNTO g");
        let asked = drain(&mut pi);
        let [Effect::Ask(Question::Rename { replace, .. })] = asked.as_slice() else {
            panic!("{besides:?}: {asked:?}")
        };
        assert_eq!(*replace, replaces, "{besides:?}");
    }
}

#[test]
fn the_working_directory_is_where_something_may_be_done() {
    let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
    let write = [Permission::Write].into_iter().collect();
    let mut pi = session(Unpinned::ControlHost);
    log_in(
        &mut pi,
        Permissions::default().beneath(path("/a/in"), write),
    );
    for (line, code) in [
        ("CWD /b", "550"),
        ("CWD a", "250"),
        ("CWD in", "250"),
        ("CWD ../b", "550"),
        ("CDUP", "250"),
        ("CDUP", "250"),
        ("PWD", "257 \"/\""),
    ] {
        check(&mut pi, line, code);
    }
}

#[test]
fn options_of_ls_lead_to_no_directory_that_is_closed() {
    let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
    let list = |permissions: &Permissions, line: &str| {
        let mut pi = session(Unpinned::ControlHost);
        log_in(&mut pi, permissions.clone());
        check(&mut pi, "EPSV", "229");
        tell(&mut pi, line);
        drain(&mut pi).into_iter().find_map(|effect| match effect {
            Effect::Transfer(Transfer {
                operation:
                    Operation::List {
                        target,
                        without_options,
                        ..
                    },
                ..
            }) => {
                let other = without_options.map(|other| other.path.to_string());
                Some((target.path.to_string(), other))
            }
            _ => None,
        })
    };
    let closed = Permissions::read_only().beneath(path("/in"), [].into_iter().collect());
    let literal = Some(("/-a /in".to_owned(), None));
    assert_eq!(list(&closed, "LIST -a /in"), literal);
    let open =
        Permissions::default().beneath(path("/pub"), [Permission::Read].into_iter().collect());
    let plain = Some(("/pub".to_owned(), None));
    assert_eq!(list(&open, "LIST -a /pub"), plain);
    assert_eq!(list(&open, "LIST -a /in"), None);
    assert_eq!(list(&open, "LIST -a"), None);
    // Where both may be read, a file of that very name comes first.
    let both = Some(("/-a /pub".to_owned(), Some("/pub".to_owned())));
    assert_eq!(list(&Permissions::read_only(), "LIST -a /pub"), both);
    let none = [
        ("LIST -", "/-"),
        ("LIST -a/b", "/-a/b"),
        ("LIST - x", "/- x"),
    ];
    for (line, path) in none {
        let alone = Some((path.to_owned(), None));
        assert_eq!(list(&Permissions::read_only(), line), alone, "{line}");
    }
}

#[test]
fn policy_may_allow_one_direction_alone() {
    let mut pi = logged_in();
    tell(&mut pi, "SOCK 198.51.100.2,40002");
    drain(&mut pi);
    let may = Directions {
        send: true,
        receive: false,
    };
    pi.handle_event(
        NOW,
        Event::Arranged(Ok(Arranged::Held { port: 51003, may })),
    );
    drain(&mut pi);
    tell(&mut pi, "STOR f");
    let said = replies(&mut pi);
    assert_eq!(said[0], "Release");
    assert!(said[1].starts_with("504"), "{said:?}");
}

#[test]
fn what_a_transfer_leaves_reserved_has_its_whole_time_anew() {
    let limits = Limits::default();
    let later = Duration::from_secs(200);
    for (mode, arranging, kept) in [
        ("MODE S", "LSTN R", false),
        ("MODE B", "LSTN R", true),
        ("MODE B", "EPSV", true),
    ] {
        let mut pi = logged_in();
        check(&mut pi, mode, "200");
        check(&mut pi, arranging, "2");
        pi.handle_command(later, Command::parse(b"STOR f"));
        drain(&mut pi);
        pi.handle_event(later, Event::Opened(Opened::default()));
        pi.handle_event(
            later,
            Event::Finished(Outcome::Completed { bytes: 1, kept }),
        );
        drain(&mut pi);
        // Only what is reserved does not begin anew with each command.
        pi.handle_command(later + Duration::from_secs(100), Ok(Command::Noop));
        drain(&mut pi);
        let ends = later + limits.reservation;
        assert_eq!(pi.poll_timeout(), Some(ends), "{mode}, {arranging}");
    }
}

#[test]
fn what_is_said_to_a_closed_session_leaves_nothing() {
    let mut pi = logged_in();
    tell(&mut pi, "QUIT");
    drain(&mut pi);
    let closed = format!("{pi:?}");
    for line in ["NOOP", "STAT", "ABOR", "STOR f", "GET / HTTP/1.1"] {
        tell(&mut pi, line);
        assert_eq!(drain(&mut pi), [], "{line}");
        assert_eq!(format!("{pi:?}"), closed, "{line}");
    }
}

#[test]
fn what_the_codec_refuses_is_called_by_its_name() {
    use thirdhost_wire::CommandError::{ForbiddenOctet, LineTooLong};
    for (error, expected) in [
        (LineTooLong, "500 Line too long."),
        (
            ForbiddenOctet,
            "501 A bare LF or a NUL is not allowed in a line.",
        ),
    ] {
        let mut pi = logged_in();
        pi.handle_command(NOW, Err(error));
        assert_eq!(replies(&mut pi), [expected]);
    }
}

#[test]
fn no_account_is_ever_needed() {
    let mut pi = session(Unpinned::ControlHost);
    check(&mut pi, "ACCT a", "503");
    check(&mut pi, "USER alice", "331");
    check(&mut pi, "ACCT a", "503");
    check(&mut logged_in(), "ACCT a", "202");
}

#[test]
fn abor_at_rest_voids_the_plan_and_leaves_an_open_connection() {
    let mut pi = logged_in();
    check(&mut pi, "LSTN R", "255");
    tell(&mut pi, "ABOR");
    assert_eq!(replies(&mut pi), ["Release", "226 Nothing to abort."]);

    let mut pi = logged_in();
    check(&mut pi, "MODE B", "200");
    check(&mut pi, "LSTN R", "255");
    tell(&mut pi, "STOR f");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    let kept = true;
    pi.handle_event(NOW, Event::Finished(Outcome::Completed { bytes: 1, kept }));
    drain(&mut pi);
    let open = ["225 Nothing to abort; the data connection is open."];
    tell(&mut pi, "ABOR");
    assert_eq!(replies(&mut pi), open);
    tell(&mut pi, "STOR g");
    assert!(matches!(drain(&mut pi).as_slice(), [Effect::Transfer(_)]));
}

#[test]
fn what_ends_a_transfer_that_has_begun_is_told_by_its_cause() {
    for (why, expected) in [
        (Refusal::NoSpace, "552 No room"),
        (Refusal::TooLarge, "552 Your files may not be that large"),
        (Refusal::Exists, "451 The name was taken meanwhile"),
        (Refusal::Incomplete, "451 Fewer octets came than RANG says"),
        (Refusal::NotPermitted, "451 Not permitted"),
        (Refusal::Failed, "451 Reading or writing the file failed"),
    ] {
        let mut pi = logged_in();
        check(&mut pi, "LSTN R", "255");
        tell(&mut pi, "STOR f");
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        drain(&mut pi);
        pi.handle_event(NOW, Event::Finished(Outcome::Refused(why)));
        let said = replies(&mut pi);
        assert!(said[1].starts_with(expected), "{why:?}: {said:?}");
    }
}

#[test]
fn a_transfer_is_told_to_begin_once_and_not_behind_abor() {
    let mut pi = logged_in();
    check(&mut pi, "LSTN R", "255");
    tell(&mut pi, "STOR f");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    assert!(replies(&mut pi)[0].starts_with("150"));
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    assert_eq!(drain(&mut pi), []);

    let mut pi = logged_in();
    check(&mut pi, "LSTN R", "255");
    tell(&mut pi, "STOR f");
    drain(&mut pi);
    tell(&mut pi, "ABOR");
    assert_eq!(drain(&mut pi), [Effect::StopTransfer]);
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    assert_eq!(drain(&mut pi), []);
}

#[test]
fn idle_login_and_reservation_have_their_limits() {
    let limits = Limits::default();
    let mut pi = session(Unpinned::ControlHost);
    assert_eq!(pi.poll_timeout(), Some(limits.login));
    pi.handle_timeout(limits.login);
    assert!(replies(&mut pi)[0].starts_with("421"));

    let mut pi = logged_in();
    check(&mut pi, "LSTN R", "255");
    pi.handle_command(Duration::from_secs(200), Ok(Command::Noop));
    drain(&mut pi);
    assert_eq!(pi.poll_timeout(), Some(limits.reservation));
    pi.handle_timeout(limits.reservation - Duration::from_millis(1));
    assert_eq!(drain(&mut pi), []);
    pi.handle_timeout(limits.reservation);
    assert_eq!(drain(&mut pi), [Effect::Release]);
    let idle = Duration::from_secs(200) + limits.idle;
    assert_eq!(pi.poll_timeout(), Some(idle), "nothing is reserved");
    pi.handle_timeout(idle);
    assert!(replies(&mut pi)[0].starts_with("421"));
}

//= security#S-53
//= type=test
#[test]
fn the_time_for_a_login_runs_while_a_password_is_checked() {
    let limits = Limits::default();
    let mut pi = session(Unpinned::ControlHost);
    check(&mut pi, "USER alice", "331");
    tell(&mut pi, "PASS wrong");
    drain(&mut pi);
    assert_eq!(pi.poll_timeout(), Some(limits.login));
    pi.handle_timeout(limits.login);
    let said = replies(&mut pi);
    assert!(said[0].starts_with("421"), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("Close"));
}

#[test]
fn whoever_logs_in_anew_has_the_whole_time_for_it() {
    let limits = Limits::default();
    let (later, mut pi) = (Duration::from_secs(200), logged_in());
    pi.handle_command(later, Command::parse(b"USER bob"));
    assert!(replies(&mut pi)[0].starts_with("331"));
    assert_eq!(pi.poll_timeout(), Some(later + limits.login));
    pi.handle_timeout(later);
    assert_eq!(drain(&mut pi), []);
    // A name behind a name gains nothing, nor does beginning anew.
    for line in [&b"USER carol"[..], b"REIN", b"USER dave"] {
        pi.handle_command(later + limits.login / 2, Command::parse(line));
        drain(&mut pi);
        assert_eq!(pi.poll_timeout(), Some(later + limits.login));
    }
}

//= security#S-38
//= type=test
#[test]
fn lines_of_another_protocol_close_the_session_at_once() {
    for line in ["GET / HTTP/1.1", "EHLO example.org", "Host: example.org"] {
        let before = session(Unpinned::ControlHost);
        let mut checking = before.clone();
        check(&mut checking, "USER alice", "331");
        tell(&mut checking, "PASS secret");
        drain(&mut checking);
        for mut pi in [before, checking, logged_in()] {
            tell(&mut pi, line);
            tell(&mut pi, "USER alice");
            let said = replies(&mut pi);
            assert!(said[0].starts_with("421"), "{line}: {said:?}");
            assert_eq!(said[1..], ["Close"], "{line}");
        }
    }
    let mut pi = session(Unpinned::ControlHost);
    check(&mut pi, "NOSUCH", "500");
    check(&mut pi, "STOR", "501");
    check(&mut pi, "NOSUCH", "500");
    tell(&mut pi, "NOSUCH");
    assert!(replies(&mut pi)[0].starts_with("421"));
}

/// What runs was asked for by a command that was in order.
#[test]
fn a_line_of_another_protocol_lets_the_transfer_finish_first() {
    check_finishes_first(|pi| tell(pi, "GET / HTTP/1.1"));
}

#[test]
fn a_shutdown_lets_the_transfer_finish_first() {
    check_finishes_first(|pi| pi.handle_shutdown(NOW));
}

fn check_finishes_first(ends: impl FnOnce(&mut ServerPi)) {
    let mut pi = logged_in();
    check(&mut pi, "LSTN S", "255");
    tell(&mut pi, "RETR f");
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    drain(&mut pi);
    ends(&mut pi);
    assert_eq!(drain(&mut pi), []);
    pi.handle_event(
        NOW,
        Event::Finished(Outcome::Completed {
            bytes: 1,
            kept: false,
        }),
    );
    let said = replies(&mut pi);
    assert!(
        said[0].starts_with("226") && said[1].starts_with("421"),
        "{said:?}"
    );
}

#[test]
fn restart_points_fit_their_mode_and_last_until_the_transfer() {
    let mut pi = logged_in();
    check(&mut pi, "TYPE I", "200");
    check(&mut pi, "REST 5", "350");
    check(&mut pi, "LSTN S", "255");
    tell(&mut pi, "RETR f");
    let effects = drain(&mut pi);
    let [Effect::Transfer(transfer)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert!(matches!(
        transfer.operation,
        Operation::Retrieve { offset: 5, .. }
    ));
    let mut pi = logged_in();
    check(&mut pi, "REST 5", "350");
    check(&mut pi, "LSTN S", "255");
    check(&mut pi, "RETR f", "554"); // TYPE A
    check(&mut pi, "REST 0", "350");
    check(&mut pi, "LSTN S", "255");
    tell(&mut pi, "RETR f");
    let effects = drain(&mut pi);
    assert!(matches!(effects[..], [Effect::Transfer(_)]), "{effects:?}");
    let mut pi = logged_in();
    check(&mut pi, "REST o5", "501");
    check(&mut pi, "MODE B", "200");
    check(&mut pi, "REST o5", "350");
    check(&mut pi, "REST 5", "501");
    for other in ["o", "o+5", "o5x", "x5", "o99999999999999999999"] {
        check(&mut pi, &format!("REST {other}"), "501");
    }
}

#[test]
fn rename_needs_its_two_commands_back_to_back() {
    let mut pi = logged_in();
    check(&mut pi, "RNTO g", "503");
    check(&mut pi, "RNFR f", "350");
    check(&mut pi, "NOOP", "200");
    check(&mut pi, "RNTO g", "250");
    check(&mut pi, "RNFR f", "350");
    check(&mut pi, "PWD", "257 \"/\"");
    check(&mut pi, "RNTO g", "503");
}

#[test]
fn in_clear_text_only_anonymous_logs_in_and_transfers_may_be_refused() {
    let settings = Settings {
        peer: peer(),
        unpinned: Unpinned::ControlHost,
        clear_login: ClearLogin::Anonymous,
        users_differ: false,
        clear_transfers: ClearTransfers::Refused,
        tls: TlsOffer::Absent,
        mdtm_sets: true,
        hosts: Hosts::default(),
        limits: Limits::default(),
    };
    let mut pi = ServerPi::new(NOW, settings);
    drain(&mut pi);
    check(&mut pi, "USER alice", "530");
    check(&mut pi, "PASS secret", "503");
    check(&mut pi, "USER anonymous", "331");
    tell(&mut pi, "PASS x");
    drain(&mut pi);
    let permissions = Permissions::read_only();
    let identity = Identity {
        name: "anonymous".to_owned(),
        permissions,
        operator: false,
        clear_transfers: None,
    };
    pi.handle_event(NOW, Event::Authenticated(Some(identity)));
    drain(&mut pi);
    check(&mut pi, "EPSV", "229");
    tell(&mut pi, "RETR f");
    assert!(replies(&mut pi).last().unwrap().starts_with("521"));
}

pub(super) const NOW: Duration = Duration::ZERO;
