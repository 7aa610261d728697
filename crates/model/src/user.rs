//! The user: the real third-party machine, and the wires of its two control connections.

use std::collections::VecDeque;

use thirdhost_proto::third_party::{
    Arrangement, BySide, ClientBy, Effect, Job, Operation, Outcome, Parameters, Plan, Protection,
    Roles, Side, ThirdParty,
};
use thirdhost_wire::{Command, Pathname, Reply};

use crate::network::{certificate, host};

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) machine: ThirdParty,
    /// Under way to each server.
    pub(crate) commands: BySide<VecDeque<Command>>,
    /// Under way from each server.
    pub(crate) replies: BySide<VecDeque<Reply>>,
    pub(crate) state: State,
    /// The number of the file that is transferred.
    pub(crate) file: u8,
}

/// What has become of the user's process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Alive,
    Gone,
}

impl User {
    pub(crate) fn new(listener: Side, tls: bool) -> Self {
        let protection = match tls {
            false => Protection::Clear,
            true => Protection::Tls(Roles {
                client: listener.opposite(),
                by: ClientBy::Sscn,
                knows_sscn: BySide {
                    source: true,
                    destination: true,
                },
                told: BySide {
                    source: Some(certificate(Side::Destination)),
                    destination: Some(certificate(Side::Source)),
                },
            }),
        };
        let plan = Plan {
            arrangement: Arrangement::Lstn,
            listener,
            hosts: BySide {
                source: host(Side::Source),
                destination: host(Side::Destination),
            },
            trust_passive_address: BySide::default(),
            pin: true,
            low_ports: false,
            store_first: false,
            parameters: Parameters::default(),
            protection,
        };
        Self {
            machine: ThirdParty::new(plan, job(0)),
            commands: BySide::default(),
            replies: BySide::default(),
            state: State::Alive,
            file: 0,
        }
    }

    /// What the machine wants sent goes on the wires; tells which control connections it closes.
    pub(crate) fn settle(&mut self, files: u8) -> Vec<Side> {
        let mut closed = Vec::new();
        loop {
            while let Some(effect) = self.machine.poll_effect() {
                match effect {
                    Effect::Send { side, command } => {
                        self.commands.of_mut(side).push_back(command);
                    }
                    Effect::Close { side } => closed.push(side),
                }
            }
            let is_done = matches!(self.machine.outcome(), Some(Outcome::Done(_)));
            if !is_done || self.file + 1 >= files {
                return closed;
            }
            if self.machine.next_job(job(self.file + 1)).is_err() {
                return closed;
            }
            self.file += 1;
        }
    }

    /// Whether the user's process is there and has not heard the end.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == State::Alive && self.machine.outcome().is_none()
    }
}

fn job(file: u8) -> Job {
    let name = |side: &str| Pathname::try_from(format!("{side}{file}").as_str());
    Job {
        operation: Operation::Copy,
        from: name("from").expect("a pathname"),
        to: name("to").expect("a pathname"),
        offset: 0,
        range: None,
    }
}

/// The number of the file that a name of [`job`] stands for.
pub(crate) fn number(name: &str) -> Option<u8> {
    let digits = name.trim_start_matches('/').trim_start_matches("from");
    digits.trim_start_matches("to").parse().ok()
}
