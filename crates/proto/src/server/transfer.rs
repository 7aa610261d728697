//! The life of a transfer command: checks, 150, data, final reply. RFC 959 section 5.4.

use std::time::Duration;

use thirdhost_wire::{Command, Pathname, RestartPoint, TransmissionMode};

use super::effect::Effect;
use super::operation::{
    ListForm, ListTarget, Opened, Operation, Outcome, Route, Transfer, TransferParameters,
};
use super::permission::Permission;
use super::pipeline::{self, Place};
use super::plan::{Plan, PlanRefusal, Terms};
use super::protection;
use super::questions::Asked;
use super::reply_text as text;
use super::session::{Activity, ServerPi};
use super::virtual_path::VirtualPath;

use thirdhost_wire::{Direction, Reply, RepresentationType, Structure, Text};

/// A transfer that has been asked for and is not over, or the place of one that is filled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Running {
    /// Whether the data connection of the last transfer serves this one (125 instead of 150).
    on_open_connection: bool,
    /// What holds for its data connection, and for the next file should it stay open.
    terms: Option<Terms>,
    /// Whether it is MLSD, which lists directories alone.
    wants_directory: bool,
    /// Whether the 1yz has been sent.
    started: bool,
    /// Whether ABOR has come.
    stopping: bool,
    place: Place,
    /// Whether the file has a number.
    numbered: bool,
    /// Whether the command has had its final reply, and only its place is filled.
    answered: bool,
}

impl Running {
    /// The place of a command that was refused, in a pipeline.
    pub(super) fn past(terms: Option<Terms>, place: Place) -> Self {
        Self {
            on_open_connection: false,
            terms,
            wants_directory: false,
            started: false,
            stopping: false,
            place,
            numbered: true,
            answered: true,
        }
    }

    /// Whether, should the store refuse now, the place of the file is still to be filled.
    fn is_refused_in_pipeline(&self) -> bool {
        self.numbered && !self.started && !self.answered
    }
}

/// The checks before the operation is known: direction, permission, path.
///
/// Replies and gives none where one fails. A wrong direction leaves the plan as it is; every
/// other refusal releases it (spec 3.3), but not in a pipeline.
pub(super) fn prepare(
    pi: &mut ServerPi,
    direction: Direction,
    permission: Permission,
    name: Option<&Pathname>,
) -> Option<VirtualPath> {
    if terms(pi).is_some_and(|terms| terms.admit(direction) == Err(PlanRefusal::Direction)) {
        pi.reply(text::wrong_direction());
        return None;
    }
    let path = pi.permitted_path(permission, name);
    if path.is_none() {
        give_up(pi);
    }
    path
}

/// Where REST lets a transfer begin. Replies and gives none where it does not fit MODE or TYPE.
fn restart_offset(pi: &mut ServerPi) -> Option<Option<u64>> {
    let offset = match (pi.restart.take(), pi.parameters.mode) {
        (None, _) => None,
        (Some(RestartPoint::Offset(offset)), TransmissionMode::Stream) => Some(offset),
        (Some(RestartPoint::Marker(marker)), TransmissionMode::Block) => {
            match text::offset_of_marker(&marker) {
                Some(offset) => Some(offset),
                None => return refuse(pi, text::bad_restart_point()),
            }
        }
        _ => return refuse(pi, text::restart_does_not_fit_mode()),
    };
    // An offset into text counts octets that are not in the file (spec M-39); a marker counts
    // those of the file (spec M-33). Neither tells whether a record was open.
    let text_form = pi.parameters.structure == Structure::Record
        || pi.parameters.representation == RepresentationType::Ascii
            && pi.parameters.mode == TransmissionMode::Stream;
    if text_form && offset.is_some_and(|offset| offset > 0) {
        return refuse(pi, text::restart_in_text());
    }
    Some(offset)
}

/// Where a transfer begins and where it ends, by REST or RANG. Replies and gives none where
/// that does not fit MODE or TYPE.
pub(super) fn extent(pi: &mut ServerPi) -> Option<(Option<u64>, Option<u64>)> {
    let Some(range) = pi.range.take() else {
        return restart_offset(pi).map(|offset| (offset, None));
    };
    let TransferParameters {
        representation,
        structure,
        ..
    } = pi.parameters;
    if representation == RepresentationType::Ascii || structure == Structure::Record {
        return refuse(pi, text::range_in_text());
    }
    Some((Some(range.first()), Some(range.end())))
}

