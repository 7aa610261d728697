//! The verbs beyond RFC 959, each with its replies by state. Spec sections 3 to 6.

use std::time::Duration;

use super::tests::{NOW, check, drain, log_in, logged_in, peer, replies, session, tell};
use super::*;

#[test]
fn circumstances_are_told_before_the_login() {
    for (line, reply) in [
        ("HOST ftp.example.org", "220"),
        ("LANG", "200"),
        ("LANG en-GB", "200"),
        ("LANG fr", "504"),
        ("CLNT lftp", "200"),
        (
            "CSID Name=WinSCP; Version=6;",
            "200 Name=thirdhostd; CaseSensitive=1;",
        ),
        ("CEPR ON", "200"),
        ("PRET RETR f", "530"),
        ("ALGS STATUS64", "530"),
    ] {
        check(&mut session(Unpinned::ControlHost), line, reply);
    }
    for (line, reply) in [
        ("HOST ftp.example.org", "503"),
        ("PRET RETR f", "200"),
        ("ALGS STATUS64", "202"),
        ("SMNT /", "502"),
        ("LPRT 4,4,132,235,1,2,2,24,131", "502"),
        ("LPSV", "502"),
        ("ACTV", "502"),
        ("MFCT 20200101000000 f", "502"),
    ] {
        check(&mut logged_in(), line, reply);
    }
}

#[test]
fn host_is_one_of_the_names_listed_or_our_address() {
    let hosts = Hosts {
        address: Some("192.0.2.1".parse().unwrap()),
        indicated: None,
        names: vec!["ftp.example.org".parse().unwrap()],
    };
    for (name, ours) in [
        ("FTP.example.org", true),
        ("192.0.2.1", true),
        ("www.example.org", false),
        ("192.0.2.2", false),
        ("[2001:db8::1]", false),
    ] {
        assert_eq!(hosts.serve(&name.parse().unwrap()), ours, "{name}");
    }
    assert!(Hosts::default().serve(&"any.example".parse().unwrap()));
}

#[test]
fn clnt_between_user_and_pass_keeps_the_user_and_host_does_not() {
    for (line, kept) in [("CLNT lftp", true), ("HOST example.org", false)] {
        let mut pi = session(Unpinned::ControlHost);
        check(&mut pi, "USER alice", "331");
        tell(&mut pi, line);
        drain(&mut pi);
        tell(&mut pi, "PASS secret");
        let asked = matches!(drain(&mut pi).as_slice(), [Effect::Authenticate { .. }]);
        assert_eq!(asked, kept, "{line}");
    }
}

#[test]
fn cepr_makes_229_tell_the_address_until_rein() {
    let mut pi = logged_in();
    let plain = "229 Entering Extended Passive Mode (|||40002|)";
    check(&mut pi, "EPSV", plain);
    check(&mut pi, "CEPR ON", "200");
    let full = format!("229 Entering Extended Passive Mode (|1|{}|40002|)", peer());
    check(&mut pi, "EPSV", &full);
    check(&mut pi, "CEPR OFF", "200");
    check(&mut pi, "EPSV", plain);
    check(&mut pi, "CEPR ON", "200");
    tell(&mut pi, "REIN");
    drain(&mut pi);
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "EPSV", plain);
}

#[test]
fn pret_keeps_the_restart_point() {
    let mut pi = logged_in();
    for (line, reply) in [("TYPE I", "200"), ("REST 5", "350"), ("PRET RETR f", "200")] {
        check(&mut pi, line, reply);
    }
    assert!(pi.restart.is_some());
}

/// Arranges with `before`, and tells `line`, which asks for a connection by `route`.
fn establishing(before: &[(&str, &str)], line: &str, route: Route) -> ServerPi {
    let mut pi = logged_in();
    for (line, reply) in before {
        check(&mut pi, line, reply);
    }
    tell(&mut pi, line);
    let effects = drain(&mut pi);
    let [Effect::Establish { route: asked, .. }] = effects.as_slice() else {
        panic!("{line}: {effects:?}")
    };
    assert_eq!(*asked, route);
    pi
}

