//! How a third-party transfer ends, and where and why it failed. Spec U-5, U-6, 3.8.

use std::fmt;

use thirdhost_wire::{HostSocket, Reply, ReplyCode};

use super::{AddressRefused, Side};

/// The end of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Both servers said 2yz.
    Done(Done),
    /// It failed, and another way of bringing the servers together would not help.
    Failed(Failure),
    /// This way of bringing the servers together is refused; another may work (spec U-3).
    Refused(Failure),
}

/// What both servers said at the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Done {
    /// The source's 2yz reply to RETR.
    pub source: Reply,
    /// The destination's 2yz reply to STOR or APPE.
    pub destination: Reply,
    /// How long the source said the file was, in the TYPE in force, before it was sent.
    pub source_bytes: Option<u64>,
}

/// Where it failed first, and what the other server said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The server that failed first.
    pub side: Side,
    /// What was being done.
    pub step: Step,
    /// What it said or did.
    pub cause: Cause,
    /// What the other server said or did about its half of the transfer, if it had one.
    pub other: Option<Cause>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// TYPE, STRU, MODE.
    Parameters,
    /// SIZE or MLST: is the source there?
    Presence,
    /// LSTN, EPSV or PASV.
    Listen,
    /// SOCK, EPRT or PORT to the server that calls.
    Call,
    /// SOCK to the server that listens: who may call.
    Pin,
    /// SSCN: who is the TLS client.
    Protect,
    /// SITE PEERCERT to both: whom they will meet.
    Name,
    /// REST to both.
    Restart,
    /// RETR, STOR or APPE.
    Transfer,
}

/// What went wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// It replied so.
    Reply(Reply),
    /// It said 421 and is closing.
    Closing(Reply),
    /// Its reply means success and lacks what it must hold.
    Unusable {
        /// The reply.
        reply: Reply,
        /// What is missing or wrong.
        problem: &'static str,
    },
    /// It told an address that is not passed on (spec S-20, S-22).
    Address {
        /// The reply.
        reply: Reply,
        /// Why.
        refused: AddressRefused,
    },
    /// The arrangement cannot name its address; nothing was sent.
    Impossible(&'static str),
    /// However often it is asked, it tells this socket, where somebody may still call who was
    /// meant for another file.
    InUse(HostSocket),
    /// It replied to nothing: its replies cannot be trusted any more.
    OutOfStep(Reply),
    /// The control connection is gone.
    Lost,
    /// The user stopped it.
    Stopped,
}

impl Cause {
    /// The reply, where there is one.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Reply(reply)
            | Self::Closing(reply)
            | Self::Unusable { reply, .. }
            | Self::Address { reply, .. }
            | Self::OutOfStep(reply) => Some(reply),
            Self::Impossible(_) | Self::InUse(_) | Self::Lost | Self::Stopped => None,
        }
    }
}

impl Failure {
    /// What a server said or did: the first failure, or the other server's part.
    #[must_use]
    pub fn of(&self, side: Side) -> Option<&Cause> {
        if side == self.side {
            Some(&self.cause)
        } else {
            self.other.as_ref()
        }
    }

    /// A broken or missing data connection (425, 426) at one server is the echo of what the
    /// other server said about its file, and often is heard first: the cause goes first.
    pub(super) fn nearest_cause_first(self) -> Self {
        let code = |cause: &Cause| match cause {
            Cause::Reply(reply) => Some(reply.code()),
            _ => None,
        };
        let echo = |code: ReplyCode| matches!(code.number(), NO_CONNECTION | BROKEN | NO_TLS);
        let (first, other) = (code(&self.cause), self.other.as_ref().and_then(code));
        let is_cause = other.is_some_and(|code| {
            (code.is_transient_negative() || code.is_permanent_negative()) && !echo(code)
        });
        match self {
            Self {
                side,
                step,
                cause,
                other: Some(other),
            } if is_cause && first.is_some_and(echo) => Self {
                side: side.opposite(),
                step,
                cause: other,
                other: Some(cause),
            },
            failure => failure,
        }
    }

