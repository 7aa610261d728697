//! The async shell around the third-party machine: sends what it asks, tells what happens.

use std::time::Duration;

use thirdhost_proto::third_party::{
    BySide, Cause, Effect, Event, Outcome, Side, Step, ThirdParty, Wait,
};
use thirdhost_proto::user::Received;
use thirdhost_wire::{Command, EprtArgument, Reply, ReplyCode};

use crate::told::Caller;
use crate::{ControlConn, Environment, Error, Limits};

/// How a machine ended, with what broke the control connections.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) broken: BySide<Option<Error>>,
}

/// Runs the machine until it ends.
///
/// # Cancel safety
/// Not cancel safe: dropped in the middle, both connections owe replies and must be closed.
pub(super) async fn run(machine: &mut ThirdParty, conns: &mut BySide<ControlConn>) -> Ended {
    loop {
        if let Some(ended) = drive(machine, conns, Reach::Transfer).await {
            return ended;
        }
    }
}

/// Runs the machine until the servers are brought together, and no further: the source is not
/// asked whether the file is there, and neither gets its transfer command. `None` if all that was
/// granted.
///
/// # Cancel safety
/// As [`run`].
pub(super) async fn rehearse(
    machine: &mut ThirdParty,
    conns: &mut BySide<ControlConn>,
) -> Option<Ended> {
    drive(machine, conns, Reach::Arrangement).await
}

/// How far it goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    Transfer,
    Arrangement,
}

/// `None` if it went as far as it was to.
async fn drive(
    machine: &mut ThirdParty,
    conns: &mut BySide<ControlConn>,
    reach: Reach,
) -> Option<Ended> {
    let mut broken = BySide {
        source: None,
        destination: None,
    };
    let mut transfer_began = None;
    let mut is_stopping = false;
    let mut caller = None;
    loop {
        while let Some(effect) = machine.poll_effect() {
            match (reach, step_of(&effect)) {
                (Reach::Arrangement, Some(Step::Presence)) => take_for_present(machine),
                (Reach::Arrangement, Some(Step::Transfer)) => {
                    calls_no_more(caller, machine);
                    return None;
                }
                (_, Some(Step::Listen)) if machine.asked_again() > AT_ONCE_MAX => {
                    pause(&conns.source.environment).await;
                    perform(effect, machine, conns, &mut broken).await;
                }
                _ => {
                    caller = caller_of(&effect, &conns.source.environment).or(caller);
                    perform(effect, machine, conns, &mut broken).await;
                }
            }
        }
        if let Some(outcome) = machine.outcome() {
            calls_no_more(caller, machine);
            return Some(Ended {
                outcome: outcome.clone(),
                broken,
            });
        }
        let wait = machine.wait();
        let limits = conns.source.environment.limits.clone();
        let clock = conns.source.environment.world.clock.clone();
        let mut limit = limit_of(wait, &limits);
        if is_stopping {
            limit = limit.min(limits.abort);
        }
        if wait == Wait::Transfer {
            // Restart markers may arrive all the time; the limit is for the whole file.
            let began = *transfer_began.get_or_insert_with(|| clock.now());
            limit = limit.saturating_sub(clock.now().saturating_sub(began));
        }
        match next_event(machine, conns, limit, is_stopping).await {
            Next::Stop => {
                is_stopping = true;
                machine.handle(Event::Stop);
            }
            Next::Heard(side, found) => {
                let found = match found {
                    Ok(received @ Received::Preliminary { .. }) => {
                        conns.of_mut(side).one_more_preliminary().map(|()| received)
                    }
                    found => found,
                };
                let told = &conns.source.environment.told;
                machine.avoid(told.sockets(&*clock));
                tell(side, found, machine, &mut broken);
            }
            Next::Nothing if wait == Wait::Patience => machine.handle(Event::Elapsed),
            Next::Nothing => give_up(limit, machine, conns, &mut broken),
        }
    }
}

/// SIZE is not sent: the machine hears that there is an empty file.
fn take_for_present(machine: &mut ThirdParty) {
    if let Some(code) = ReplyCode::new(FILE_STATUS) {
        let (side, reply) = (Side::Source, Reply::new(code, "0"));
        machine.handle(Event::Reply { side, reply });
    }
}

/// The step of a command, where it matters how far to go.
fn step_of(effect: &Effect) -> Option<Step> {
    let Effect::Send { command, .. } = effect else {
        return None;
    };
    match command {
        Command::Size(_) => Some(Step::Presence),
        Command::Epsv(_) | Command::Pasv | Command::Cpsv => Some(Step::Listen),
        Command::Retr(_) | Command::Stor(_) | Command::Appe(_) => Some(Step::Transfer),
        _ => None,
    }
}