#[test]
fn esta_and_estp_make_the_connection_that_the_next_transfer_uses() {
    let socket = |text: &str| {
        text.parse::<std::net::SocketAddr>()
            .unwrap()
            .try_into()
            .unwrap()
    };
    let ours = socket("192.0.2.7:50001");
    let calls = Route::Call {
        target: socket("203.0.113.5:40000"),
    };
    let accepts = Route::Accept {
        filter: thirdhost_wire::AcceptFilter::Host(peer()),
    };
    for (before, line, route, reply) in [
        (
            ("PORT 203,0,113,5,156,64", "200"),
            "ESTA",
            calls,
            "225 Connected from (|1|192.0.2.7|50001|)",
        ),
        (
            ("EPSV", "229"),
            "ESTP",
            accepts,
            "225 Connected to (|1|192.0.2.7|50001|)",
        ),
    ] {
        let mut pi = establishing(&[before, ("MODE S", "200")], line, route);
        pi.handle_event(NOW, Event::Established(Some(ours)));
        assert_eq!(replies(&mut pi), [reply]);
        check(&mut pi, line, "503");
        tell(&mut pi, "RETR f");
        let effects = drain(&mut pi);
        assert!(
            matches!(&effects[..], [Effect::Transfer(transfer)] if transfer.route == Route::Open),
            "{effects:?}"
        );
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        assert!(replies(&mut pi)[0].starts_with("125"));
        let completed = Outcome::Completed {
            bytes: 1,
            kept: false,
        };
        pi.handle_event(NOW, Event::Finished(completed));
        assert!(replies(&mut pi).iter().any(|said| said.starts_with("226")));
        assert!(pi.open.is_none());
    }
}

#[test]
fn a_marker_that_is_stored_is_told_while_the_transfer_runs_and_no_longer() {
    let marked = || Event::Marked {
        theirs: thirdhost_wire::Text::try_from("abc").unwrap(),
        octets: 32_768,
    };
    let mut pi = logged_in();
    check(&mut pi, "MODE B", "200");
    check(&mut pi, "EPSV", "229");
    tell(&mut pi, "STOR f");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    drain(&mut pi);
    pi.handle_event(NOW, marked());
    assert_eq!(replies(&mut pi), ["110 MARK abc = o32768"]);
    tell(&mut pi, "ABOR");
    drain(&mut pi);
    pi.handle_event(NOW, marked());
    assert_eq!(drain(&mut pi), []);
    pi.handle_event(NOW, Event::Finished(Outcome::Stopped));
    drain(&mut pi);
    pi.handle_event(NOW, marked());
    assert_eq!(drain(&mut pi), []);
}

#[test]
fn a_marker_of_ours_restarts_text_too_and_an_offset_does_not() {
    for (mode, representation, rest, expected) in [
        ("MODE B", "TYPE A", "REST o5", Some(5)),
        ("MODE B", "TYPE I", "REST o5", Some(5)),
        ("MODE S", "TYPE I", "REST 5", Some(5)),
        ("MODE S", "TYPE A", "REST 5", None),
    ] {
        for (line, reply) in [("RETR f", "RETR"), ("STOR f", "STOR")] {
            let mut pi = logged_in();
            for line in [mode, representation] {
                check(&mut pi, line, "200");
            }
            check(&mut pi, "EPSV", "229");
            check(&mut pi, rest, "350");
            tell(&mut pi, line);
            let effects = drain(&mut pi);
            let begins = match effects.as_slice() {
                [Effect::Transfer(transfer)] => match &transfer.operation {
                    Operation::Retrieve { offset, .. } => Some(*offset),
                    Operation::Store { offset, .. } => *offset,
                    other => panic!("{other:?}"),
                },
                _ => None,
            };
            assert_eq!(begins, expected, "{mode} {representation} {reply}");
        }
    }
}

#[test]
fn esta_and_estp_want_their_own_side_and_fail_like_a_transfer() {
    let mut pi = logged_in();
    check(&mut pi, "ESTA", "520");
    check(&mut pi, "ESTP", "520");
    check(&mut pi, "EPSV", "229");
    check(&mut pi, "ESTA", "520");
    check(&mut pi, "PORT 203,0,113,5,156,64", "200");
    check(&mut pi, "ESTP", "520");
    let mut refusing = session(Unpinned::Refuse);
    log_in(&mut refusing, Permissions::all());
    check(&mut refusing, "LSTN R", "255");
    check(&mut refusing, "ESTP", "503");
    // ABOR ends the wait, and each command has its reply.
    let accepts = Route::Accept {
        filter: thirdhost_wire::AcceptFilter::Host(peer()),
    };
    let mut pi = establishing(&[("EPSV", "229")], "ESTP", accepts);
    tell(&mut pi, "ABOR");
    assert_eq!(drain(&mut pi), [Effect::StopTransfer]);
    tell(&mut pi, "ABOR");
    assert_eq!(drain(&mut pi), []);
    pi.handle_event(NOW, Event::Established(None));
    let said = replies(&mut pi);
    let codes: Vec<&str> = said.iter().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["Rel", "425", "226", "226"], "{said:?}");
    check(&mut pi, "RETR f", "425");
}