/// Begins a listing of `name`, or of the working directory.
pub(super) fn begin_list(pi: &mut ServerPi, name: Option<&Pathname>, form: ListForm) {
    let without_options = match form {
        ListForm::Long | ListForm::Names => name.and_then(|name| skip_options(pi, name)),
        ListForm::Facts(_) => None,
    };
    // The two readings of the name may come under different permissions.
    let without_options = without_options.filter(|target| pi.may(Permission::Read, &target.path));
    let literal = name.and_then(|name| pi.directory.join(name).ok());
    let (name, without_options) = match (&literal, without_options) {
        (Some(literal), Some(other)) if !pi.may(Permission::Read, literal) => (
            other
                .given
                .and_then(|given| Pathname::try_from(&*given).ok()),
            None,
        ),
        (_, other) => (name.cloned(), other),
    };
    let Some(path) = prepare(pi, Direction::Send, Permission::Read, name.as_ref()) else {
        return;
    };
    let given = name.map(|name| name.as_str().to_owned());
    begin(
        pi,
        Operation::List {
            target: ListTarget { path, given },
            without_options,
            form,
        },
    );
}

/// What remains of `name` when it begins with options of `ls`, such as `-la` (spec Q-18).
fn skip_options(pi: &ServerPi, name: &Pathname) -> Option<ListTarget> {
    let mut rest = name.as_str();
    while let Some(option) = rest.strip_prefix('-') {
        let (letters, behind) = option.split_once(' ').unwrap_or((option, ""));
        if letters.is_empty() || !letters.bytes().all(|b| b.is_ascii_alphanumeric()) {
            break;
        }
        rest = behind;
    }
    if rest == name.as_str() {
        return None;
    }
    match Pathname::try_from(rest) {
        Err(_) => Some(ListTarget {
            path: pi.directory.clone(),
            given: None,
        }),
        Ok(rest) => {
            let path = pi.directory.join(&rest).ok()?;
            Some(ListTarget {
                path,
                given: Some(rest.as_str().to_owned()),
            })
        }
    }
}

/// Begins a transfer whose path and permission have been checked.
pub(super) fn begin(pi: &mut ServerPi, operation: Operation) {
    let direction = operation.direction();
    let parameters = pi.parameters;
    let number = pipeline::number(pi);
    let Some(protection) = protection::of_transfer(pi, &operation) else {
        refuse::<()>(pi, text::protection_needed());
        return;
    };
    if parameters.structure == Structure::Record
        && parameters.representation == RepresentationType::Image
        && !matches!(operation, Operation::List { .. })
    {
        refuse::<()>(pi, text::records_need_text());
        return;
    }
    let terms = terms(pi);
    let route = match route(pi, direction) {
        Ok(route) => route,
        Err(PlanRefusal::Direction) => return pi.reply(text::wrong_direction()),
        Err(PlanRefusal::Unpinned) => return pi.reply(text::sock_first()),
        Err(PlanRefusal::Nothing) => return pi.reply(text::nothing_arranged()),
        Err(PlanRefusal::NotPermitted) => {
            refuse::<()>(pi, text::direction_not_permitted());
            return;
        }
    };
    pi.activity = Activity::Transferring(Running {
        on_open_connection: route == Route::Open,
        terms,
        wants_directory: matches!(
            operation,
            Operation::List {
                form: ListForm::Facts(_),
                ..
            }
        ),
        started: false,
        stopping: false,
        place: Place::of(&operation),
        numbered: number.is_some(),
        answered: false,
    });
    pi.push(Effect::Transfer(Transfer {
        operation,
        route,
        parameters,
        protection,
        number,
    }));
}

/// What holds for the data connection that would serve the next transfer.
pub(super) fn terms(pi: &ServerPi) -> Option<Terms> {
    pi.open.or(pi.plan.terms())
}

/// How the next transfer gets its data connection.
pub(super) fn route(pi: &ServerPi, direction: Direction) -> Result<Route, PlanRefusal> {
    match pi.open {
        Some(terms) => terms.admit(direction).map(|()| Route::Open),
        None => pi.plan.route(direction),
    }
}

