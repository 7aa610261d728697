//! The walk: every course of events, to its end, breadth first, so that what is found is found in
//! the fewest steps.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use crate::action::Action;
use crate::scene::Scene;
use crate::world::World;

/// What a walk has come to.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Different moments.
    pub states: usize,
    /// Steps from one to another, or to itself.
    pub transitions: usize,
    /// Steps of the longest of the shortest ways to a moment.
    pub depth: usize,
    /// Moments in which nothing goes on any more.
    pub ends: usize,
    /// The first thing found that must not be.
    pub counterexample: Option<Counterexample>,
    /// Whether it was given up because there is more than it was to look at.
    pub is_cut: bool,
}

/// How it comes to something that must not be.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What must not be.
    pub problem: &'static str,
    /// How it comes to it.
    pub steps: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:4}  {step}", number + 1)?;
        }
        write!(f, "      => {}", self.problem)
    }
}

/// Walks through everything that can happen in this scene, until all is seen or something is
/// found, and through no more than `states_max` moments.
#[must_use]
pub fn walk(scene: Scene, states_max: usize) -> Walk {
    let start = World::new(scene);
    let mut walk = Walk::default();
    let mut seen = HashSet::from([start.fingerprint()]);
    let mut ways = vec![Way::default()];
    let mut frontier = VecDeque::from([(start, 0_usize, 0_usize)]);
    while let Some((world, way, depth)) = frontier.pop_front() {
        walk.depth = depth;
        let actions = world.actions();
        let problem = if actions.iter().any(Action::is_due) {
            None
        } else {
            walk.ends += 1;
            world.problem_at_the_end()
        };
        if let Some(problem) = world.problem().or(problem) {
            walk.counterexample = Some(tell(scene, problem, &ways, way));
            break;
        }
        if ways.len() > states_max {
            walk.is_cut = true;
            break;
        }
        for action in actions {
            let mut next = world.clone();
            next.perform(&action);
            walk.transitions += 1;
            if seen.insert(next.fingerprint()) {
                let from = way;
                ways.push(Way {
                    from,
                    action: Some(action),
                });
                frontier.push_back((next, ways.len() - 1, depth + 1));
            }
        }
    }
    walk.states = seen.len();
    walk
}

/// By which step a moment was first come to, and from where.
#[derive(Debug, Default)]
struct Way {
    from: usize,
    action: Option<Action>,
}

/// Goes the way once more, and puts it into words.
fn tell(scene: Scene, problem: &'static str, ways: &[Way], end: usize) -> Counterexample {
    let mut actions = Vec::new();
    let mut at = end;
    while let Some(action) = &ways[at].action {
        actions.push(action);
        at = ways[at].from;
    }
    let mut world = World::new(scene);
    let mut steps = Vec::new();
    for action in actions.into_iter().rev() {
        steps.push(describe(&world, action));
        world.perform(action);
    }
    Counterexample { problem, steps }
}

fn describe(world: &World, action: &Action) -> String {
    match action {
        Action::Command(side) => match world.user.commands.of(*side).front() {
            Some(command) => format!("{side}: is told {}", line(command)),
            None => action.to_string(),
        },
        Action::Reply(side) => match world.user.replies.of(*side).front() {
            Some(reply) => format!("user: the {side} says {} {}", reply.code(), reply.text()),
            None => action.to_string(),
        },
        _ => action.to_string(),
    }
}

fn line(command: &thirdhost_wire::Command) -> String {
    let mut line = Vec::new();
    command.encode(&mut line);
    String::from_utf8_lossy(&line).trim_end().to_owned()
}
