//! The control connection: silence, babble, and what observers see.

use super::{net, path, polite};
use crate::fake::{Answer, FakeNet, say};
use crate::{Credentials, Error, ExitCode};

const SITE: &str = "9.9.9.9:21";

/// Logs in and asks for a size, with the server doing `odd` at `at`.
async fn run(at: &'static str, odd: Answer) -> (FakeNet, Result<(), Error>) {
    let net = net();
    net.control(SITE, move |line| {
        let is_it = line.split(' ').next() == Some(at);
        if is_it { odd.clone() } else { polite(line, "") }
    });
    let result = async {
        let mut conn = net.login(SITE).await?;
        conn.stat(&path("a")).await.map(|_| ())
    };
    let result = tokio::time::timeout(std::time::Duration::from_secs(600), result).await;
    (net, result.expect("the client hangs"))
}

const STEPS: [&str; 6] = ["", "USER", "PASS", "FEAT", "TYPE", "SIZE"];

#[tokio::test(start_paused = true)]
async fn silence_at_any_step_ends_within_the_limit() {
    for step in STEPS {
        let (_, result) = run(step, Answer::Silence).await;
        let error = result.expect_err(step);
        assert!(matches!(error, Error::Silent { .. }), "{step}: {error}");
        assert_eq!(error.exit_code(), ExitCode::Temporary);
    }
}

#[tokio::test(start_paused = true)]
async fn type_i_that_was_not_waited_for_has_to_succeed() {
    const AHEAD: &str = "MODE S;B;,PIPELINE 64,SIZE";
    for (odd, expected) in [
        (say("200 ok"), Ok(Some(7))),
        (say("504 not here"), Err("TYPE I")),
        (Answer::Silence, Err("SIZE")),
    ] {
        let net = net();
        net.control(SITE, move |line| match line.split(' ').next() {
            Some("TYPE") => odd.clone(),
            Some("SIZE") => say("213 7"),
            _ => polite(line, AHEAD),
        });
        let mut conn = net.greeted(SITE).await.unwrap();
        conn.begin_login(&credentials()).await.unwrap();
        let found = conn.size(&path("a")).await;
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(step)) => {
                assert!(error.to_string().contains(step), "{error}");
                assert!(!conn.is_usable());
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
        let refused = net.login(SITE).await;
        assert_eq!(refused.is_ok(), expected.is_ok(), "login itself waits");
    }
}

/// What is said to USER and PASS, and to what is asked behind them.
#[tokio::test(start_paused = true)]
async fn a_login_that_was_not_waited_for_is_judged_by_every_word_said_to_it() {
    for (user, pass, expected) in [
        ("331 password", "230 in", Ok(())),
        ("331 password", "202 superfluous", Ok(())),
        ("230 in", "503 who?", Ok(())),
        ("232 in", "530 who?", Ok(())),
        ("331 password", "530 wrong", Err("530 wrong")),
        ("530 not you", "503 who?", Err("530 not you")),
        ("331 password", "332 account", Err("wants an account")),
        ("331 password", "421 bye", Err("421 bye")),
    ] {
        let net = net();
        net.control(SITE, move |line| match line.split(' ').next() {
            Some("USER") => say(user),
            Some("PASS") => say(pass),
            Some("SIZE") => say("213 7"),
            _ => polite(line, "MODE S;B;,PIPELINE 64,SIZE"),
        });
        let mut conn = net.greeted(SITE).await.unwrap();
        conn.begin_login(&credentials()).await.unwrap();
        let sent = net.sent_to(SITE);
        assert_eq!(sent, ["FEAT", "USER u", "PASS ****", "TYPE I"]);
        match (conn.size(&path("a")).await, expected) {
            (Ok(found), Ok(())) => assert_eq!(found, Some(7)),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (found, _) => panic!("{user}, {pass}: {found:?}"),
        }
        assert_eq!(conn.is_usable(), expected.is_ok(), "{user}, {pass}");
    }
}

