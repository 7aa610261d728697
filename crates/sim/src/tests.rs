//! The simulation itself: it repeats itself, finds nothing, and would find something.

use crate::{Record, Sabotage, simulate};

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let hash = |seed| simulate(seed, Record::Hash, None).unwrap().hash.unwrap();
    for seed in 0..4 {
        assert_eq!(hash(seed), hash(seed), "seed {seed}");
    }
    assert_ne!(hash(0), hash(1));
}

#[test]
fn what_is_recorded_changes_nothing_of_what_happens() {
    let records = [Record::Lines, Record::Hash, Record::Violations];
    let [lines, hash, neither] = records.map(|record| simulate(7, record, None).unwrap());
    assert_eq!(lines.hash, hash.hash);
    assert!(lines.lines.len() > 20 && hash.lines.is_empty());
    assert_eq!(neither.hash, None);
}

#[test]
fn worlds_without_sabotage_keep_every_promise() {
    for seed in 0..25 {
        let outcome = simulate(seed, Record::Violations, None).unwrap();
        assert_eq!(outcome.violations, [] as [String; 0], "seed {seed}");
    }
}

/// The oracle can fail, and names the promise.
#[test]
fn every_sabotage_is_found_within_a_few_seeds() {
    for sabotage in Sabotage::ALL {
        let promises = promises_broken_by(sabotage);
        let is_found = (0..SEEDS_MAX).any(|seed| {
            let broken = simulate(seed, Record::Violations, Some(sabotage))
                .unwrap()
                .violations;
            let is_named = |broken: &String| promises.iter().any(|name| broken.contains(name));
            broken.iter().any(is_named)
        });
        assert!(is_found, "{sabotage:?} is not found as {promises:?}");
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
