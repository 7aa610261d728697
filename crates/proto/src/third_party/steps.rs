//! The steps in order: parameters, presence, listen, call, pin, transfer. RFC 438's example.

use std::collections::VecDeque;
use std::net::IpAddr;

use thirdhost_wire::{
    Command, EprtArgument, EpsvArgument, HostSocket, Reply, RestartPoint, SockArgument, SockHost,
};

use super::machine::Transfer;
use super::outcome::{Cause, Failure, Outcome, Step};
use super::payload;
use super::{
    AddressRefused, Arrangement, BySide, Operation, Parameters, Protection, Side, ThirdParty,
    passive_address,
};
use crate::user::Class;

/// Where the machine stands; each phase holds what is known in it.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// TYPE, STRU and MODE are being set at both; the first of `left` is the one asked.
    Parameters { left: BySide<VecDeque<Command>> },
    /// The source was asked SIZE, or MLST if it does not know SIZE.
    Presence { by_facts: bool },
    /// The listener was asked to listen.
    Listening,
    /// The connector was told where the listener listens.
    Calling { listening: HostSocket },
    /// The listener was told who may call.
    Pinning { listening: HostSocket },
    /// Both were told whom they will meet; who has not answered yet.
    Naming { owed: BySide<bool> },
    /// Both were told where to go on; who has not answered yet.
    Restarting { owed: BySide<bool> },
    /// One server has its transfer command; the other's waits for its word (spec U-4).
    First(Side),
    /// Both transfer commands are sent.
    Transferring,
    /// Something failed; what the servers still owe is being read.
    Aborting(Failure),
    /// Over.
    Ended(Outcome),
}

impl Phase {
    /// What a failure in this phase is called.
    pub(super) fn step(&self) -> Step {
        match self {
            Self::Parameters { .. } => Step::Parameters,
            Self::Presence { .. } => Step::Presence,
            Self::Listening => Step::Listen,
            Self::Calling { .. } => Step::Call,
            Self::Pinning { .. } => Step::Pin,
            Self::Naming { .. } => Step::Name,
            Self::Restarting { .. } => Step::Restart,
            Self::First(_) | Self::Transferring | Self::Aborting(_) | Self::Ended(_) => {
                Step::Transfer
            }
        }
    }
}

/// TYPE first: some servers fix it when the data connection is arranged, not when it is used.
pub(super) fn parameter_commands(
    parameters: Parameters,
    protection: Protection,
    side: Side,
) -> VecDeque<Command> {
    let mut commands = VecDeque::from([
        Command::Type(parameters.representation),
        Command::Stru(parameters.structure),
        Command::Mode(parameters.mode),
    ]);
    commands.extend(protection.role_command(side));
    commands
}

impl ThirdParty {
    /// A final reply to anything before the transfer commands.
    pub(super) fn step_answered(&mut self, side: Side, reply: Reply, class: Class) {
        let phase = self.phase.clone();
        match phase {
            Phase::Parameters { .. } => self.parameter_answered(side, reply, class),
            Phase::Presence { by_facts } => self.presence_answered(reply, class, by_facts),
            Phase::Naming { .. } => self.name_answered(side, reply, class),
            Phase::Restarting { .. } => self.restart_answered(side, reply, class),
            phase if class != Class::Completion => {
                self.fail(side, phase.step(), Cause::Reply(reply));
            }
            Phase::Listening => self.listener_answered(reply),
            Phase::Calling { listening } => self.connector_answered(reply, listening),
            Phase::Pinning { listening } => self.pin_answered(reply, listening),
            Phase::First(_) | Phase::Transferring | Phase::Aborting(_) | Phase::Ended(_) => {}
        }
    }

    /// Sends this server its next parameter, or goes on when both have all.
    pub(super) fn next_parameter(&mut self, side: Side) {
        let Phase::Parameters { left } = &self.phase else {
            return;
        };
        if let Some(command) = left.of(side).front().cloned() {
            self.send(side, command);
        } else if left.of(side.opposite()).is_empty() {
            self.ask_presence();
        }
    }

    /// A missing source must never touch the destination: many servers truncate on STOR before
    /// anything arrives (design D8, spec U-4).
    pub(super) fn ask_presence(&mut self) {
        self.phase = Phase::Presence { by_facts: false };
        self.send(Side::Source, Command::Size(self.job.from.clone()));
    }

    /// [`super::Event::Elapsed`]: the first is one that says 150 only when it is connected.
    pub(super) fn patience_ended(&mut self) {
        self.second();
    }

    /// The other server's half of step 4, if it is still to be asked.
    pub(super) fn second(&mut self) {
        if let Phase::First(side) = self.phase {
            self.phase = Phase::Transferring;
            self.ask_transfer(side.opposite());
        }
    }

