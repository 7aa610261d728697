//! RFC 438's example over two server-PIs and the third-party machine: every interleaving of
//! commands, replies and events on the data connection, with one failure at every step.
//!
//! Everything is a pure value, so the whole space is walked to its end. What each shell and the
//! network would do is modelled here in a few lines; what must hold is checked after each step.

mod world;

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use thirdhost_proto::third_party::{Operation, Outcome, Side, Step};
use world::{Action, World};

//= rfc438#example.1
//= type=test
//# (let X = socket
//# allocated)
//= rfc438#example.2
//= type=test
//# (let Y = socket in 255
//# reply from SITE1)
//= rfc438#example.3
//= type=test
//# SOCK SITE1,Y CRLF
//= rfc438#example.4
//= type=test
//# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
#[test]
fn the_example_ends_well_however_it_interleaves() {
    for listener in Side::BOTH {
        let ends = explore(&World::new(listener, Operation::Append, 0));
        assert!(ends.states > 50, "{ends:?}");
        assert!(ends.done > 0 && ends.failed == 0, "{listener:?}: {ends:?}");
    }
}

#[test]
fn one_failure_anywhere_is_told_and_leaves_nothing_running() {
    for listener in Side::BOTH {
        for operation in [Operation::Append, Operation::Copy] {
            let ends = explore(&World::new(listener, operation, 1));
            assert!(ends.states > 500, "{ends:?}");
            assert!(ends.done > 0 && ends.failed > 0, "{listener:?}: {ends:?}");
        }
    }
}

#[derive(Debug, Default)]
struct Ends {
    states: usize,
    done: usize,
    failed: usize,
}

fn explore(start: &World) -> Ends {
    let mut ends = Ends::default();
    let mut seen = HashSet::new();
    let mut frontier = VecDeque::from([start.clone()]);
    while let Some(world) = frontier.pop_front() {
        let actions = world.actions();
        if actions.is_empty() {
            at_the_end(&world, &mut ends);
        }
        for action in actions {
            let mut next = world.clone();
            next.perform(&action);
            check(&next, &action);
            if seen.insert(fingerprint(&next)) {
                frontier.push_back(next);
            }
        }
    }
    ends.states = seen.len();
    ends
}

/// What holds after every step.
fn check(world: &World, action: &Action) {
    if let Some(Outcome::Done(_)) = world.machine.outcome() {
        assert!(
            world.stored,
            "done is said and nothing is stored: {action:?}"
        );
    }
    if world.source_is_missing {
        assert!(
            !world.destination_was_asked,
            "a missing source reached the destination"
        );
    }
}

/// Nothing can happen any more: what must be true now?
fn at_the_end(world: &World, ends: &mut Ends) {
    let outcome = world
        .machine
        .outcome()
        .expect("no end was reached: a deadlock");
    match outcome {
        Outcome::Done(_) => ends.done += 1,
        Outcome::Failed(_) | Outcome::Refused(_) => {
            assert!(
                world.failures_left < world.failures_allowed,
                "it failed without a reason"
            );
            ends.failed += 1;
        }
    }
    for side in Side::BOTH {
        let site = world.sites.of(side);
        assert!(
            !site.alive || site.pi.is_idle(),
            "{side:?} is still at work"
        );
        let after_transfer = match outcome {
            Outcome::Failed(failure) | Outcome::Refused(failure) => failure.step == Step::Transfer,
            Outcome::Done(_) => false,
        };
        assert!(
            !(after_transfer && site.reserved),
            "{side:?} keeps a port after a transfer that failed: {outcome:?}"
        );
    }
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{world:?}").hash(&mut hasher);
    hasher.finish()
}
