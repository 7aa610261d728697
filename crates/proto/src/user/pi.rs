//! Matching replies to commands, in order, with many commands outstanding and ABOR among them.
//!
//! | reply | nothing outstanding | something outstanding |
//! |---|---|---|
//! | 421 | closing | closing: whatever is outstanding stays unanswered (spec Q-14) |
//! | 1yz | unexpected | preliminary, of the oldest command; any number of them (spec Q-13) |
//! | 225 | unexpected | with ABOR outstanding: answers ABOR and all before it (spec U-6) |
//! | other | unexpected | final, of the oldest command |

use std::collections::VecDeque;

use thirdhost_wire::{Command, Reply};

/// One control connection as the user-PI sees it.
///
/// It is told what was sent ([`UserPi::send`]) and what arrived ([`UserPi::handle_reply`]) and
/// says which belongs to which. The greeting counts as the reply to an unspoken first command.
#[derive(Clone, Debug)]
pub struct UserPi {
    outstanding: VecDeque<Outstanding>,
    next: u64,
    closing: bool,
}

/// Names one command of one control connection; later commands have greater tickets.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket(u64);

impl Ticket {
    /// The unspoken first command: the call itself, which the greeting answers.
    pub const GREETING: Self = Self(0);
}

/// What a reply means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Received {
    /// The command is under way; its final reply is still owed.
    Preliminary {
        /// The command.
        ticket: Ticket,
        /// The 1yz reply.
        reply: Reply,
    },
    /// The command is answered, and so is every command before it.
    Final {
        /// The command.
        ticket: Ticket,
        /// The reply.
        reply: Reply,
    },
    /// 421: the server is about to close. Nothing more may be sent.
    Closing(Reply),
    /// A reply that answers nothing: the two ends are out of step, or the server lies. The
    /// connection must not be used any more.
    Unexpected(Reply),
}

/// Why a command may not be sent now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendRefused {
    /// The greeting has not come yet.
    #[error("the server has not greeted yet")]
    NotGreeted,
    /// The server said 421, or the replies fell out of step.
    #[error("the control connection is closing")]
    Closing,
    /// [`UserPi::OUTSTANDING_MAX`] commands are unanswered.
    #[error("too many commands are unanswered")]
    TooMany,
}

impl UserPi {
    /// How many commands may be unanswered at once: more than any server queues (spec Q-8), so
    /// that this only bounds our memory; what a server takes, it tells in FEAT.
    pub const OUTSTANDING_MAX: usize = 4_096;

    /// A connection just opened: the greeting is owed.
    #[must_use]
    pub fn new() -> Self {
        let greeting = Outstanding {
            ticket: Ticket::GREETING,
            kind: Kind::Greeting,
        };
        Self {
            outstanding: VecDeque::from([greeting]),
            next: 1,
            closing: false,
        }
    }

    /// A connection whose greeting has been read and that owes no reply.
    #[must_use]
    pub fn greeted() -> Self {
        Self {
            outstanding: VecDeque::new(),
            next: 1,
            closing: false,
        }
    }

    /// Notes that `command` goes out now.
    ///
    /// # Errors
    /// [`SendRefused`]: then it must not go out.
    pub fn send(&mut self, command: &Command) -> Result<Ticket, SendRefused> {
        self.owe(if *command == Command::Abor {
            Kind::Abor
        } else {
            Kind::Other
        })
    }

    /// Notes that a command goes out now that is no [`Command`]: an extension of some servers.
    ///
    /// # Errors
    /// [`SendRefused`]: then it must not go out.
    pub fn send_extension(&mut self) -> Result<Ticket, SendRefused> {
        self.owe(Kind::Other)
    }

    /// Says what an arrived reply means.
    pub fn handle_reply(&mut self, reply: Reply) -> Received {
        if reply.code().number() == CLOSING {
            self.closing = true;
            return Received::Closing(reply);
        }
        let Some(oldest) = self.outstanding.front().copied() else {
            self.closing = true;
            return Received::Unexpected(reply);
        };
        if reply.code().is_preliminary() {
            return Received::Preliminary {
                ticket: oldest.ticket,
                reply,
            };
        }
        if reply.code().number() == NOTHING_TO_ABORT
            && let Some(abor) = self
                .outstanding
                .iter()
                .position(|owed| owed.kind == Kind::Abor)
        {
            // 225 never ends a transfer, so the server forgot the aborted ones in silence.
            let ticket = self
                .outstanding
                .drain(..=abor)
                .next_back()
                .map(|owed| owed.ticket);
            return Received::Final {
                ticket: ticket.unwrap_or(oldest.ticket),
                reply,
            };
        }
        self.outstanding.pop_front();
        Received::Final {
            ticket: oldest.ticket,
            reply,
        }
    }

    fn owe(&mut self, kind: Kind) -> Result<Ticket, SendRefused> {
        if self.closing {
            return Err(SendRefused::Closing);
        }
        // Nothing is owed before it.
        let oldest = self.outstanding.front();
        if oldest.is_some_and(|owed| owed.kind == Kind::Greeting) {
            return Err(SendRefused::NotGreeted);
        }
        if self.outstanding.len() >= Self::OUTSTANDING_MAX {
            return Err(SendRefused::TooMany);
        }
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        self.outstanding.push_back(Outstanding { ticket, kind });
        Ok(ticket)
    }

