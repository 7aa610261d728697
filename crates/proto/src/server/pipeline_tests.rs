//! Pipelines told line by line: numbers, refusals, ABOR.

use thirdhost_wire::Direction;

use super::tests::{NOW, check, drain, log_in, logged_in, replies, session, tell};
use super::*;

/// Reads in /out, writes in /in, a listener that takes both ways.
fn pipelined() -> ServerPi {
    let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
    let mut pi = session(Unpinned::Any);
    let permissions = Permissions::all().beneath(path("/closed"), PermissionSet::default());
    log_in(&mut pi, permissions);
    check(&mut pi, "OPTS PIPELINE ON", "200 PIPELINE is on.");
    check(&mut pi, "TYPE I", "200");
    check(&mut pi, "MODE B", "200");
    check(&mut pi, "LSTN R", "255");
    pi
}

const KEPT: Outcome = Outcome::Completed {
    bytes: 1,
    kept: true,
};

/// The number of the transfer that runs next.
fn number(pi: &mut ServerPi) -> Option<u64> {
    let effects = drain(pi);
    let [.., Effect::Transfer(transfer)] = &effects[..] else {
        panic!("{effects:?}")
    };
    transfer.number
}

fn finish(pi: &mut ServerPi, outcome: Outcome) {
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    pi.handle_event(NOW, Event::Finished(outcome));
}

#[test]
fn opts_pipeline_takes_on_and_off_and_feat_tells_how_many() {
    let mut pi = logged_in();
    for (line, code) in [
        ("OPTS PIPELINE ON", "200"),
        ("opts pipeline off", "200"),
        ("OPTS PIPELINE", "501"),
        ("OPTS PIPELINE 3", "501"),
    ] {
        check(&mut pi, line, code);
    }
    tell(&mut pi, "FEAT");
    let effects = drain(&mut pi);
    let [Effect::Reply(reply)] = &effects[..] else {
        panic!("{effects:?}")
    };
    let line = format!("PIPELINE {QUEUED_COMMANDS_MAX}");
    assert!(
        reply.lines().iter().any(|told| told.trim() == line),
        "{reply:?}"
    );
}

#[test]
fn files_are_numbered_from_1_in_each_arrangement_while_pipeline_is_on() {
    let mut pi = pipelined();
    for expected in 1..=3 {
        tell(&mut pi, "STOR f");
        assert_eq!(number(&mut pi), Some(expected));
        finish(&mut pi, KEPT);
        drain(&mut pi);
    }
    check(&mut pi, "LSTN R", "255");
    tell(&mut pi, "STOR f");
    assert_eq!(number(&mut pi), Some(1));
    finish(&mut pi, KEPT);
    drain(&mut pi);
    check(&mut pi, "SOCK 198.51.100.2,40002", "255");
    tell(&mut pi, "STOR f");
    assert_eq!(number(&mut pi), Some(1), "SOCK pins another peer");
    finish(&mut pi, KEPT);
    drain(&mut pi);
    check(&mut pi, "OPTS PIPELINE OFF", "200");
    check(&mut pi, "LSTN R", "255");
    tell(&mut pi, "STOR f");
    assert_eq!(number(&mut pi), None);
}

#[test]
fn listings_are_numbered_too() {
    let mut pi = pipelined();
    check(&mut pi, "LSTN S", "255");
    for (line, expected) in [("LIST", 1), ("NLST", 2), ("RETR f", 3), ("MLSD", 4)] {
        tell(&mut pi, line);
        assert_eq!(number(&mut pi), Some(expected), "{line}");
        finish(&mut pi, KEPT);
        drain(&mut pi);
    }
}

#[test]
fn without_numbers_a_session_is_the_same_after_each_file() {
    let mut pi = pipelined();
    check(&mut pi, "OPTS PIPELINE OFF", "200");
    check(&mut pi, "LSTN R", "255");
    let mut stored = (0..3).map(|_| {
        tell(&mut pi, "STOR f");
        drain(&mut pi);
        finish(&mut pi, KEPT);
        drain(&mut pi);
        format!("{pi:?}")
    });
    let first = stored.next();
    assert!(stored.all(|state| Some(state) == first));

    // Numbers are in use, but nothing is arranged in which a file could have one.
    let mut pi = pipelined();
    tell(&mut pi, "ABOR");
    drain(&mut pi);
    check(&mut pi, "MODE S", "200");
    let mut refused = (0..3).map(|_| {
        tell(&mut pi, "STOR f");
        drain(&mut pi);
        format!("{pi:?}")
    });
    let first = refused.next();
    assert!(refused.all(|state| Some(state) == first));
}

#[test]
fn in_mode_s_nothing_has_a_number() {
    let mut pi = pipelined();
    check(&mut pi, "MODE S", "200");
    tell(&mut pi, "STOR f");
    assert_eq!(number(&mut pi), None);
}