/// Makes the data connection of `route` ahead of any transfer: ESTA, ESTP.
pub(super) fn establish(pi: &mut ServerPi, route: Route) {
    if pi.open.is_some() {
        return pi.reply(text::connected_already());
    }
    let terms = pi.plan.terms();
    let direction = [Direction::Send, Direction::Receive]
        .into_iter()
        .find(|direction| terms.is_some_and(|terms| terms.admit(*direction).is_ok()));
    let Some(direction) = direction else {
        refuse::<()>(pi, text::direction_not_permitted());
        return;
    };
    let calls = matches!(route, Route::Call { .. });
    let asked = Asked::Establish {
        calls,
        aborted: false,
    };
    pi.ask(Effect::Establish { route, direction }, asked);
}

/// The file is open: "about to open data connection" (spec A-21).
pub(super) fn opened(pi: &mut ServerPi, opened: &Opened) {
    let Activity::Transferring(running) = &mut pi.activity else {
        return;
    };
    if running.started || running.stopping {
        return;
    }
    running.started = true;
    let reply = text::started(running.on_open_connection, opened);
    pi.reply(reply);
}

/// A restart marker has come, and what is before it is stored.
pub(super) fn marked(pi: &mut ServerPi, theirs: &Text, octets: u64) {
    let Activity::Transferring(running) = &pi.activity else {
        return;
    };
    if running.started && !running.stopping {
        pi.reply(text::restart_marker(theirs, octets));
    }
}

/// ABOR while a transfer runs or waits (RFC 959 section 4.1.3). It is seen before the commands
/// in front of it are served, and answered behind them.
pub(super) fn stop_if_aborted(pi: &mut ServerPi) {
    let aborted = pi.queue.has_abort();
    let Activity::Transferring(running) = &mut pi.activity else {
        return;
    };
    if aborted && !running.stopping {
        running.stopping = true;
        pi.push(Effect::StopTransfer);
    }
}

/// The transfer is over.
pub(super) fn finished(pi: &mut ServerPi, now: Duration, outcome: Outcome) {
    let Activity::Transferring(running) = &pi.activity else {
        return;
    };
    let running = running.clone();
    pi.activity = Activity::Idle;
    match outcome {
        Outcome::Completed { kept, .. } => complete(pi, now, running.terms.filter(|_| kept)),
        Outcome::Isolated(_) | Outcome::SourceFailed => complete(pi, now, running.terms),
        // Its place in the pipeline is filled below.
        Outcome::Refused(_) if running.is_refused_in_pipeline() => {}
        _ => pi.release_plan(),
    }
    if !running.answered {
        pi.reply(text::failed(
            outcome,
            running.started,
            running.wants_directory,
        ));
    }
    if running.stopping {
        pi.release_plan();
        drop_queue_to_abort(pi);
    } else if matches!(outcome, Outcome::Refused(_)) && running.is_refused_in_pipeline() {
        pipeline::refused(pi, running.place);
    }
}

/// Answers ABOR, and every command that was queued before it; what came behind stays.
fn drop_queue_to_abort(pi: &mut ServerPi) {
    while pi.queue.has_abort()
        && let Some(line) = pi.queue.pop()
    {
        pi.reply(match line {
            Ok(Command::Abor) => text::aborted(),
            _ => text::dropped_by_abort(),
        });
    }
}

/// What remains of the plan after a transfer that completed.
fn complete(pi: &mut ServerPi, now: Duration, open: Option<Terms>) {
    pi.open = open;
    // RFC 1123 4.1.2.6: PASV and EPSV serve one connection; at most that connection remains.
    if !pi.plan.lasts() && pi.plan != Plan::Default {
        pi.plan = Plan::Default;
        pi.security.peer = None;
        pi.push(Effect::Release);
    }
    if open.is_some() || pi.plan != Plan::Default {
        pi.timers.reserved(now);
    } else {
        pi.timers.nothing_reserved();
    }
}

/// A refused transfer command makes the plan void (spec 3.3), but not in a pipeline: there its
/// place is filled.
pub(super) fn give_up(pi: &mut ServerPi) {
    if pipeline::number(pi).is_none() {
        pi.release_plan();
    }
}

fn refuse<T>(pi: &mut ServerPi, reply: Reply) -> Option<T> {
    give_up(pi);
    pi.reply(reply);
    None
}
