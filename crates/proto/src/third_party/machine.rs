//! The machine itself: what it holds, what it is told, and how it ends. The steps: `steps.rs`.

use std::collections::{BTreeSet, VecDeque};

use thirdhost_wire::{Command, HostSocket, Reply};

use super::outcome::{Cause, Done, Failure, Outcome, Step};
use super::steps::{Phase, parameter_commands};
use super::{Arrangement, BySide, Effect, Event, Job, Plan, Side, Wait};
use crate::user::{Class, Received, Ticket, UserPi};

/// One third-party transfer, or several over one arrangement (design D6), as a pure value.
///
/// Both control connections are logged in and owe no reply when it begins. Carry out every
/// [`Effect`] in order, tell it every [`Event`], until [`ThirdParty::outcome`] says how it ended.
///
/// ```
/// use std::net::IpAddr;
/// use thirdhost_proto::third_party::*;
/// use thirdhost_wire::{Command, Pathname};
///
/// let plan = Plan {
///     arrangement: Arrangement::Lstn,
///     listener: Side::Destination,
///     hosts: BySide {
///         source: IpAddr::from([192, 0, 2, 1]),
///         destination: IpAddr::from([198, 51, 100, 2]),
///     },
///     trust_passive_address: BySide { source: false, destination: false },
///     pin: false,
///     low_ports: false,
///     store_first: false,
///     parameters: Parameters::default(),
///     protection: Protection::Clear,
/// };
/// let from = Pathname::try_from("PROG1.PL1").expect("a name");
/// let to = Pathname::try_from("PROG2.PL1").expect("a name");
/// let job = Job { operation: Operation::Append, from, to, offset: 0, range: None };
/// let mut machine = ThirdParty::new(plan, job);
/// let Some(Effect::Send { side: Side::Source, command: Command::Type(_) }) = machine.poll_effect()
/// else { panic!("TYPE comes first") };
/// ```
#[derive(Clone, Debug)]
pub struct ThirdParty {
    pub(super) plan: Plan,
    pub(super) job: Job,
    pub(super) phase: Phase,
    pub(super) ends: BySide<End>,
    pub(super) source_bytes: Option<u64>,
    pub(super) is_there: bool,
    pub(super) arranged: bool,
    pub(super) avoided: BTreeSet<HostSocket>,
    pub(super) asked_again: u32,
    effects: VecDeque<Effect>,
}

impl ThirdParty {
    /// Begins with the transfer parameters.
    #[must_use]
    pub fn new(plan: Plan, job: Job) -> Self {
        let commands = |side| parameter_commands(plan.parameters, plan.protection, side);
        let mut machine = Self {
            phase: Phase::Parameters {
                left: BySide {
                    source: commands(Side::Source),
                    destination: commands(Side::Destination),
                },
            },
            plan,
            job,
            ends: BySide {
                source: End::new(),
                destination: End::new(),
            },
            source_bytes: None,
            is_there: false,
            arranged: false,
            avoided: BTreeSet::new(),
            asked_again: 0,
            effects: VecDeque::new(),
        };
        for side in Side::BOTH {
            machine.next_parameter(side);
        }
        machine
    }

    /// Goes on with another file, after one that ended.
    ///
    /// The arrangement is used again if it still stands: LSTN and SOCK hold for every transfer
    /// that follows until one fails (RFC 438 clause d.2, "commands"; design D6).
    ///
    /// # Errors
    /// The job comes back if the last one has not ended, or ended so that nothing can follow on
    /// these terms: after a failed transfer, a refused arrangement or a lost connection.
    pub fn next_job(&mut self, job: Job) -> Result<(), Job> {
        let Phase::Ended(outcome) = &self.phase else {
            return Err(job);
        };
        let can_follow = match outcome {
            Outcome::Done(_) => true,
            Outcome::Failed(failure) => failure.step == Step::Presence,
            Outcome::Refused(_) => false,
        };
        if !can_follow || Side::BOTH.iter().any(|&side| self.is_lost(side)) {
            return Err(job);
        }
        self.job = job;
        self.source_bytes = None;
        self.asked_again = 0;
        for side in Side::BOTH {
            self.ends.of_mut(side).transfer = Transfer::NotAsked;
        }
        self.ask_presence();
        Ok(())
    }

