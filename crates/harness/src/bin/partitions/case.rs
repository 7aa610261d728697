//! The matrix: what is transferred, at which packet the cut is made, where, how, and whether it
//! heals.

use std::fmt;

use thirdhost_lab::{Cut, Host, Link, Moment, Sign, Trigger, Way};

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) work: Work,
    pub(crate) step: Step,
    pub(crate) moment: Moment,
    pub(crate) cut: Cut,
    /// Whether the link is whole again after a moment, while systems still try.
    pub(crate) heals: bool,
}

/// What is transferred.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Work {
    /// One file in the place of an older one, by the steps of RFC 438's example.
    One,
    /// The same, with the source listening.
    SourceListens,
    /// A tree in one pipeline.
    Many,
}

/// A packet of the dialogue, and what it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    name: &'static str,
    from: Host,
    to: Host,
    mark: Mark,
    skip: u32,
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    Opens,
    Line(&'static str),
    Octets(u64),
}

/// All cells.
pub(crate) fn matrix() -> Vec<Case> {
    let mut cases = Vec::new();
    for work in [Work::One, Work::SourceListens, Work::Many] {
        for step in work.steps() {
            for moment in [Moment::Sent, Moment::Arrived] {
                cases.extend(cuts().flat_map(|cut| {
                    [false, true].map(|heals| Case {
                        work,
                        step: *step,
                        moment,
                        cut,
                        heals,
                    })
                }));
            }
        }
    }
    cases
}

/// A handful: each link, each way, several steps.
pub(crate) fn short() -> Vec<Case> {
    let chosen = [
        "one file, destination listens; SOCK to the caller sent; user-a: blackhole",
        "one file, destination listens; STOR arrived; user-b: blackhole",
        "one file, destination listens; data call sent; a-b: blackhole",
        "one file, destination listens; half of the data arrived; a-b: silence from b",
        "one file, destination listens; half of the data arrived; a-b: reset",
        "one file, destination listens; destination is done sent; user-b: silence from b",
        "one file, source listens; RETR sent; user-a: reset",
        "many files; tenth RETR arrived; user-a: blackhole, heals",
        "many files; half of the data sent; a-b: blackhole",
        "many files; half of the data sent; user-b: reset, heals",
    ];
    let all = matrix();
    let is_chosen = |case: &Case| chosen.contains(&case.to_string().as_str());
    all.into_iter().filter(is_chosen).collect()
}

fn cuts() -> impl Iterator<Item = Cut> {
    Link::ALL.into_iter().flat_map(|link| {
        let [one, other] = link.ends();
        let ways = [Way::Blackhole, Way::From(one), Way::From(other), Way::Reset];
        ways.map(|way| Cut { link, way })
    })
}

impl Case {
    /// What the lab waits for.
    pub(crate) fn trigger(&self) -> Trigger {
        Trigger {
            from: self.step.from,
            to: self.step.to,
            sign: match self.step.mark {
                Mark::Opens => Sign::Opens,
                Mark::Line(text) => Sign::Line(text.to_owned()),
                Mark::Octets(least) => Sign::Octets(least),
            },
            skip: self.step.skip,
            moment: self.moment,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = match self.work {
            Work::One => "one file, destination listens",
            Work::SourceListens => "one file, source listens",
            Work::Many => "many files",
        };
        let moment = match self.moment {
            Moment::Sent => "sent",
            Moment::Arrived => "arrived",
        };
        let heals = if self.heals { ", heals" } else { "" };
        write!(
            f,
            "{work}; {} {moment}; {}{heals}",
            self.step.name, self.cut
        )
    }
}

impl Work {
    fn steps(self) -> &'static [Step] {
        match self {
            Self::One => &ONE,
            Self::SourceListens => &SOURCE_LISTENS,
            Self::Many => &MANY,
        }
    }
}

impl Step {
    const fn line(name: &'static str, from: Host, to: Host, text: &'static str) -> Self {
        Self {
            name,
            from,
            to,
            mark: Mark::Line(text),
            skip: 0,
        }
    }

    const fn data(name: &'static str, octets: u64) -> Self {
        Self {
            name,
            from: Host::A,
            to: Host::B,
            mark: Mark::Octets(octets),
            skip: 0,
        }
    }

    const fn call(from: Host, to: Host) -> Self {
        Self {
            name: "data call",
            from,
            to,
            mark: Mark::Opens,
            skip: 0,
        }
    }

    const fn skipping(self, skip: u32) -> Self {
        Self { skip, ..self }
    }
}

const USER: Host = Host::User;
const A: Host = Host::A;
const B: Host = Host::B;

/// How long the one file is, and the file of a pipeline that is longer than the others.
pub(crate) const LONG: usize = 1_000_000;

/// The steps of `proto/src/third_party/steps.rs`, as packets.
const ONE: [Step; 14] = [
    Step::line("parameters of the source", USER, A, "TYPE"),
    Step::line("parameters of the destination", USER, B, "TYPE"),
    Step::line("presence", USER, A, "SIZE"),
    Step::line("LSTN", USER, B, "LSTN"),
    Step::line("SOCK to the caller", USER, A, "SOCK"),
    Step::line("SOCK to the listener", USER, B, "SOCK"),
    Step::line("RETR", USER, A, "RETR"),
    Step::line("STOR", USER, B, "STOR"),
    Step::call(A, B),
    Step::data("first data", 1),
    Step::data("half of the data", LONG as u64 / 2),
    Step::line("source is done", A, USER, "226"),
    Step::line("destination is done", B, USER, "226"),
    Step::line("proof", USER, B, "HASH"),
];

const SOURCE_LISTENS: [Step; 6] = [
    Step::line("LSTN", USER, A, "LSTN"),
    Step::line("SOCK to the caller", USER, B, "SOCK"),
    Step::line("SOCK to the listener", USER, A, "SOCK"),
    Step::line("RETR", USER, A, "RETR"),
    Step::line("STOR", USER, B, "STOR"),
    Step::call(B, A),
];

const MANY: [Step; 8] = [
    Step::line("LSTN", USER, B, "LSTN"),
    Step::line("first RETR", USER, A, "RETR"),
    Step::line("first STOR", USER, B, "STOR"),
    Step::line("tenth RETR", USER, A, "RETR").skipping(9),
    Step::data("first data", 1),
    Step::data("half of the data", LONG as u64 / 2),
    Step::line("destination is done with one", B, USER, "250 Transfer"),
    Step::line("destination is done with thirty", B, USER, "250 Transfer").skipping(29),
];