/// The question that `line` asks the store; the answer is still owed.
fn question(pi: &mut ServerPi, line: &str) -> Question {
    tell(pi, line);
    let effects = drain(pi);
    let [Effect::Ask(question)] = effects.as_slice() else {
        panic!("{line}: {effects:?}")
    };
    question.clone()
}

fn answer(pi: &mut ServerPi, answer: Result<Answer, Refusal>, expected: &str) {
    pi.handle_event(NOW, Event::Answered(answer));
    assert_eq!(replies(pi), [expected]);
}

fn path(path: &str) -> VirtualPath {
    let name = thirdhost_wire::Pathname::try_from(path).unwrap();
    VirtualPath::root().join(&name).unwrap()
}

#[test]
fn facts_are_set_with_the_reply_that_the_drafts_want() {
    let time = "20200102030405";
    let set = |path_: &str, modified: Option<&str>, mode| Question::SetFacts {
        path: path(path_),
        modified: modified.map(|time| time.parse().unwrap()),
        mode,
    };
    let both = "MFF Modify=20200102030405;unix.mode=0640; d/f";
    for (line, asked, reply) in [
        (
            "MFMT 20200102030405 d/f",
            set("/d/f", Some(time), None),
            "213 Modify=20200102030405; d/f",
        ),
        (
            both,
            set("/d/f", Some(time), Some(0o640)),
            "213 Modify=20200102030405;unix.mode=0640; d/f",
        ),
        (
            "SITE CHMOD 644 f",
            set("/f", None, Some(0o644)),
            "200 Done.",
        ),
        (
            "SITE CHMOD 777 f",
            set("/f", None, Some(0o777)),
            "200 Done.",
        ),
        (
            "MFF UNIX.mode=0777; f",
            set("/f", None, Some(0o777)),
            "213 UNIX.mode=0777; f",
        ),
        (
            "SITE UTIME 202001020304 f",
            set("/f", Some("20200102030400"), None),
            "200 Done.",
        ),
    ] {
        let mut pi = logged_in();
        assert_eq!(question(&mut pi, line), asked, "{line}");
        answer(&mut pi, Ok(Answer::Done), reply);
        assert_eq!(question(&mut pi, line), asked, "{line}");
        answer(
            &mut pi,
            Err(Refusal::NotFound),
            "550 No such file or directory.",
        );
    }
}

#[test]
fn what_the_store_tells_is_said_in_the_reply_of_the_verb() {
    let text = |text: &str| Answer::Text(text.to_owned());
    let lines = |directory| Answer::Lines {
        directory,
        lines: vec!["-rw-r--r-- f".to_owned()],
    };
    let internal = "451 Internal error; the command was not carried out.\r\n";
    for (line, told, said) in [
        (
            "MLST f",
            text("Size=5; /f"),
            "250-Listing\r\n Size=5; /f\r\n250 End\r\n",
        ),
        ("MLST f", Answer::Done, internal),
        ("MDTM f", text("20200102030405"), "213 20200102030405\r\n"),
        ("SIZE f", Answer::Size(5), "213 5\r\n"),
        ("SIZE f", lines(false), internal),
        (
            "STAT f",
            lines(false),
            "213-Status follows\r\n -rw-r--r-- f\r\n213 End of status\r\n",
        ),
        (
            "STAT d",
            lines(true),
            "212-Status follows\r\n -rw-r--r-- f\r\n212 End of status\r\n",
        ),
        ("STAT d", Answer::Size(5), internal),
        ("MKD d", Answer::Done, "257 \"/d\" created.\r\n"),
        ("DELE f", Answer::Size(5), internal),
    ] {
        let mut pi = logged_in();
        check(&mut pi, "TYPE I", "200");
        question(&mut pi, line);
        pi.handle_event(NOW, Event::Answered(Ok(told)));
        let mut encoded = Vec::new();
        for effect in drain(&mut pi) {
            let Effect::Reply(reply) = effect else {
                panic!("{line}: {effect:?}")
            };
            reply.encode(&mut encoded);
        }
        assert_eq!(String::from_utf8(encoded).unwrap(), said, "{line}");
    }
}

