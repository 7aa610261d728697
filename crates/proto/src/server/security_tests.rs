//! What the security requirements ask of a server-PI alone, each with its number.

use std::net::IpAddr;

use thirdhost_wire::{AcceptFilter, Verb};

use super::tests::{NOW, ask, check, drain, log_in, logged_in, replies, session, tell};
use super::*;

//= security#S-13
//= type=test
#[test]
fn whatever_sock_says_it_never_lets_everyone_in() {
    for listen in ["LSTN R", "LSTN S", "PASV", "EPSV"] {
        for line in [
            "SOCK 198.51.100.2,0",
            "SOCK 198.51.100.2,5000",
            "SOCK 0.0.0.0,0",
            "SOCK 0.0.0.0,5000",
            "SOCK 255.255.255.255,0",
            "SOCK *,0",
            "SOCK *,5000",
            "SOCK ANY,0",
            "SOCK any",
            "SOCK 0",
            "SOCK ,0",
            "SOCK",
        ] {
            let mut pi = logged_in();
            check(&mut pi, listen, "2");
            tell(&mut pi, line);
            // Policy is asked about the one host that is named, or nothing is asked.
            for effect in drain(&mut pi) {
                if let Effect::Arrange(what) = effect {
                    let narrow = matches!(
                        what,
                        Arrange::Pin {
                            filter: AcceptFilter::Host(_) | AcceptFilter::HostPort(_)
                        }
                    );
                    assert!(narrow, "{listen}, {line}: {what:?}");
                }
            }
        }
    }
}

/// What 227, CEPR's 229 and CPSV's 227 tell, and what is told to whom.
//= security#S-23
//= type=test
#[test]
fn a_private_address_is_never_told_to_a_public_peer() {
    for (peer, ours, told) in [
        ("203.0.113.5", "203.0.113.1", true),
        ("203.0.113.5", "10.0.0.1", false),
        ("203.0.113.5", "172.16.0.1", false),
        ("203.0.113.5", "192.168.1.1", false),
        ("203.0.113.5", "100.64.0.1", false),
        ("203.0.113.5", "169.254.0.1", false),
        ("203.0.113.5", "127.0.0.1", false),
        ("10.0.0.2", "10.0.0.1", true),
        ("127.0.0.1", "127.0.0.1", true),
        ("10.0.0.2", "203.0.113.1", true),
    ] {
        let (peer, ours): (IpAddr, IpAddr) = (peer.parse().unwrap(), ours.parse().unwrap());
        for (first, line, code) in [
            ("NOOP", "PASV", "227"),
            ("CEPR ON", "EPSV", "229"),
            // The port alone may be told to anybody.
            ("NOOP", "EPSV", "229"),
            ("NOOP", "LSTN R", "255"),
        ] {
            let mut pi = logged_in();
            pi.settings.peer = peer;
            check(&mut pi, first, "200");
            tell(&mut pi, line);
            drain(&mut pi);
            let port = 40002;
            let listening = Arranged::Listening { port, host: ours };
            pi.handle_event(NOW, Event::Arranged(Ok(listening)));
            let said = replies(&mut pi);
            let tells = line == "PASV" || first == "CEPR ON";
            let case = format!("{ours} to {peer}: {line}: {said:?}");
            if told || !tells {
                assert!(said[0].starts_with(code), "{case}");
            } else {
                assert_eq!(said[0], "Release", "{case}");
                assert!(said[1].starts_with("425"), "{case}");
                assert_eq!(*pi.plan(), Plan::Default, "{case}");
            }
        }
    }
}

/// then the shell stops reading, and the user-PI is held up by TCP.
//= security#S-57
//= type=test
#[test]
fn as_many_commands_as_feat_tells_wait_behind_a_transfer_and_no_more_are_read() {
    let mut pi = logged_in();
    check(&mut pi, "EPSV", "229");
    tell(&mut pi, "STOR f");
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    drain(&mut pi);
    for waiting in 0..QUEUED_COMMANDS_MAX {
        assert!(pi.wants_commands(), "{waiting}");
        tell(&mut pi, "NOOP");
    }
    assert!(!pi.wants_commands());
    pi.handle_event(NOW, Event::Finished(Outcome::ConnectionLost));
    let said = replies(&mut pi);
    assert_eq!(
        said.iter().filter(|said| said.starts_with("200")).count(),
        QUEUED_COMMANDS_MAX
    );
}

