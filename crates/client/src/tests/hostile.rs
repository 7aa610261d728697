//! A server that does something wrong at some step of a whole copy: nothing hangs, nothing passes
//! for done, nothing lands elsewhere, nobody else is called.

use std::path::Path;

use super::stage::{OTHER, OURS, Odd, SITE1, SITE2, Stage, local, nothing_odd, remote};
use crate::fake::{Answer, say};
use crate::{Arrangement, ExitCode, Location, Policy, Relay, Via};

const STEPS: [&str; 19] = [
    "", "USER", "PASS", "FEAT", "TYPE", "MLST", "MLSD", "SIZE", "LSTN", "SOCK", "EPSV", "EPRT",
    "RETR", "STOR", "RNFR", "RNTO", "MFMT", "STRU", "MODE",
];

fn answers() -> Vec<Answer> {
    vec![
        Answer::Silence,
        Answer::Close,
        Answer::Repeat("150 soon\r\n"),
        Answer::Repeat("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        Answer::Repeat("230-and more\r\n"),
        say("999 what"),
        say("200 well"),
        say("226 done"),
        say("550 no"),
        say("213 77"),
        say("227 Entering Passive Mode (8,8,8,8,200,200)"),
        say("255 SOCK 0"),
        Answer::Octets(b"213 \0\r\n".to_vec()),
        Answer::Say("150 one\r\n226 two\r\n226 three\r\n".to_owned()),
    ]
}

fn stage(features: &'static str, odd: [Odd; 2]) -> Stage {
    let [source, destination] = odd;
    let mut stage = Stage::new(features, source, destination);
    stage.options.retries = 0;
    stage.options.poll = true;
    stage.environment.limits.preliminary_replies = 100;
    stage.environment.limits.unfinished_reply_bytes = 4096;
    stage.source.clone().with("x/a", b"hello", 1);
    stage
}

async fn check(step: &'static str, answer: Answer, is_source: bool, here: Option<&Path>) {
    let features = if is_source { OURS } else { OTHER };
    let wrong = answer.clone();
    let odd: Odd = Box::new(move |line| {
        let verb = line.split(' ').next().unwrap_or_default();
        (verb == step).then(|| wrong.clone())
    });
    let odd = match is_source {
        true => [odd, nothing_odd()],
        false => [nothing_odd(), odd],
    };
    let stage = stage(features, odd);
    let to = here.map_or_else(|| remote("y"), |here| local(&here.join("y")));
    let what = format!("{step} {answer:?} at the source: {is_source}, here: {here:?}");
    let done = stage
        .try_run(remote("x"), to.clone())
        .await
        .is_ok_and(|summary| summary.exit_code() == ExitCode::Done);
    let arrived = match &to {
        Location::Local(path) => std::fs::read(path.join("a")).ok(),
        Location::Remote(_) => stage.destination.contents("y/a"),
    };
    // A destination that keeps nothing and tells no size can lie; then nothing is called verified.
    let is_unproven = !is_source && stage.diary().contains(&"done a unverified".to_owned());
    if done && !is_unproven {
        assert_eq!(arrived.as_deref(), Some(b"hello".as_slice()), "{what}");
    }
    for call in stage.net.calls() {
        assert!(
            call.starts_with("9.9.9.1:") || call.starts_with("9.9.9.2:"),
            "{what}: {call}"
        );
    }
    for site in [SITE1, SITE2] {
        let sent = stage.net.sent_to(site);
        let names_another = |line: &String| line.contains("8,8,8,8") || line.contains("8.8.8.8");
        assert!(!sent.iter().any(names_another), "{what}: {sent:?}");
    }
    if let Some(here) = here {
        let names = std::fs::read_dir(here).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "y"), "{what}: {names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_server_does_at_whatever_step_a_copy_between_two_ends_and_is_not_done() {
    for step in STEPS {
        for answer in answers() {
            for is_source in [true, false] {
                check(step, answer.clone(), is_source, None).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_server_does_at_whatever_step_nothing_is_written_beside_the_destination() {
    for step in STEPS {
        for answer in answers() {
            let directory = tempfile::tempdir().unwrap();
            check(step, answer, true, Some(directory.path())).await;
        }
    }
}

/// An address that is not its own is not passed on, not even as the last way.
#[tokio::test(start_paused = true)]
async fn a_copy_by_pasv_with_a_lying_server_is_refused() {
    for is_source in [true, false] {
        let lies: Odd = Box::new(|line| {
            (line == "PASV").then(|| say("227 Entering Passive Mode (8,8,8,8,200,200)"))
        });
        let odd = match is_source {
            true => [lies, nothing_odd()],
            false => [nothing_odd(), lies],
        };
        let mut stage = stage(OTHER, odd);
        stage.options.policy = Policy {
            via: Via::Only(Arrangement::Pasv),
            relay: Relay::Never,
            ..Policy::default()
        };
        let summary = stage.try_run(remote("x/a"), remote("b")).await.unwrap();
        for site in [SITE1, SITE2] {
            let sent = stage.net.sent_to(site);
            assert!(
                !sent.iter().any(|line| line.contains("8,8,8,8")),
                "{sent:?}"
            );
        }
        assert_ne!(summary.exit_code(), ExitCode::Done);
    }
}