//= security#S-49
//= type=test
#[test]
fn facts_are_checked_before_any_is_set() {
    for (line, code) in [
        ("MFF  f", "501"),
        ("MFF Modify=yesterday; f", "501"),
        ("MFF UNIX.mode=9; f", "501"),
        ("MFF Modify=20200102030405;Modify=20200102030405; f", "501"),
        ("MFF Modify=20200102030405;Create=20200102030405; f", "504"),
        ("MFF UNIX.owner=root; f", "504"),
        ("MFF UNIX.mode=4755; f", "504"),
        ("SITE CHMOD 4755 f", "504"),
        ("MFMT 20200102030405 a\u{7}", "553"),
    ] {
        check(&mut logged_in(), line, code);
    }
    for line in [
        "MFMT 20200102030405 f",
        "MFF UNIX.mode=644; f",
        "SITE CHMOD 644 f",
    ] {
        check(&mut session(Unpinned::ControlHost), line, "530");
        let mut pi = session(Unpinned::ControlHost);
        log_in(&mut pi, Permissions::read_only());
        check(&mut pi, line, "550");
    }
}

#[test]
fn mdtm_sets_only_where_the_whole_names_nothing() {
    let line = "MDTM 20200102030405 f";
    let mut pi = logged_in();
    let whole = Question::Modified(path("/20200102030405 f"));
    assert_eq!(question(&mut pi, line), whole);
    answer(
        &mut pi,
        Ok(Answer::Text("20210101000000".to_owned())),
        "213 20210101000000",
    );

    assert_eq!(question(&mut pi, line), whole);
    pi.handle_event(NOW, Event::Answered(Err(Refusal::NotFound)));
    let effects = drain(&mut pi);
    let set = Question::SetFacts {
        path: path("/f"),
        modified: Some("20200102030405".parse().unwrap()),
        mode: None,
    };
    assert_eq!(effects, [Effect::Ask(set)]);
    answer(&mut pi, Ok(Answer::Done), "213 Modify=20200102030405; f");

    let mut reader = session(Unpinned::ControlHost);
    log_in(&mut reader, Permissions::read_only());
    question(&mut reader, line);
    reader.handle_event(NOW, Event::Answered(Err(Refusal::NotFound)));
    assert!(replies(&mut reader)[0].starts_with("550"));

    let mut strict = logged_in();
    strict.settings.mdtm_sets = false;
    question(&mut strict, line);
    answer(
        &mut strict,
        Err(Refusal::NotFound),
        "550 No such file or directory.",
    );
}

//= security#S-44
//= type=test
#[test]
fn site_tells_what_it_can_and_refuses_with_a_reason() {
    for (line, reply) in [
        ("SITE HELP", "214"),
        (
            "SITE SYMLINK a b",
            "502 SITE SYMLINK is not done here: a link",
        ),
        ("SITE WHO", "550"),
        ("SITE IDLE", "200 The session ends after 300 silent seconds"),
        ("SITE IDLE 301", "504"),
        ("SITE IDLE 300", "200"),
        ("SITE IDLE 0", "504"),
        ("SITE NONSENSE", "500"),
        ("SITE CHMOD", "501"),
    ] {
        check(&mut logged_in(), line, reply);
        check(
            &mut session(Unpinned::ControlHost),
            line,
            match reply {
                "500" | "501" => reply,
                _ => "530",
            },
        );
    }
}

#[test]
fn site_idle_shortens_the_patience_until_rein() {
    let mut pi = logged_in();
    check(&mut pi, "SITE IDLE 10", "200");
    assert_eq!(pi.poll_timeout(), Some(Duration::from_secs(10)));
    check(&mut pi, "REIN", "220");
    log_in(&mut pi, Permissions::all());
    assert_eq!(pi.poll_timeout(), Some(Duration::from_secs(300)));
}