/// A stateful firewall may take what is echoed for a reply of its own.
//= security#S-62
//= type=test
#[test]
fn no_refusal_of_any_verb_echoes_what_was_sent() {
    let refusals = [
        Refusal::NotFound,
        Refusal::NotPermitted,
        Refusal::Exists,
        Refusal::NotDirectory,
        Refusal::NotFile,
        Refusal::NotEmpty,
        Refusal::NameNotAllowed,
        Refusal::Busy,
        Refusal::BadOffset,
        Refusal::NoSpace,
        Refusal::TooLarge,
        Refusal::TooLargeToCount,
        Refusal::TooLargeToHash,
        Refusal::Overloaded,
        Refusal::PatternTooWide,
        Refusal::NotSupported,
        Refusal::Failed,
    ];
    let forged = "(10,0,0,1,4,1)";
    let mut refused = 0;
    for verb in Verb::ALL {
        for argument in [
            format!("227 {forged}"),
            format!("20200102030405 {forged}"),
            format!("Modify=20200102030405; {forged}"),
            format!("CHMOD 600 {forged}"),
            format!("UTIME 20200102030405 {forged}"),
            format!("{forged} 0 1"),
            forged.to_owned(),
        ] {
            for refusal in refusals {
                let mut pi = logged_in();
                check(&mut pi, "EPSV", "229");
                check(&mut pi, "RNFR f", "350");
                tell(&mut pi, &format!("{verb} {argument}"));
                while let Some(effect) = pi.poll_effect() {
                    let event = match effect {
                        Effect::Reply(reply) => {
                            let negative = reply.code().number() >= 400;
                            refused += usize::from(negative);
                            let echoed = reply.to_string().contains(forged);
                            assert!(!(negative && echoed), "{verb} {argument}: {reply}");
                            continue;
                        }
                        Effect::Arrange(_) => Event::Arranged(Err(ArrangeRefusal::NotPermitted)),
                        Effect::Ask(_) => Event::Answered(Err(refusal)),
                        Effect::Authenticate { .. } => Event::Authenticated(None),
                        Effect::Transfer(_) => Event::Finished(Outcome::Refused(refusal)),
                        _ => continue,
                    };
                    pi.handle_event(NOW, event);
                }
            }
        }
    }
    assert!(refused > 5_000, "{refused}");
}

//= security#S-45
//= type=test
#[test]
fn nothing_is_copied_at_the_server() {
    for line in [
        "SITE CPFR a",
        "SITE CPTO b",
        "SITE COPY a b",
        "COPY a b",
        "CPFR a",
        "CPTO b",
    ] {
        for mut pi in [session(Unpinned::ControlHost), logged_in()] {
            check(&mut pi, line, "500");
            assert_eq!(drain(&mut pi), []);
        }
    }
}

//= security#S-72
//= type=test
#[test]
fn no_reply_tells_which_version_this_is() {
    let version = env!("CARGO_PKG_VERSION");
    let ask_all = |pi: &mut ServerPi| {
        for line in [
            "SYST",
            "FEAT",
            "HELP",
            "STAT",
            "CSID Name=x;",
            "SITE HELP",
            "CLNT x",
            "NOOP",
            "X",
            "OPTS UTF8 ON",
            "QUIT",
        ] {
            for said in ask(pi, line) {
                assert!(!said.contains(version), "{line}: {said}");
                let named = said.to_lowercase().contains("thirdhost");
                // CSID exists to tell the name.
                assert!(!named || line.starts_with("CSID"), "{line}: {said}");
            }
        }
    };
    ask_all(&mut session(Unpinned::ControlHost));
    ask_all(&mut logged_in());
    check(&mut logged_in(), "SYST", "215 UNIX Type: L8");
}

/// A verb that only a debugger wants would be found here.
//= security#S-73
//= type=test
#[test]
fn every_verb_is_one_that_a_document_asks_for() {
    for line in [
        "DEBUG",
        "SITE DEBUG",
        "SITE DUMP",
        "SITE VERSION",
        "XDBG",
        "SITE SHELL",
    ] {
        check(&mut logged_in(), line, "500");
    }
    let mut pi = session(Unpinned::ControlHost);
    log_in(&mut pi, Permissions::all());
    tell(&mut pi, "HELP");
    let [Effect::Reply(help)] = &drain(&mut pi)[..] else {
        panic!("one reply")
    };
    // What is served is told: no verb is hidden.
    let help = help.to_string();
    let served = Verb::ALL.iter().filter(|verb| {
        let said = ask(&mut logged_in(), verb.code());
        !said.iter().any(|said| said.starts_with("502"))
    });
    for verb in served {
        assert!(help.contains(verb.code()), "{verb} is not in HELP: {help}");
    }
}