    /// Tells it what happened. After the end, or about a lost connection, nothing is heard.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Reply { side, reply } => {
                if !self.is_lost(side) && self.outcome().is_none() {
                    self.handle_reply(side, reply);
                }
            }
            Event::Lost { side } => self.lose(side, Cause::Lost),
            Event::Elapsed => self.patience_ended(),
            Event::Stop => self.stop(),
        }
    }

    /// What to do next, oldest first.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// How long to wait for the next event.
    #[must_use]
    pub fn wait(&self) -> Wait {
        match &self.phase {
            Phase::First(_) => Wait::Patience,
            Phase::Transferring => {
                let ends = [&self.ends.source.transfer, &self.ends.destination.transfer];
                if ends
                    .iter()
                    .any(|transfer| matches!(transfer, Transfer::Ended(_)))
                {
                    Wait::Straggler
                } else if ends
                    .iter()
                    .any(|end| matches!(end, Transfer::Asked { begun: true, .. }))
                {
                    Wait::Transfer
                } else {
                    Wait::Reply
                }
            }
            _ => Wait::Reply,
        }
    }

    /// Whether the next file would use the arrangement as it stands.
    #[must_use]
    pub fn is_arranged(&self) -> bool {
        self.arranged
    }

    /// Whether a control connection is lost.
    #[must_use]
    pub fn is_lost(&self, side: Side) -> bool {
        self.ends.of(side).lost
    }

    /// Whether this server still owes a reply.
    #[must_use]
    pub fn is_waiting_for(&self, side: Side) -> bool {
        let end = self.ends.of(side);
        !end.lost && !end.pi.is_idle()
    }

    pub(super) fn send(&mut self, side: Side, command: Command) -> Option<Ticket> {
        let end = self.ends.of_mut(side);
        if end.lost {
            return None;
        }
        let ticket = end.pi.send(&command).ok()?;
        self.effects.push_back(Effect::Send { side, command });
        Some(ticket)
    }

    /// The first failure: everything stops, the survivors are told, and the plans are void.
    pub(super) fn fail(&mut self, side: Side, step: Step, cause: Cause) {
        let other = match &self.ends.of(side.opposite()).transfer {
            Transfer::Ended(reply) => Some(Cause::Reply(reply.clone())),
            _ => None,
        };
        self.arranged = false;
        self.phase = Phase::Aborting(Failure {
            side,
            step,
            cause,
            other,
        });
        for side in Side::BOTH {
            let end = self.ends.of_mut(side);
            let busy = matches!(end.transfer, Transfer::Asked { .. });
            if std::mem::take(&mut end.holds) || busy {
                self.send(side, Command::Abor);
            }
        }
        self.settle();
    }

    fn stop(&mut self) {
        if !matches!(self.phase, Phase::Aborting(_) | Phase::Ended(_)) {
            self.fail(Side::Source, self.phase.step(), Cause::Stopped);
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        self.phase = Phase::Ended(outcome);
    }

    fn handle_reply(&mut self, side: Side, reply: Reply) {
        match self.ends.of_mut(side).pi.handle_reply(reply) {
            Received::Preliminary { ticket, .. } => self.begin(side, ticket),
            Received::Final { ticket, reply } => {
                let class = Class::of(reply.code());
                let is_transfer = self.end_transfer(side, ticket, &reply, class);
                self.answer(side, reply, class, is_transfer);
            }
            Received::Closing(reply) => self.lose(side, Cause::Closing(reply)),
            Received::Unexpected(reply) => {
                self.effects.push_back(Effect::Close { side });
                self.lose(side, Cause::OutOfStep(reply));
            }
        }
    }

    fn answer(&mut self, side: Side, reply: Reply, class: Class, is_transfer: bool) {
        match &mut self.phase {
            Phase::Aborting(failure) => {
                if is_transfer && side != failure.side && failure.other.is_none() {
                    failure.other = Some(Cause::Reply(reply));
                }
                self.settle();
            }
            Phase::First(_) | Phase::Transferring => self.transfer_answered(side, reply, class),
            _ => self.step_answered(side, reply, class),
        }
    }

    fn begin(&mut self, side: Side, started: Ticket) {
        if let Transfer::Asked { ticket, begun } = &mut self.ends.of_mut(side).transfer
            && *ticket == started
        {
            *begun = true;
        }
        if matches!(self.phase, Phase::First(first) if first == side) {
            self.second();
        }
    }

    /// Notes the end of a server's half of the transfer; `false` if the reply ended something else.
    fn end_transfer(&mut self, side: Side, ended: Ticket, reply: &Reply, class: Class) -> bool {
        let one_shot = self.plan.arrangement != Arrangement::Lstn;
        let end = self.ends.of_mut(side);
        let Transfer::Asked { ticket, .. } = end.transfer else {
            return false;
        };
        if ticket != ended {
            return false;
        }
        end.transfer = Transfer::Ended(reply.clone());
        if class != Class::Completion || one_shot {
            end.holds = false;
        }
        true
    }

    fn transfer_answered(&mut self, side: Side, reply: Reply, class: Class) {
        if class != Class::Completion {
            self.fail(side, Step::Transfer, Cause::Reply(reply));
            return;
        }
        if matches!(self.phase, Phase::First(_)) {
            // Done without a 1yz: the other must still be told, or it would never know.
            self.second();
            return;
        }
        if let (Transfer::Ended(source), Transfer::Ended(destination)) =
            (&self.ends.source.transfer, &self.ends.destination.transfer)
        {
            let (source, destination) = (source.clone(), destination.clone());
            self.arranged = self.plan.arrangement == Arrangement::Lstn;
            self.end(Outcome::Done(Done {
                source,
                destination,
                source_bytes: self.source_bytes,
            }));
        }
    }

    fn lose(&mut self, side: Side, cause: Cause) {
        let end = self.ends.of_mut(side);
        if std::mem::replace(&mut end.lost, true) {
            return;
        }
        end.holds = false;
        end.transfer = Transfer::NotAsked;
        let step = match &mut self.phase {
            Phase::Ended(_) => {
                self.arranged = false;
                return;
            }
            Phase::Aborting(failure) => {
                if side != failure.side && failure.other.is_none() {
                    failure.other = Some(cause);
                }
                self.settle();
                return;
            }
            running => running.step(),
        };
        self.fail(side, step, cause);
    }

    /// Ends once every server that is left owes nothing.
    fn settle(&mut self) {
        let Phase::Aborting(failure) = &self.phase else {
            return;
        };
        if Side::BOTH.iter().any(|&side| self.is_waiting_for(side)) {
            return;
        }
        let both_left = Side::BOTH.iter().all(|&side| !self.is_lost(side));
        let failure = failure.clone().nearest_cause_first();
        self.end(if both_left && failure.is_about_the_way() {
            Outcome::Refused(failure)
        } else {
            Outcome::Failed(failure)
        });
    }
}

/// One server's state.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) pi: UserPi,
    pub(super) lost: bool,
    /// It said 2yz to LSTN, SOCK and the like: it has a plan that must be voided on failure.
    pub(super) holds: bool,
    pub(super) transfer: Transfer,
}

/// One server's half of the transfer.
#[derive(Clone, Debug)]
pub(super) enum Transfer {
    NotAsked,
    Asked { ticket: Ticket, begun: bool },
    Ended(Reply),
}

impl End {
    fn new() -> Self {
        Self {
            pi: UserPi::greeted(),
            lost: false,
            holds: false,
            transfer: Transfer::NotAsked,
        }
    }
}