//= security#S-29
//= type=test
#[test]
fn operators_see_who_is_here_and_anonymous_users_get_site_help_alone() {
    let identity = |name: &str| Identity {
        name: name.to_owned(),
        permissions: Permissions::all(),
        operator: name == "root",
        clear_transfers: None,
    };
    let enter = |name: &str| {
        let mut pi = session(Unpinned::ControlHost);
        tell(&mut pi, &format!("USER {name}"));
        tell(&mut pi, "PASS x");
        pi.handle_event(NOW, Event::Authenticated(Some(identity(name))));
        drain(&mut pi);
        pi
    };
    let mut pi = enter("root");
    assert_eq!(question(&mut pi, "SITE WHO"), Question::Who);
    let lines = vec!["alice".to_owned()];
    let lines = Answer::Lines {
        directory: false,
        lines,
    };
    answer(&mut pi, Ok(lines), "211 Sessions");
    let mut pi = enter("anonymous");
    check(&mut pi, "SITE HELP", "214");
    for line in [
        "SITE CHMOD 644 f",
        "SITE WHO",
        "SITE IDLE 5",
        "SITE UTIME 202001010000 f",
    ] {
        check(&mut pi, line, "550");
    }
}

#[test]
fn records_are_refused_for_octets_as_they_are_and_not_for_a_listing() {
    for (line, refused) in [
        ("RETR f", true),
        ("STOR f", true),
        ("APPE f", true),
        ("LIST", false),
        ("MLSD", false),
    ] {
        let mut pi = logged_in();
        check(&mut pi, "TYPE I", "200");
        check(&mut pi, "STRU R", "200");
        check(&mut pi, "EPSV", "229");
        tell(&mut pi, line);
        let effects = drain(&mut pi);
        let said = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Reply(reply) if reply.code().number() == 504));
        let begun = matches!(effects.last(), Some(Effect::Transfer(_)));
        assert_eq!((said, begun), (refused, !refused), "{line}: {effects:?}");
    }
}

#[test]
fn opts_take_what_is_written_for_each_of_them_and_nothing_else() {
    let mut pi = logged_in();
    for (line, expected) in [
        ("OPTS UTF8", "200 UTF8 is on."),
        ("OPTS utf8 on", "200 UTF8 is on."),
        ("OPTS UTF-8 ON", "200 UTF8 is on."),
        ("OPTS UTF8 OFF", "504"),
        ("OPTS UTF8 MAYBE", "501"),
        ("OPTS MLST size;Type;", "200 MLST OPTS type;size;"),
        ("OPTS MLST", "200 MLST OPTS"),
        ("OPTS MLST type; size;", "501"),
        ("OPTS NOTHING ON", "501"),
        ("STRU R", "200 Structure is record."),
        ("STRU F", "200 Structure is file."),
        ("STRU P", "504"),
    ] {
        check(&mut pi, line, expected);
    }
}

#[test]
fn hash_tells_algorithm_range_hash_and_name() {
    let hash = |path_: &str, algorithm: &str, range| Question::Hash {
        algorithm: algorithm.parse().unwrap(),
        targets: vec![HashTarget {
            path: path(path_),
            range,
        }],
    };
    let digest = |first, end| Answer::Hash {
        digest: "0aff".to_owned(),
        first,
        end,
    };
    let mut pi = logged_in();
    assert_eq!(question(&mut pi, "HASH d/f"), hash("/d/f", "SHA-256", None));
    answer(&mut pi, Ok(digest(0, 50)), "213 SHA-256 0-50 0aff d/f");
    check(&mut pi, "OPTS HASH", "200 SHA-256");
    check(&mut pi, "OPTS HASH md5", "200 MD5");
    check(&mut pi, "OPTS HASH md4", "501");
    check(&mut pi, "TYPE I", "200");
    check(&mut pi, "RANG 5 9", "350");
    let range = thirdhost_wire::ByteRange::new(5, 9);
    assert_eq!(question(&mut pi, "HASH f"), hash("/f", "MD5", range));
    answer(&mut pi, Ok(digest(5, 10)), "213 MD5 5-10 0aff f");
    assert_eq!(question(&mut pi, "HASH f"), hash("/f", "MD5", None));
    answer(&mut pi, Err(Refusal::NotFile), "553 Not a regular file.");
    for (refusal, code) in [
        (Refusal::Overloaded, "450"),
        (Refusal::TooLargeToHash, "556"),
        (Refusal::NotFound, "550"),
    ] {
        question(&mut pi, "HASH f");
        pi.handle_event(NOW, Event::Answered(Err(refusal)));
        assert!(replies(&mut pi)[0].starts_with(code), "{refusal:?}");
    }
    check(&mut pi, "REIN", "220");
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "OPTS HASH", "200 SHA-256");
}