#[test]
fn a_refused_command_is_answered_at_once_and_its_place_is_filled() {
    for (line, code, opens) in [("STOR /closed/f", "550", false), ("STOR f", "550", true)] {
        let mut pi = pipelined();
        tell(&mut pi, line);
        tell(&mut pi, "STOR g");
        if opens {
            assert_eq!(number(&mut pi), Some(1));
            let missing = Outcome::Refused(Refusal::NotFound);
            pi.handle_event(NOW, Event::Finished(missing));
        }
        let effects = drain(&mut pi);
        let [Effect::Reply(reply), Effect::Skip(skip)] = &effects[..] else {
            panic!("{line}: {effects:?}")
        };
        assert_eq!(reply.code().to_string(), code);
        assert_eq!((skip.number, skip.direction), (1, Direction::Receive));
        assert!(matches!(skip.route, Route::Accept { .. }));
        pi.handle_event(NOW, Event::Finished(KEPT));
        assert_eq!(number(&mut pi), Some(2), "{line}");
    }
}

#[test]
fn what_rest_said_for_a_refused_command_does_not_hold_for_the_next() {
    let mut pi = pipelined();
    check(&mut pi, "REST o7", "350");
    tell(&mut pi, "STOR /closed/f");
    pi.handle_event(NOW, Event::Finished(KEPT));
    drain(&mut pi);
    tell(&mut pi, "STOR g");
    let effects = drain(&mut pi);
    let [Effect::Transfer(transfer)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(matches!(
        transfer.operation,
        Operation::Store { offset: None, .. }
    ));
}

#[test]
fn a_file_that_fails_alone_leaves_the_connection_open() {
    for (outcome, code) in [
        (Outcome::Isolated(Refusal::NoSpace), "552"),
        (Outcome::Isolated(Refusal::Failed), "451"),
        (Outcome::SourceFailed, "451"),
    ] {
        let mut pi = pipelined();
        tell(&mut pi, "STOR f");
        drain(&mut pi);
        finish(&mut pi, outcome);
        let answers = replies(&mut pi);
        assert!(answers[1].starts_with(code), "{answers:?}");
        tell(&mut pi, "STOR g");
        let effects = drain(&mut pi);
        let [Effect::Transfer(transfer)] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!((transfer.route, transfer.number), (Route::Open, Some(2)));
    }
}

#[test]
fn what_breaks_the_connection_or_the_step_voids_the_arrangement() {
    for (outcome, code) in [
        (Outcome::OutOfStep, "426"),
        (Outcome::ConnectionLost, "426"),
        (Outcome::Malformed, "451"),
    ] {
        let mut pi = pipelined();
        tell(&mut pi, "STOR f");
        tell(&mut pi, "STOR g");
        drain(&mut pi);
        finish(&mut pi, outcome);
        let answers = replies(&mut pi);
        assert_eq!(answers[1], "Release");
        assert!(answers[2].starts_with(code), "{answers:?}");
        assert!(answers[3].starts_with("425"), "{answers:?}");
        assert_eq!(*pi.plan(), Plan::Default);
    }
}

#[test]
fn a_refusal_outside_a_pipeline_or_behind_the_first_octet_voids_the_arrangement() {
    for (pipeline, started) in [("OFF", false), ("OFF", true), ("ON", true)] {
        let mut pi = pipelined();
        check(&mut pi, &format!("OPTS PIPELINE {pipeline}"), "200");
        check(&mut pi, "LSTN R", "255");
        tell(&mut pi, "STOR f");
        drain(&mut pi);
        if started {
            pi.handle_event(NOW, Event::Opened(Opened::default()));
            drain(&mut pi);
        }
        let refused = Outcome::Refused(Refusal::NotPermitted);
        pi.handle_event(NOW, Event::Finished(refused));
        let answers = replies(&mut pi);
        assert_eq!(answers.len(), 2, "{pipeline} {started}: {answers:?}");
        assert_eq!(answers[0], "Release", "{pipeline} {started}");
        assert_eq!(*pi.plan(), Plan::Default);
    }
}

/// The source has filled the place itself.
#[test]
fn a_file_that_the_source_does_not_have_fills_its_place_before_ours_is_opened() {
    let mut pi = pipelined();
    tell(&mut pi, "STOR f");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Finished(Outcome::SourceFailed));
    let answers = replies(&mut pi);
    assert!(answers[0].starts_with("451"), "{answers:?}");
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn a_place_that_cannot_be_filled_voids_the_arrangement() {
    let mut pi = pipelined();
    check(&mut pi, "RETR f", "503");
    assert_eq!(*pi.plan(), Plan::Default);

    let mut pi = pipelined();
    tell(&mut pi, "STOR /closed/f");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Finished(Outcome::NotConnected));
    assert_eq!(replies(&mut pi), ["Release"]);
    check(&mut pi, "STOR g", "425");
}

#[test]
fn abor_ends_what_runs_answers_what_is_queued_before_it_and_nothing_behind_it() {
    let mut pi = pipelined();
    for line in ["STOR f", "STOR g", "NOOP", "ABOR", "NOOP"] {
        tell(&mut pi, line);
    }
    assert_eq!(drain(&mut pi).len(), 2);
    pi.handle_event(NOW, Event::Finished(Outcome::Stopped));
    let codes: Vec<String> = replies(&mut pi)
        .into_iter()
        .map(|line| line[..3].to_owned())
        .collect();
    assert_eq!(codes, ["Rel", "426", "426", "426", "226", "200"]);
}
