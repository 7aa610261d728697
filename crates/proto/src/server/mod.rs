//! The server-PI: commands and events in, effects out. RFC 959 section 2.2.
//!
//! It performs nothing and does not know the time: it is told ([`ServerPi::handle_command`],
//! [`ServerPi::handle_event`], [`ServerPi::handle_timeout`]) and asked
//! ([`ServerPi::poll_effect`], [`ServerPi::poll_timeout`]). After telling it something, poll
//! effects until there are none, in order. At most one question is out at a time; commands
//! that arrive meanwhile are queued (spec Q-7), except ABOR and STAT during a transfer.

mod arrange;
mod changes;
mod command;
mod effect;
mod hosts;
mod limits;
mod login;
mod operation;
mod permission;
mod pipeline;
mod plan;
mod protection;
mod questions;
mod queue;
mod reply_text;
mod session;
mod timers;
mod transfer;
mod verbs;
mod virtual_path;

pub use arrange::{Arrange, ArrangeRefusal, Arranged, Directions, pinned_host};
pub use effect::{
    Answer, Effect, Event, HashTarget, Identity, Introduced, PartsQuestion, Question, Refusal,
};
pub use hosts::Hosts;
pub use limits::{Limits, QUEUED_BYTES_MAX, QUEUED_COMMANDS_MAX};
pub use operation::{
    ListForm, ListTarget, Opened, Operation, Outcome, Route, Skip, TlsFailure, Transfer,
    TransferParameters,
};
pub use permission::{Permission, PermissionSet, Permissions, UnknownPermission};
pub use plan::{PassiveOrigin, Plan, PlanRefusal};
pub use protection::{ClearTransfers, Protection, TlsOffer, TlsRole};
pub use session::{ClearLogin, ServerPi, Settings, Unpinned};
pub use virtual_path::{COMPONENT_BYTES_MAX, PATH_BYTES_MAX, PathError, VirtualPath};

#[cfg(test)]
mod enumeration;
#[cfg(test)]
mod pipeline_tests;
#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
#[cfg(test)]
mod verb_tests;
