//! The bounds of one server-PI, each with its reason.

use std::time::Duration;

/// How many commands wait behind a transfer before [`super::ServerPi::wants_commands`] says
/// no and the shell stops reading. FEAT tells it: a pipelining user has that many under
/// way, with two or three a file, in each round trip.
pub const QUEUED_COMMANDS_MAX: usize = 1_000;

/// How many octets of commands wait: what a user can make us hold. Names of a hundred octets
/// reach it with the number above.
pub const QUEUED_BYTES_MAX: usize = 128 * 1024;

/// The limits an operator may set; the defaults are the specification's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// From connection to login (spec S-53).
    pub login: Duration,
    /// Without a command or a transfer (spec S-53).
    pub idle: Duration,
    /// How long an unused LSTN, SOCK or PASV reservation is kept (spec A-23).
    pub reservation: Duration,
    /// Failed PASS commands before 421 (spec S-25).
    pub login_failures: u32,
    /// Lines in a row that are no proper command before 421 (spec S-57).
    pub protocol_errors: u32,
    /// Unknown commands before login before 421: another protocol is speaking (spec S-38).
    pub unknown_before_login: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            reservation: Duration::from_secs(300),
            login_failures: 3,
            protocol_errors: 10,
            unknown_before_login: 3,
        }
    }
}