/// The server that is told to call, and where.
fn caller_of(effect: &Effect, environment: &Environment) -> Option<(Side, Caller)> {
    let Effect::Send { side, command } = effect else {
        return None;
    };
    let (Command::Port(socket) | Command::Eprt(EprtArgument::Socket(socket))) = command else {
        return None;
    };
    Some((*side, Caller::new(environment, *socket)))
}

/// It has answered, unless its connection is lost.
fn calls_no_more(caller: Option<(Side, Caller)>, machine: &ThirdParty) {
    if let Some((side, caller)) = caller
        && !machine.is_lost(side)
    {
        caller.answered(matches!(machine.outcome(), Some(Outcome::Done(_))));
    }
}

/// Before a listener is asked once more that had nothing else to tell.
async fn pause(environment: &Environment) {
    tokio::select! {
        biased;
        () = environment.interrupt.tripped() => {}
        () = environment.world.clock.sleep(ASKS_AGAIN_AFTER) => {}
    }
}

async fn perform(
    effect: Effect,
    machine: &mut ThirdParty,
    conns: &mut BySide<ControlConn>,
    broken: &mut BySide<Option<Error>>,
) {
    match effect {
        Effect::Send { side, command } => {
            if let Err(error) = conns.of_mut(side).send(&command).await {
                broken.of_mut(side).get_or_insert(error);
                machine.handle(Event::Lost { side });
            }
        }
        Effect::Close { side } => conns.of_mut(side).abandon(),
    }
}

/// What came first.
enum Next {
    /// A reply of either server, or the end of its connection.
    Heard(Side, Result<Received, Error>),
    /// The person stops.
    Stop,
    /// The end of patience.
    Nothing,
}

async fn next_event(
    machine: &ThirdParty,
    conns: &mut BySide<ControlConn>,
    limit: Duration,
    is_stopping: bool,
) -> Next {
    let clock = conns.source.environment.world.clock.clone();
    let interrupt = conns.source.environment.interrupt.clone();
    let BySide {
        source,
        destination,
    } = conns;
    tokio::select! {
        biased;
        // An idle connection is watched too: a 421 or a lost connection is news.
        found = source.receive(), if !machine.is_lost(Side::Source) => {
            Next::Heard(Side::Source, found)
        }
        found = destination.receive(), if !machine.is_lost(Side::Destination) => {
            Next::Heard(Side::Destination, found)
        }
        () = interrupt.tripped(), if !is_stopping => Next::Stop,
        () = clock.sleep(limit) => Next::Nothing,
    }
}

fn tell(
    side: Side,
    found: Result<Received, Error>,
    machine: &mut ThirdParty,
    broken: &mut BySide<Option<Error>>,
) {
    match found {
        Ok(received) => {
            machine.handle(Event::Reply {
                side,
                reply: reply_of(received),
            });
        }
        Err(error) => {
            broken.of_mut(side).get_or_insert(error);
            machine.handle(Event::Lost { side });
        }
    }
}

/// A server that owes a reply for too long is as good as gone. Asked before the machine is told:
/// it sends ABOR to the other, which then owes a reply since just now.
fn give_up(
    limit: Duration,
    machine: &mut ThirdParty,
    conns: &mut BySide<ControlConn>,
    broken: &mut BySide<Option<Error>>,
) {
    let silent = Side::BOTH.map(|side| (side, machine.is_waiting_for(side)));
    for (side, _) in silent.into_iter().filter(|(_, is_silent)| *is_silent) {
        let error = conns.of_mut(side).silent(limit);
        broken.of_mut(side).get_or_insert(error);
        machine.handle(Event::Lost { side });
    }
}

fn reply_of(received: Received) -> Reply {
    match received {
        Received::Preliminary { reply, .. }
        | Received::Final { reply, .. }
        | Received::Closing(reply)
        | Received::Unexpected(reply) => reply,
    }
}

fn limit_of(wait: Wait, limits: &Limits) -> Duration {
    match wait {
        Wait::Reply => limits.reply,
        Wait::Patience => limits.patience,
        Wait::Transfer => limits.transfer,
        Wait::Straggler => limits.straggler,
    }
}

/// The error for a failure, with what broke the connection if that was it.
pub(super) fn error_of(
    ended: Outcome,
    mut broken: BySide<Option<Error>>,
    servers: [String; 2],
) -> Option<Error> {
    let (Outcome::Failed(failure) | Outcome::Refused(failure)) = ended else {
        return None;
    };
    let source = match failure.cause {
        Cause::Lost => broken.of_mut(failure.side).take().map(Box::new),
        _ => None,
    };
    let failure = Box::new(failure);
    Some(Error::ThirdParty {
        servers,
        failure,
        source,
    })
}

/// As often a listener is asked at once for another socket: a range of a few ports has one.
const AT_ONCE_MAX: u32 = 8;

/// Then it takes time until nobody can call there any more.
const ASKS_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What answers SIZE (RFC 3659 section 4).
const FILE_STATUS: u16 = 213;
