//! The simulation itself: it repeats itself, finds nothing, and would find something.

use crate::{Sabotage, simulate};

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let hash = |seed| simulate(seed, false, None).unwrap().hash;
    for seed in 0..4 {
        assert_eq!(hash(seed), hash(seed), "seed {seed}");
    }
    assert_ne!(hash(0), hash(1));
}

#[test]
fn the_lines_of_a_trace_change_nothing_in_it() {
    let [with, without] = [true, false].map(|lines| simulate(7, lines, None).unwrap());
    assert_eq!(with.hash, without.hash);
    assert!(with.lines.len() > 20 && without.lines.is_empty());
}

#[test]
fn worlds_without_sabotage_keep_every_promise() {
    for seed in 0..25 {
        let outcome = simulate(seed, false, None).unwrap();
        assert_eq!(outcome.violations, [] as [String; 0], "seed {seed}");
    }
}

/// The oracle can fail, and names the promise.
#[test]
fn every_sabotage_is_found_within_a_few_seeds() {
    for sabotage in Sabotage::ALL {
        let promises = promises_broken_by(sabotage);
        let broken = (0..SEEDS_MAX).find_map(|seed| {
            let outcome = simulate(seed, false, Some(sabotage)).unwrap();
            outcome.violations.into_iter().next()
        });
        let broken = broken.unwrap_or_else(|| panic!("{sabotage:?} is not found"));
        let named = promises.iter().any(|promise| broken.contains(promise));
        assert!(named, "{sabotage:?} is found as: {broken}");
    }
}

fn promises_broken_by(sabotage: Sabotage) -> &'static [&'static str] {
    match sabotage {
        Sabotage::ShowsPartials => &["I2"],
        Sabotage::LosesCommits => &["I1"],
        Sabotage::DropsReplies => &["I4"],
        Sabotage::AdmitsStrangers => &["I6"],
        Sabotage::HangsOnAbandon => &["I3", "I5", "I7"],
    }
}

const SEEDS_MAX: u64 = 300;