    fn parameter_answered(&mut self, side: Side, reply: Reply, class: Class) {
        let Phase::Parameters { left } = &mut self.phase else {
            return;
        };
        let asked = left.of_mut(side).pop_front();
        let is_default = matches!(
            asked,
            Some(Command::Stru(structure)) if structure == Default::default()
        ) || matches!(asked, Some(Command::Mode(mode)) if mode == Default::default())
            || asked == Some(Command::Sscn(Some(false)));
        let step = match asked {
            Some(Command::Sscn(_)) => Step::Protect,
            _ => Step::Parameters,
        };
        // A server that does not know STRU, MODE or SSCN has their defaults and no other.
        if class == Class::Completion || (is_default && is_unknown(&reply)) {
            self.next_parameter(side);
        } else {
            self.fail(side, step, Cause::Reply(reply));
        }
    }

    fn presence_answered(&mut self, reply: Reply, class: Class, by_facts: bool) {
        let is_there = class == Class::Completion;
        if is_there && by_facts && payload::is_directory(&reply) {
            let problem = "it is a directory, not a file";
            self.absent(Cause::Unusable { reply, problem });
        } else if is_there {
            if !by_facts {
                self.source_bytes = payload::file_size(&reply);
            }
            self.go_on_to_transfer(true);
        } else if !is_unknown(&reply) {
            self.absent(Cause::Reply(reply));
        } else if by_facts {
            self.go_on_to_transfer(false);
        } else {
            self.phase = Phase::Presence { by_facts: true };
            self.send(Side::Source, Command::Mlst(Some(self.job.from.clone())));
        }
    }

    /// No transfer was asked for, so an arrangement that stands goes on standing.
    fn absent(&mut self, cause: Cause) {
        let side = Side::Source;
        let failure = Failure {
            side,
            step: Step::Presence,
            cause,
            other: None,
        };
        self.end(Outcome::Failed(failure));
    }

    fn go_on_to_transfer(&mut self, is_there: bool) {
        self.is_there = is_there;
        if self.arranged {
            self.restart_or_transfer();
        } else {
            self.arrange();
        }
    }

    fn arrange(&mut self) {
        let listener = self.plan.listener;
        let host = self.plan.hosts.of(listener).to_canonical();
        if self.plan.arrangement == Arrangement::Pasv && host.is_ipv6() {
            let problem = "PASV and PORT name IPv4 addresses only";
            self.fail(listener, Step::Listen, Cause::Impossible(problem));
            return;
        }
        self.listen();
    }

    pub(super) fn listen(&mut self) {
        let listener = self.plan.listener;
        self.phase = Phase::Listening;
        let command = match self.plan.arrangement {
            //= rfc438#example.1
            //# LSTN R CRLF
            Arrangement::Lstn => Command::Lstn {
                direction: listener.direction(),
                protocol: None,
            },
            Arrangement::Epsv => Command::Epsv(EpsvArgument::Default),
            Arrangement::Pasv => self.plan.protection.passive_command(),
        };
        self.send(listener, command);
    }

    fn listener_answered(&mut self, reply: Reply) {
        let listener = self.plan.listener;
        self.ends.of_mut(listener).holds = true;
        let listening = match self.plan.arrangement {
            Arrangement::Lstn => self.named(payload::data_socket(&reply), listener),
            Arrangement::Epsv => self.named(payload::extended_port(&reply), listener),
            Arrangement::Pasv => match payload::passive_socket(&reply) {
                Some(told) => self.told(told, listener),
                None => Err(None),
            },
        };
        match listening {
            Ok(listening) if self.is_avoided(listening) => self.ask_again(listening),
            Ok(listening) => self.tell_connector(listening),
            Err(refused) => self.fail(listener, Step::Listen, unusable(reply, refused)),
        }
    }

    fn tell_connector(&mut self, listening: HostSocket) {
        self.phase = Phase::Calling { listening };
        let command = match self.plan.arrangement {
            //= rfc438#example.2
            //# SOCK SITE2,X CRLF
            Arrangement::Lstn => sock(listening.host(), listening.port()),
            Arrangement::Epsv => Command::Eprt(EprtArgument::Socket(listening)),
            Arrangement::Pasv => Command::Port(listening),
        };
        self.send(self.plan.connector(), command);
    }

