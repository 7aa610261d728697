//! Many files over one arrangement: two server-PIs, the wire between them, and whatever can go
//! wrong with each file at either end, with one loss at every moment.
//!
//! What must hold whatever happens: no file is ever stored under the name of another, none is
//! called done that is not stored, and each command has exactly one final reply.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod world;

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use world::{Fate, World};

/// Every fate of two files at both ends, however the steps interleave.
#[test]
fn two_files_are_never_mistaken_for_each_other_however_it_interleaves() {
    let mut states = 0;
    for fates in fates(2, &Fate::ALL) {
        states += explore(&World::new(&fates, 0));
    }
    assert!(states > 5_000, "only {states} states");
}

#[test]
fn one_loss_or_abort_anywhere_mistakes_no_file_and_claims_none() {
    let mut states = 0;
    for fates in fates(2, &[Fate::Good, Fate::FailsMidway]) {
        states += explore(&World::new(&fates, 1));
    }
    assert!(states > 5_000, "only {states} states");
}

#[test]
fn four_files_stay_in_step_over_every_pattern_of_refusals() {
    for fates in fates(4, &[Fate::Good, Fate::Refused]) {
        run_through(&World::new(&fates, 0));
    }
    for fates in fates(3, &Fate::ALL) {
        run_through(&World::new(&fates, 0));
    }
}

#[test]
fn three_files_are_never_mistaken_when_the_connection_breaks_at_any_moment() {
    for fates in fates(3, &[Fate::Good, Fate::StoreRefuses]) {
        let whole = run_through(&World::new(&fates, 0));
        for moment in 0..whole {
            for loss in world::LOSSES {
                let mut world = World::new(&fates, 1);
                for _ in 0..moment {
                    let action = world.actions()[0];
                    world.perform(action);
                }
                if world.actions().contains(&loss) {
                    world.perform(loss);
                    run_through(&world);
                }
            }
        }
    }
}

/// Every sequence of `count` files with these fates at source and destination.
fn fates(count: u32, of: &[Fate]) -> Vec<Vec<(Fate, Fate)>> {
    let pairs: Vec<(Fate, Fate)> = of
        .iter()
        .flat_map(|source| of.iter().map(|destination| (*source, *destination)))
        .collect();
    let mut sequences = vec![Vec::new()];
    for _ in 0..count {
        sequences = sequences
            .iter()
            .flat_map(|sequence| {
                pairs.iter().map(|pair| {
                    let mut longer = sequence.clone();
                    longer.push(*pair);
                    longer
                })
            })
            .collect();
    }
    sequences
}

/// Takes the first thing that can happen until nothing can; tells how many things happened.
fn run_through(start: &World) -> usize {
    let mut world = start.clone();
    let mut steps = 0;
    while let Some(action) = world.first_action() {
        world.perform(action);
        steps += 1;
        assert!(steps < 1_000, "it does not end: {world:?}");
    }
    world.at_the_end();
    steps
}

fn explore(start: &World) -> usize {
    let mut seen = HashSet::new();
    let mut frontier = VecDeque::from([start.clone()]);
    while let Some(world) = frontier.pop_front() {
        let actions = world.actions();
        if actions.is_empty() {
            world.clone().at_the_end();
        }
        for action in actions {
            let mut next = world.clone();
            next.perform(action);
            if seen.insert(fingerprint(&next)) {
                frontier.push_back(next);
            }
        }
    }
    seen.len()
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{world:?}").hash(&mut hasher);
    hasher.finish()
}