/// Whether a server that takes commands ahead is told the password before it has answered USER.
#[tokio::test(start_paused = true)]
async fn a_server_that_can_do_tls_and_is_not_asked_to_may_refuse_to_hear_the_password() {
    let net = net();
    net.control(SITE, |line| match line.split(' ').next() {
        Some("USER") => say("530 only under TLS"),
        _ => polite(line, "MODE S;B;,PIPELINE 64,AUTH TLS"),
    });
    assert!(net.login(SITE).await.is_err());
    assert_eq!(net.sent_to(SITE), ["FEAT", "USER u"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_the_password_in_clear_is_told_it_with_all_that_follows() {
    let net = net();
    net.control(SITE, |line| match line.split(' ').next() {
        Some("USER") => say("331 password"),
        Some("PASS") => say("230 in"),
        _ => polite(line, "MODE S;B;,PIPELINE 64,AUTH TLS"),
    });
    let mut conn = net.greeted(SITE).await.unwrap();
    conn.begin_login(&credentials()).await.unwrap();
    let sent = net.sent_to(SITE);
    assert_eq!(sent, ["FEAT", "USER u", "PASS ****", "TYPE I"]);
    conn.confirm().await.unwrap();
}

fn credentials() -> Credentials {
    Credentials::new("u", "secret").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_closed_at_any_step_is_an_error_that_names_server_and_step() {
    for step in STEPS {
        let (_, result) = run(step, Answer::Close).await;
        let error = result.expect_err(step);
        assert!(matches!(error, Error::Lost { .. }), "{step}: {error}");
        assert!(error.to_string().contains(SITE) && error.to_string().contains(step));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_reply_is_refused_at_any_step() {
    let long_line = [b"220 ".as_slice(), &vec![b'x'; 10_000_000], b"\r\n"].concat();
    let long_reply = format!("220-first\r\n{}220 last\r\n", " inner\r\n".repeat(10_000));
    for step in STEPS {
        for odd in [
            Answer::Octets(long_line.clone()),
            Answer::Octets(long_reply.clone().into_bytes()),
            Answer::Octets(vec![0xff; 2_000_000]),
            Answer::Octets(b"\0\0\0\r\n".to_vec()),
            Answer::Repeat("220-again\r\n"),
            Answer::Repeat("x"),
            say("HTTP/1.1 400 Bad Request"),
            say("999 out of range"),
        ] {
            let (_, result) = run(step, odd).await;
            let error = result.expect_err(step);
            assert!(
                matches!(error, Error::NotAReply { .. } | Error::Misbehaved { .. }),
                "{step}: {error}"
            );
            assert_eq!(error.exit_code(), ExitCode::Fatal);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn preliminary_replies_without_end_are_not_followed_for_ever() {
    let (_, result) = run("TYPE", Answer::Repeat("150 soon\r\n")).await;
    let error = result.expect_err("it went on");
    assert!(
        matches!(error, Error::Misbehaved { .. } | Error::Silent { .. }),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_421_ends_the_session_at_any_step() {
    for step in STEPS {
        let (_, result) = run(step, say("421 going down")).await;
        let error = result.expect_err(step);
        assert!(matches!(error, Error::Closing { .. }), "{step}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_replies_to_one_command_put_the_connection_out_of_step() {
    let twice = Answer::Say("200 ok\r\n226 and more\r\n200 ok\r\n".to_owned());
    let net = net();
    net.control(SITE, move |line| {
        if line == "NOOP" {
            twice.clone()
        } else {
            polite(line, "")
        }
    });
    let mut conn = net.login(SITE).await.unwrap();
    conn.command(thirdhost_wire::Command::Noop).await.unwrap();
    let next = conn.command(thirdhost_wire::Command::Pwd).await;
    assert!(matches!(next, Err(Error::Misbehaved { .. })), "{next:?}");
    assert!(!conn.is_usable());
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_names_the_server_and_what_to_do() {
    let (_, result) = run("PASS", say("530 no such user")).await;
    let error = result.expect_err("logged in");
    let text = error.to_string();
    assert!(
        text.contains(SITE) && text.contains("530 no such user"),
        "{text}"
    );
    assert!(text.contains("check user name and password"), "{text}");
    assert_eq!(error.exit_code(), ExitCode::Refused);
}

//= security#S-70
//= type=test
#[tokio::test(start_paused = true)]
async fn the_observer_sees_every_line_and_no_password() {
    let (net, _) = run("SIZE", say("213 5")).await;
    let transcript = net.transcript();
    let line = |text: &str| format!("{SITE} {text}");
    assert_eq!(transcript.first(), Some(&line("< 220 ready")));
    assert!(transcript.contains(&line("> PASS ****")));
    assert!(!transcript.iter().any(|line| line.contains("secret")));
}

#[tokio::test(start_paused = true)]
async fn control_bytes_are_counted_both_ways() {
    let net = net();
    net.control(SITE, |line| polite(line, ""));
    let conn = net.login(SITE).await.unwrap();
    let expected = "220 ready\r\nFEAT\r\n502 no\r\nUSER u\r\n331 password\r\n\
                    PASS secret\r\n230 in\r\nFEAT\r\n502 no\r\nTYPE I\r\n200 ok\r\n";
    assert_eq!(conn.control_bytes(), expected.len() as u64);
    assert_eq!(conn.data_bytes(), 0);
}