    /// Whether no reply is owed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Whether the command still has its final reply to come.
    #[must_use]
    pub fn is_outstanding(&self, ticket: Ticket) -> bool {
        self.outstanding.iter().any(|owed| owed.ticket == ticket)
    }

    /// How many final replies are owed.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Whether the server said 421 or fell out of step: nothing more may be sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }
}

impl Default for UserPi {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    ticket: Ticket,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Greeting,
    Abor,
    Other,
}

/// RFC 959 section 5.4: may be the reply to any command.
const CLOSING: u16 = 421;

/// RFC 959 section 4.1.3: ABOR found no transfer.
const NOTHING_TO_ABORT: u16 = 225;

#[cfg(test)]
mod tests {
    use super::*;
    use thirdhost_wire::{Pathname, ReplyCode};

    fn reply(code: u16) -> Reply {
        Reply::new(ReplyCode::new(code).unwrap(), "text")
    }

    fn retr() -> Command {
        Command::Retr(Pathname::try_from("a").unwrap())
    }

    /// Sends `commands`, then feeds `codes`; says what each reply was taken for.
    fn check(commands: &[Command], codes: &[u16], expected: &str) {
        let mut pi = UserPi::greeted();
        for command in commands {
            pi.send(command).unwrap();
        }
        let found: Vec<String> = codes
            .iter()
            .map(|&code| match pi.handle_reply(reply(code)) {
                Received::Preliminary { ticket, .. } => format!("{code} starts {}", ticket.0),
                Received::Final { ticket, .. } => format!("{code} ends {}", ticket.0),
                Received::Closing(_) => format!("{code} closes"),
                Received::Unexpected(_) => format!("{code} is unexpected"),
            })
            .collect();
        assert_eq!(found.join(", "), expected);
    }

    #[test]
    fn replies_end_commands_in_the_order_they_were_sent() {
        use Command::{Abor, Noop};
        check(&[Noop], &[200], "200 ends 1");
        check(&[Noop, Noop], &[200, 500], "200 ends 1, 500 ends 2");
        check(&[retr()], &[150, 226], "150 starts 1, 226 ends 1");
        check(
            &[retr(), retr()],
            &[125, 250, 550],
            "125 starts 1, 250 ends 1, 550 ends 2",
        );
        check(
            &[retr()],
            &[150, 110, 110, 226],
            "150 starts 1, 110 starts 1, 110 starts 1, 226 ends 1",
        );
        check(&[retr(), Abor], &[426, 226], "426 ends 1, 226 ends 2");
        check(&[retr(), Abor], &[226, 226], "226 ends 1, 226 ends 2");
        check(&[retr(), Abor], &[226, 225], "226 ends 1, 225 ends 2");
        check(&[retr(), Abor], &[225], "225 ends 2");
        check(&[retr(), Abor], &[150, 225], "150 starts 1, 225 ends 2");
        check(&[retr(), Abor], &[550, 500], "550 ends 1, 500 ends 2");
        check(&[Noop], &[225], "225 ends 1");
    }

    #[test]
    fn a_command_is_outstanding_until_its_own_final_reply() {
        let mut pi = UserPi::greeted();
        let first = pi.send(&retr()).unwrap();
        let second = pi.send(&Command::Noop).unwrap();
        let is_outstanding = |pi: &UserPi| [first, second].map(|ticket| pi.is_outstanding(ticket));
        for (code, expected) in [(150, [true, true]), (226, [false, true]), (200, [false; 2])] {
            pi.handle_reply(reply(code));
            assert_eq!(is_outstanding(&pi), expected, "{code}");
        }
    }

    #[test]
    fn what_answers_nothing_is_unexpected() {
        check(&[], &[200], "200 is unexpected");
        check(&[], &[150], "150 is unexpected");
        check(
            &[Command::Noop],
            &[200, 226],
            "200 ends 1, 226 is unexpected",
        );
    }

    #[test]
    fn after_421_or_an_unexpected_reply_nothing_is_sent() {
        for code in [421, 200] {
            let mut pi = UserPi::greeted();
            pi.handle_reply(reply(code));
            assert_eq!(pi.send(&Command::Noop), Err(SendRefused::Closing), "{code}");
            assert!(pi.is_closing());
        }
        check(&[Command::Noop], &[421], "421 closes");
    }

    #[test]
    fn commands_wait_for_the_greeting_even_behind_120() {
        let mut pi = UserPi::new();
        assert!(!pi.is_closing());
        pi.handle_reply(reply(120));
        assert_eq!(pi.send(&Command::Noop), Err(SendRefused::NotGreeted));
        pi.handle_reply(reply(220));
        assert!(pi.is_idle());
        assert!(pi.send(&Command::Noop).is_ok());
    }

    #[test]
    fn the_number_of_unanswered_commands_is_bounded() {
        let mut pi = UserPi::greeted();
        for _ in 0..UserPi::OUTSTANDING_MAX {
            pi.send(&Command::Noop).unwrap();
        }
        assert_eq!(pi.send(&Command::Noop), Err(SendRefused::TooMany));
        assert_eq!(pi.outstanding(), UserPi::OUTSTANDING_MAX);
    }
}