#[test]
fn the_older_commands_try_the_whole_argument_first() {
    let range = thirdhost_wire::ByteRange::new;
    for (argument, meanings) in [
        ("f", vec![("/f", None)]),
        ("a 1 9", vec![("/a 1 9", None), ("/a", range(1, 8))]),
        ("a b", vec![("/a b", None)]),
        ("a 1 x", vec![("/a 1 x", None)]),
        ("\"a b\"", vec![("/\"a b\"", None), ("/a b", None)]),
        (
            "\"a b\" 0 9",
            vec![("/\"a b\" 0 9", None), ("/a b", range(0, 8))],
        ),
        ("../../x 0 9", vec![("/x 0 9", None), ("/x", range(0, 8))]),
    ] {
        let mut pi = logged_in();
        let Question::Hash { algorithm, targets } = question(&mut pi, &format!("XSHA {argument}"))
        else {
            panic!("{argument}")
        };
        assert_eq!(algorithm.name(), "SHA-1");
        let expected: Vec<HashTarget> = meanings
            .into_iter()
            .map(|(name, range)| HashTarget {
                path: path(name),
                range,
            })
            .collect();
        assert_eq!(targets, expected, "{argument}");
        let digest = Answer::Hash {
            digest: "0aff".to_owned(),
            first: 0,
            end: 1,
        };
        answer(&mut pi, Ok(digest), "213 0AFF");
    }
    let mut pi = logged_in();
    question(&mut pi, "XSHA d");
    // 553 is of the draft of HASH.
    answer(&mut pi, Err(Refusal::NotFile), "550 Not a regular file.");
    check(&mut logged_in(), "XCRC \"a\" 9 1", "501");
    check(&mut session(Unpinned::ControlHost), "XCRC a", "530");
    let mut pi = session(Unpinned::ControlHost);
    log_in(&mut pi, [Permission::Write].into_iter().collect());
    check(&mut pi, "XCRC a", "550");
    check(&mut pi, "HASH a", "550");
}

#[test]
fn rang_says_which_octets_the_next_transfer_is_about() {
    let transfer = |lines: &[&str], last: &str| {
        let mut pi = logged_in();
        check(&mut pi, "TYPE I", "200");
        check(&mut pi, "EPSV", "229");
        for line in lines {
            tell(&mut pi, line);
        }
        drain(&mut pi);
        tell(&mut pi, last);
        match drain(&mut pi).pop() {
            Some(Effect::Transfer(transfer)) => Some(transfer.operation),
            _ => None,
        }
    };
    let retrieve = |offset, end| {
        let path = path("/f");
        Some(Operation::Retrieve { path, offset, end })
    };
    let store = |offset, end| {
        let path = path("/f");
        let part_of = None;
        Some(Operation::Store {
            path,
            offset,
            end,
            part_of,
        })
    };
    assert_eq!(transfer(&["RANG 5 9"], "RETR f"), retrieve(5, Some(10)));
    assert_eq!(transfer(&["RANG 5 9"], "STOR f"), store(Some(5), Some(10)));
    assert_eq!(transfer(&["RANG 5 9"], "APPE f"), store(Some(5), Some(10)));
    assert_eq!(
        transfer(&["RANG 5 9", "RANG 1 0"], "RETR f"),
        retrieve(0, None)
    );
    assert_eq!(
        transfer(&["RANG 5 9", "REST 3"], "RETR f"),
        retrieve(3, None)
    );
    assert_eq!(
        transfer(&["REST 3", "RANG 5 9"], "RETR f"),
        retrieve(5, Some(10))
    );
    assert_eq!(transfer(&["RANG 5 9", "PWD"], "RETR f"), retrieve(0, None));
    assert_eq!(transfer(&["RANG 5 9", "TYPE A"], "RETR f"), None);

    let mut pi = logged_in();
    check(&mut pi, "RANG 5 9", "551");
    check(&mut pi, "RANG 1 0", "350");
    check(&mut pi, "RANG 9 5", "501");
    check(&mut session(Unpinned::ControlHost), "RANG 0 1", "530");
}