    /// Whether another arrangement, or the roles reversed, may do better (spec U-3, Q-14).
    pub(super) fn is_about_the_way(&self) -> bool {
        match self.step {
            _ if self.cause == Cause::Stopped => false,
            // It passes.
            _ if matches!(self.cause, Cause::InUse(_)) => false,
            Step::Listen | Step::Call | Step::Pin | Step::Protect | Step::Name => true,
            Step::Parameters | Step::Presence | Step::Restart => false,
            Step::Transfer => {
                let code = |cause: &Cause| cause.reply().map(|reply| reply.code().number());
                let first = code(&self.cause);
                let other = self.other.as_ref().and_then(code);
                let no_connection = |code| matches!(code, Some(NO_CONNECTION | NO_TLS));
                no_connection(first) || (first == Some(BROKEN) && no_connection(other))
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parameters => "setting the transfer parameters",
            Self::Presence => "asking whether the file is there",
            Self::Listen => "asking it to listen",
            Self::Call => "telling it whom to call",
            Self::Pin => "telling it who may call",
            Self::Protect => "telling it its part in TLS",
            Self::Name => "telling it the other's certificate",
            Self::Restart => "telling it where to go on",
            Self::Transfer => "the transfer",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |f: &mut fmt::Formatter<'_>, reply: &Reply| {
            write!(f, "\"{} {}\"", reply.code(), reply.text())
        };
        match self {
            Self::Reply(reply) => said(f, reply),
            Self::Closing(reply) => {
                said(f, reply)?;
                f.write_str(" (it closes the control connection)")
            }
            Self::Unusable { reply, problem } => {
                said(f, reply)?;
                write!(f, " ({problem})")
            }
            Self::Address { reply, refused } => {
                said(f, reply)?;
                write!(f, " ({refused})")
            }
            Self::InUse(socket) => write!(
                f,
                "it offers {socket} alone, where a server may still call for another file"
            ),
            Self::Impossible(problem) => f.write_str(problem),
            Self::OutOfStep(reply) => {
                said(f, reply)?;
                f.write_str(" (a reply to nothing that was sent)")
            }
            Self::Lost => f.write_str("the control connection is lost"),
            Self::Stopped => f.write_str("stopped by the user"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed at {}: {}", self.side, self.step, self.cause)?;
        match &self.other {
            Some(other) => write!(f, "; {} said {other}", self.side.opposite()),
            None => Ok(()),
        }
    }
}

/// 425: the data connection could not be opened.
const NO_CONNECTION: u16 = 425;

/// 426: the data connection broke.
const BROKEN: u16 = 426;

/// 522: the TLS handshake on the data connection failed (RFC 4217 section 10.2).
const NO_TLS: u16 = 522;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: u16, other: u16, expected: Side) {
        let reply = |code| Cause::Reply(Reply::new(ReplyCode::new(code).unwrap(), "text"));
        let failure = Failure {
            side: Side::Source,
            step: Step::Transfer,
            cause: reply(first),
            other: Some(reply(other)),
        };
        assert_eq!(
            failure.nearest_cause_first().side,
            expected,
            "{first}, {other}"
        );
    }

    #[test]
    fn a_cause_says_what_was_said_and_what_that_means() {
        let reply = || Reply::new(ReplyCode::new(425).unwrap(), "No way.");
        let problem = "it tells no socket";
        for (cause, said) in [
            (Cause::Reply(reply()), "\"425 No way.\""),
            (
                Cause::Closing(reply()),
                "\"425 No way.\" (it closes the control connection)",
            ),
            (
                Cause::OutOfStep(reply()),
                "\"425 No way.\" (a reply to nothing that was sent)",
            ),
            (Cause::Impossible(problem), problem),
            (Cause::Lost, "the control connection is lost"),
            (Cause::Stopped, "stopped by the user"),
        ] {
            assert_eq!(cause.to_string(), said);
        }
    }

    #[test]
    fn each_server_is_asked_for_its_own_part_of_a_failure() {
        let mut failure = Failure {
            side: Side::Destination,
            step: Step::Transfer,
            cause: Cause::Lost,
            other: Some(Cause::Stopped),
        };
        assert_eq!(failure.of(Side::Destination), Some(&Cause::Lost));
        assert_eq!(failure.of(Side::Source), Some(&Cause::Stopped));
        let said = "destination failed at the transfer: the control connection is lost; \
                    source said stopped by the user";
        assert_eq!(failure.to_string(), said);
        failure.other = None;
        assert!(said.starts_with(&format!("{failure};")));
        assert_eq!(failure.of(Side::Source), None);
    }

    #[test]
    fn a_refusal_outweighs_the_connection_it_broke() {
        check(426, 550, Side::Destination);
        check(425, 452, Side::Destination);
        check(426, 426, Side::Source);
        check(426, 226, Side::Source);
        check(550, 426, Side::Source);
        check(451, 552, Side::Source);
    }
}