    fn connector_answered(&mut self, reply: Reply, listening: HostSocket) {
        let connector = self.plan.connector();
        self.ends.of_mut(connector).holds = true;
        let host = *self.plan.hosts.of(connector);
        if self.plan.arrangement == Arrangement::Lstn {
            //= rfc438#d.1
            //# On success the reply must be the 255 FTP server data socket
            //# reply
            match payload::data_socket(&reply) {
                Some(calling) => self.pin(host, calling, listening),
                None => self.fail(connector, Step::Call, unusable(reply, None)),
            }
        } else if self.plan.pin {
            self.pin(host, ANY_SOCKET, listening);
        } else {
            self.name_or_transfer();
        }
    }

    /// Nobody but the connector may call.
    fn pin(&mut self, host: IpAddr, socket: u16, listening: HostSocket) {
        self.phase = Phase::Pinning { listening };
        //= rfc438#example.3
        //# SOCK SITE1,Y CRLF
        self.send(self.plan.listener, sock(host, socket));
    }

    fn pin_answered(&mut self, reply: Reply, listening: HostSocket) {
        // Old servers say 200 here (spec A-5); a number, if told, must still be the listening one.
        match payload::data_socket(&reply) {
            Some(told) if told != listening.port() => {
                let problem = "it now names another socket than the one it listens on";
                self.fail(
                    self.plan.listener,
                    Step::Pin,
                    Cause::Unusable { reply, problem },
                );
            }
            _ => self.name_or_transfer(),
        }
    }

    pub(super) fn restart_or_transfer(&mut self) {
        let command = match (self.job.range, self.job.offset) {
            (Some(range), _) => Command::Rang(Some(range)),
            (None, 0) => return self.transfer(),
            (None, offset) => Command::Rest(RestartPoint::Offset(offset)),
        };
        self.phase = Phase::Restarting {
            owed: BySide {
                source: true,
                destination: true,
            },
        };
        for side in Side::BOTH {
            self.send(side, command.clone());
        }
    }

    fn restart_answered(&mut self, side: Side, reply: Reply, class: Class) {
        if class != Class::Intermediate {
            self.fail(side, Step::Restart, Cause::Reply(reply));
            return;
        }
        let Phase::Restarting { owed } = &mut self.phase else {
            return;
        };
        *owed.of_mut(side) = false;
        if !owed.source && !owed.destination {
            self.transfer();
        }
    }

    /// The two commands go out one behind the other: to wait for the first server's 1yz would be
    /// a deadlock with one that says it only when connected (design D8). Where one has to be first
    /// the wait has an end.
    //= rfc438#example.4
    //# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
    fn transfer(&mut self) {
        let first = match self.is_there {
            true if self.plan.store_first => Side::Destination,
            _ => Side::Source,
        };
        self.ask_transfer(first);
        self.phase = Phase::First(first);
        let is_unsure = !self.is_there && self.plan.connector() == Side::Source;
        if first == Side::Source && !is_unsure {
            self.second();
        }
    }

    fn ask_transfer(&mut self, side: Side) {
        let command = match (side, self.job.operation) {
            (Side::Source, _) => Command::Retr(self.job.from.clone()),
            (Side::Destination, Operation::Copy) => Command::Stor(self.job.to.clone()),
            (Side::Destination, Operation::Append) => Command::Appe(self.job.to.clone()),
        };
        if let Some(ticket) = self.send(side, command) {
            self.ends.of_mut(side).transfer = Transfer::Asked {
                ticket,
                begun: false,
            };
        }
    }

    fn named(&self, port: Option<u16>, side: Side) -> Result<HostSocket, Option<AddressRefused>> {
        let host = *self.plan.hosts.of(side);
        let socket = port
            .and_then(|port| HostSocket::new(host, port))
            .ok_or(None)?;
        self.told(socket, side)
    }

    fn told(&self, told: HostSocket, side: Side) -> Result<HostSocket, Option<AddressRefused>> {
        let own = *self.plan.hosts.of(side);
        let trusted = *self.plan.trust_passive_address.of(side);
        passive_address(told, own, trusted, self.plan.low_ports).map_err(Some)
    }
}

fn sock(host: IpAddr, socket: u16) -> Command {
    Command::Sock(SockArgument {
        host: SockHost::Address(host.to_canonical()),
        socket,
    })
}

fn unusable(reply: Reply, refused: Option<AddressRefused>) -> Cause {
    match refused {
        Some(refused) => Cause::Address { reply, refused },
        None => {
            let problem = "the reply lacks the number of the socket";
            Cause::Unusable { reply, problem }
        }
    }
}

/// The command itself is not known, or not with this argument.
fn is_unknown(reply: &Reply) -> bool {
    matches!(reply.code().number(), 500 | 502 | 504)
}

/// Spec A-7: in a filter, socket 0 is any socket of that host.
const ANY_SOCKET: u16 = 0;
