//! The simulation itself: it repeats itself, finds nothing, and would find something.

use crate::{Record, Sabotage, simulate};

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let hash = |seed| simulate(seed, Record::Hash, None).unwrap().hash.unwrap();
    // One world in sixty or so tells whether anything draws lots that is not the seed's.
    for seed in 0..60 {
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

/// And there are such files: most come into place, and some are given up on the way.
#[test]
fn worlds_with_files_of_parts_keep_every_promise() {
    let (mut begun, mut came) = (0, 0);
    for seed in (5..).step_by(8).take(40) {
        let outcome = simulate(seed, Record::Lines, None).unwrap();
        assert_eq!(outcome.violations, [] as [String; 0], "seed {seed}");
        let count = |what| {
            outcome
                .lines
                .iter()
                .filter(|line| line.contains(what))
                .count()
        };
        begun += count(": begin parts");
        came += count(": commit parts /");
    }
    assert!(came > 15 && begun > came + 5, "{begun} begun, {came} came");
}

/// As far as a seed still means the world that it meant then (`tests/evidence/sim.md`).
#[test]
fn worlds_in_which_a_file_got_the_octets_of_another_do_so_no_more() {
    for seed in [3_092_478, 4_532_770] {
        let outcome = simulate(seed, Record::Violations, None).unwrap();
        assert_eq!(outcome.violations, [] as [String; 0], "seed {seed}");
    }
}

/// Every promise of the oracle can be found broken, by something that breaks that one.
#[test]
fn every_sabotage_is_found_within_a_few_seeds_as_the_promise_it_breaks() {
    let found: Vec<&str> = Sabotage::ALL.into_iter().map(find).collect();
    for promise in ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"] {
        assert!(found.contains(&promise), "{promise} is never broken");
    }
}

/// Plays worlds until the promise that is broken on purpose is found broken, and tells which.
fn find(sabotage: Sabotage) -> &'static str {
    let promises = promises_broken_by(sabotage);
    let broken = (0..SEEDS_MAX).flat_map(|seed| {
        simulate(seed, Record::Violations, Some(sabotage))
            .unwrap()
            .violations
    });
    let mut named = broken.filter_map(|broken| {
        let (_, named) = broken.split_once(": ")?;
        let (named, _) = named.split_once(": ")?;
        promises.iter().find(|name| named.contains(**name)).copied()
    });
    let found = named.next();
    found.unwrap_or_else(|| panic!("{sabotage:?} is not found as {promises:?}"))
}

fn promises_broken_by(sabotage: Sabotage) -> &'static [&'static str] {
    match sabotage {
        Sabotage::ShowsPartials => &["I2"],
        Sabotage::LosesCommits => &["I1"],
        Sabotage::DropsReplies => &["I4"],
        Sabotage::AdmitsStrangers => &["I6"],
        Sabotage::HangsOnAbandon => &["I3", "I5", "I7"],
        Sabotage::KeepsPorts => &["I3"],
        Sabotage::StopsClock => &["I5"],
        Sabotage::LocksOut => &["I7"],
        Sabotage::SaysDone => &["I8"],
    }
}

const SEEDS_MAX: u64 = 300;
