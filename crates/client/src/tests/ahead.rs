//! Many files over one arrangement: what a server says there is not believed without its proof.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::stage::{Odd, SITE1, SITE2, Stage, nothing_odd, times};
use crate::ExitCode;
use crate::fake::{Answer, say};

const PIPELINES: &str = "LSTN S;R;,SOCK ANY;,SIZE,MFMT,REST STREAM,MODE B,PIPELINE 100,\
    HASH SHA-256*,MLST type*;size*;modify*;X.partial*;";

fn stage(source: Odd, destination: Odd) -> Stage {
    let stage = Stage::new(PIPELINES, source, destination);
    for name in ["a", "b", "c"] {
        stage
            .source
            .clone()
            .with(&format!("x/{name}"), name.as_bytes(), 1);
    }
    stage
}

/// The files that were said to be done, with their proof.
async fn done(stage: &Stage) -> Vec<String> {
    let summary = stage.tree().await;
    let mut diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
    for name in ["a", "b", "c"] {
        let found = stage.destination.contents(&format!("y/{name}"));
        assert_eq!(found.as_deref(), Some(name.as_bytes()), "{diary:?}");
    }
    diary.retain(|line| line.starts_with("done"));
    diary.sort();
    diary
}

#[tokio::test(start_paused = true)]
async fn files_go_ahead_and_each_is_proved() {
    let stage = stage(nothing_odd(), nothing_odd());
    let expected = ["done a SHA-256", "done b SHA-256", "done c SHA-256"];
    assert_eq!(done(&stage).await, expected);
    let sent = stage.net.sent_to(SITE1);
    let retr = sent.iter().filter(|line| line.starts_with("RETR")).count();
    assert_eq!(retr, 3, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_whose_proof_is_refused_is_not_done_by_that() {
    for (source, destination) in [
        (
            times(1, "HASH x/b", say("450 too much to hash")),
            nothing_odd(),
        ),
        (
            nothing_odd(),
            times(1, "HASH y/b", say("450 too much to hash")),
        ),
    ] {
        let stage = stage(source, destination);
        let expected = ["done a SHA-256", "done b SHA-256", "done c SHA-256"];
        assert_eq!(done(&stage).await, expected);
    }
}

/// RETR goes out before the pin is granted, STOR does not.
#[tokio::test(start_paused = true)]
async fn nothing_is_stored_where_the_listener_does_not_take_the_pin() {
    let stage = stage(
        nothing_odd(),
        times(1, "SOCK", say("504 not from that host")),
    );
    let expected = ["done a SHA-256", "done b SHA-256", "done c SHA-256"];
    assert_eq!(done(&stage).await, expected);
    let sent = stage.net.sent_to(SITE2);
    let at = |verb: &str| sent.iter().position(|line| line.starts_with(verb)).unwrap();
    assert!(
        at("SOCK") < at("ABOR") && at("ABOR") < at("STOR"),
        "{sent:?}"
    );
    let source = stage.net.sent_to(SITE1);
    assert!(source.contains(&"ABOR".to_owned()), "{source:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_agreed_while_a_tree_is_listed_is_withdrawn_where_nothing_goes() {
    let stage = Stage::new(PIPELINES, nothing_odd(), nothing_odd());
    stage.source.clone().with("x/only", b"one", 1);
    assert_eq!(stage.tree().await.exit_code(), ExitCode::Done);
    assert_eq!(stage.destination.contents("y/only").unwrap(), b"one");
    let sent = stage.net.sent_to(SITE2);
    let at = |line: &str| sent.iter().rposition(|sent| sent == line).unwrap();
    assert!(at("MODE B") < at("OPTS PIPELINE OFF"), "{sent:?}");
    assert!(at("OPTS PIPELINE OFF") < at("STOR y/only"), "{sent:?}");
}

/// RFC 959 section 4.1.3: 225 to ABOR, and the commands before it are dropped in silence.
#[tokio::test(start_paused = true)]
async fn what_225_answers_together_with_abor_is_not_done() {
    let drops = AtomicBool::new(true);
    let destination: Odd = Box::new(move |line| {
        if line == "ABOR" {
            drops.store(false, Relaxed);
            return Some(say("225 nothing to abort"));
        }
        let is_about_file = ["STOR", "MFMT", "HASH"]
            .iter()
            .any(|verb| line.starts_with(verb));
        match line.ends_with("y/a") {
            _ if !drops.load(Relaxed) || !is_about_file => None,
            true => Some(say("426 broken")),
            false => Some(Answer::Silence),
        }
    });
    let stage = stage(nothing_odd(), destination);
    let summary = stage.tree().await;
    let diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
    assert!(stage.net.sent_to(SITE2).contains(&"ABOR".to_owned()));
    for name in ["b", "c"] {
        let found = stage.destination.contents(&format!("y/{name}"));
        assert!(found.is_some(), "{name} is not there: {diary:?}");
    }
}

/// One of ours answers 426 to all that waits behind a transfer that ABOR ends.
#[tokio::test(start_paused = true)]
async fn a_proof_that_abor_dropped_is_asked_for_again_though_it_has_to_be_a_hash() {
    for dropped in ["426 dropped by ABOR", "225 nothing to abort"] {
        let destination = times(1, "HASH y/b", say(dropped));
        let mut stage = stage(nothing_odd(), destination);
        stage.options.policy.verify = crate::Verify::Hash;
        let expected = ["done a SHA-256", "done b SHA-256", "done c SHA-256"];
        assert_eq!(done(&stage).await, expected, "{dropped}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_somebody_makes_meanwhile_is_no_failure() {
    let stage = stage(nothing_odd(), nothing_odd());
    stage.source.clone().with("x/d/e", b"e", 1);
    stage
        .destination
        .clone()
        .with_directory("y")
        .with_directory("y/d")
        .hide("y/d");
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(stage.destination.contents("y/d/e").unwrap(), b"e");
}

/// What the source was asked for together with its call is withdrawn: the destination takes other
/// files first.
#[tokio::test(start_paused = true)]
async fn files_that_were_asked_for_early_are_withdrawn_with_their_directory() {
    let stage = stage(
        nothing_odd(),
        times(2, "MKD y/d", say("550 not this directory")),
    );
    stage.source.clone().with("x/d/e", b"e", 1);
    let summary = stage.tree().await;
    let diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::PartlyDone, "{diary:?}");
    for name in ["a", "b", "c"] {
        let found = stage.destination.contents(&format!("y/{name}"));
        assert_eq!(found.as_deref(), Some(name.as_bytes()), "{diary:?}");
    }
    assert_eq!(stage.destination.contents("y/d/e"), None);
    let source = stage.net.sent_to(SITE1);
    let at = |line: &str| source.iter().position(|sent| sent == line).unwrap();
    assert!(at("RETR x/d/e") < at("ABOR"), "{source:?}");
    let again = source.iter().rposition(|sent| sent == "RETR x/a");
    assert!(again > Some(at("ABOR")), "{source:?}");
}

#[tokio::test(start_paused = true)]
async fn files_that_were_asked_for_early_go_another_way_where_the_source_may_not_call() {
    let stage = stage(times(1, "SOCK", say("504 not to that host")), nothing_odd());
    let expected = ["done a SHA-256", "done b SHA-256", "done c SHA-256"];
    assert_eq!(done(&stage).await, expected);
    let source = stage.net.sent_to(SITE1);
    assert!(source.contains(&"ABOR".to_owned()), "{source:?}");
}

/// 550 says both: of one file alone it was asked which of the two it is.
#[tokio::test(start_paused = true)]
async fn files_of_a_pipeline_that_may_not_be_read_are_told_as_one_file_alone_is() {
    let refused: Odd = Box::new(|line| {
        let is_it = line.starts_with("RETR");
        is_it.then(|| say("550 not for you"))
    });
    let broken: Odd = Box::new(|line| line.starts_with("STOR").then(|| say("451 nothing came")));
    let mut stage = stage(refused, broken);
    stage.options.retries = 0;
    let summary = stage.tree().await;
    let codes: Vec<ExitCode> = summary.failures.iter().map(|failed| failed.code).collect();
    assert_eq!(codes, [ExitCode::Refused; 3], "{:?}", stage.diary());
}