#[test]
fn a_session_opens_or_joins_a_file_of_parts_and_stores_ranges_of_it() {
    use crate::server::PartsQuestion;
    use thirdhost_wire::{FileHash, HashAlgorithm, PartsKey};

    let key = PartsKey(5);
    let arranged = |pi: &mut ServerPi| {
        check(pi, "EPSV", "229");
        check(pi, "RANG 5 9", "350");
        stored(pi)
    };
    let mut pi = logged_in();
    check(&mut pi, "TYPE I", "200");
    let parts = Question::Parts;
    let path = path("/f");
    let open = PartsQuestion::Open { path, octets: 10 };
    assert_eq!(question(&mut pi, "SITE PARTS OPEN 10 f"), parts(open));
    answer(
        &mut pi,
        Ok(Answer::Parts(key)),
        "200 PARTS 0000000000000005",
    );
    assert_eq!(arranged(&mut pi), Some((Some(10), Some(key))));
    // What is no range is no part.
    check(&mut pi, "EPSV", "229");
    assert_eq!(stored(&mut pi), Some((None, None)));
    let size = question(&mut pi, "SITE PARTS SIZE 0000000000000005");
    assert_eq!(size, parts(PartsQuestion::Size(key)));
    answer(&mut pi, Ok(Answer::Size(7)), "213 7");
    let proof = FileHash::new(HashAlgorithm::Md5, "0a");
    let close = question(&mut pi, "SITE PARTS CLOSE MD5 0A");
    assert_eq!(close, parts(PartsQuestion::Close { proof }));
    let differs = "551 The file has another hash; nothing is stored.";
    answer(&mut pi, Err(Refusal::Differs), differs);
    // Not closed: what comes is no file of its own.
    assert_eq!(arranged(&mut pi), Some((Some(10), Some(key))));
    let close = question(&mut pi, "SITE PARTS CLOSE");
    assert_eq!(close, parts(PartsQuestion::Close { proof: None }));
    answer(&mut pi, Ok(Answer::Done), "250 The file is there.");
    assert_eq!(arranged(&mut pi), Some((Some(10), None)));

    let join = "SITE PARTS JOIN 0000000000000005";
    for (joined, expected) in [
        (Err(Refusal::NotFound), None),
        (Ok(Answer::Done), Some(key)),
    ] {
        assert_eq!(question(&mut pi, join), parts(PartsQuestion::Join(key)));
        pi.handle_event(NOW, Event::Answered(joined));
        drain(&mut pi);
        assert_eq!(arranged(&mut pi), Some((Some(10), expected)));
    }
    let dropped = question(&mut pi, "SITE PARTS DROP");
    assert_eq!(dropped, parts(PartsQuestion::Drop));
    answer(&mut pi, Ok(Answer::Done), "200 Nothing is kept.");
    assert_eq!(arranged(&mut pi), Some((Some(10), None)));

    // Nothing is joined any more by whoever logs in next.
    question(&mut pi, join);
    pi.handle_event(NOW, Event::Answered(Ok(Answer::Done)));
    drain(&mut pi);
    check(&mut pi, "REIN", "220");
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "TYPE I", "200");
    assert_eq!(arranged(&mut pi), Some((Some(10), None)));
}

#[test]
fn parts_are_not_for_strangers_nor_for_who_may_not_write() {
    let mut pi = session(Unpinned::ControlHost);
    check(&mut pi, "SITE PARTS OPEN 10 f", "530");
    log_in(&mut pi, [Permission::Read].into_iter().collect());
    check(&mut pi, "SITE PARTS OPEN 10 f", "550");
    check(&mut pi, "SITE PARTS OPEN 0 f", "501");
}

/// Where `STOR f` would end, and of what it would be a part; then it fails.
fn stored(pi: &mut ServerPi) -> Option<(Option<u64>, Option<thirdhost_wire::PartsKey>)> {
    tell(pi, "STOR f");
    let Some(Effect::Transfer(transfer)) = drain(pi).pop() else {
        return None;
    };
    pi.handle_event(NOW, Event::Finished(Outcome::ConnectionLost));
    drain(pi);
    match transfer.operation {
        Operation::Store { end, part_of, .. } => Some((end, part_of)),
        _ => None,
    }
}
