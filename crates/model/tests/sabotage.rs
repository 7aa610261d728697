//! The model can fail: each protection is taken away, and what it kept out comes in.

use thirdhost_model::{Bounds, Sabotage, Scene, walk};
use thirdhost_proto::third_party::Side;

fn bounds(losses: u8, calls: u8, commands: u8) -> Bounds {
    Bounds {
        losses,
        calls,
        commands,
    }
}

/// What is found without a protection, in any scene: the problem, and how it comes to it.
fn found_without(sabotage: Option<Sabotage>, bounds: Bounds) -> Vec<(&'static str, String)> {
    let scenes = Scene::all(1, bounds).map(|scene| Scene { sabotage, ..scene });
    let walked = scenes.filter_map(|scene| walk(scene, STATES_MAX).counterexample);
    walked
        .map(|found| (found.problem, found.to_string()))
        .collect()
}

#[test]
fn each_protection_that_is_taken_away_is_missed() {
    let (reads, writes) = (
        "the intruder reads the user's file",
        "the user's session stores what the intruder wrote",
    );
    let cases = [
        (
            Sabotage::PinsOff,
            bounds(0, 1, 0),
            [reads, writes],
            "INTRUDER: calls the",
        ),
        (
            Sabotage::HostAlone,
            bounds(0, 1, 0),
            [reads, writes],
            "INTRUDER: calls the",
        ),
        (
            Sabotage::CertificateUnseen,
            bounds(1, 1, 0),
            [reads, writes],
            "INTRUDER:",
        ),
    ];
    for (sabotage, bounds, problems, step) in cases {
        let found = found_without(Some(sabotage), bounds);
        for problem in problems {
            let how = found.iter().find(|(what, _)| *what == problem);
            assert!(how.is_some(), "{sabotage:?}: not {problem}");
        }
        assert!(
            found.iter().any(|(_, how)| how.contains(step)),
            "{sabotage:?}: {found:?}"
        );
    }
}

/// Whoever has an account where the number was given back gets it next, and is called there.
#[test]
fn a_number_that_is_given_out_again_at_once_leads_to_somebody_else() {
    let problem = "the intruder's session stores the user's file";
    numbers_that_do_not_rest_lead_to(Side::Destination, problem);
}

/// The same where the number is the one that calls.
#[test]
fn a_number_that_is_given_out_again_at_once_brings_somebody_else() {
    let problem = "the user's session stores what the intruder wrote";
    numbers_that_do_not_rest_lead_to(Side::Source, problem);
}

fn numbers_that_do_not_rest_lead_to(account: Side, problem: &str) {
    let scene = Scene {
        listener: Side::Destination,
        tls: false,
        account,
        files: 1,
        bounds: bounds(1, 0, 3),
        sabotage: Some(Sabotage::NumbersDoNotRest),
    };
    let found = walk(scene, STATES_MAX).counterexample;
    let found = found.expect("one is found");
    assert_eq!(found.problem, problem, "{found}");
}

#[test]
fn what_is_not_given_back_and_who_waits_for_ever_is_found() {
    for (sabotage, bounds, problem) in [
        (
            Sabotage::ForgottenRelease,
            bounds(0, 0, 0),
            "a port is left behind",
        ),
        (
            Sabotage::SilenceForGood,
            bounds(1, 0, 0),
            "a session is left behind",
        ),
        (
            Sabotage::StrangerEndsWait,
            bounds(0, 1, 0),
            "it failed, and nothing was lost",
        ),
    ] {
        let found = found_without(Some(sabotage), bounds);
        assert!(
            found.iter().any(|(what, _)| *what == problem),
            "{sabotage:?}: {found:?}"
        );
    }
}

//= security#S-18
//= type=test
//= security#S-19
//= type=test
//= security#S-51
//= type=test
#[test]
fn nothing_is_found_where_nothing_is_taken_away() {
    for bounds in [bounds(1, 0, 0), bounds(0, 1, 0), bounds(0, 0, 1)] {
        assert_eq!(found_without(None, bounds), []);
    }
}

/// A guard against a model in which nothing happens.
#[test]
fn a_loss_and_a_call_of_the_intruder_come_at_every_moment() {
    for scene in Scene::all(1, bounds(1, 1, 0)) {
        let walked = walk(scene, STATES_MAX);
        assert!(
            walked.states > 4_000 && walked.ends > 200,
            "{scene}: {walked:?}"
        );
    }
}

const STATES_MAX: usize = 1_000_000;
