//! The Telnet filter: takes commands of RFC 854 out of the octets of a control connection.

/// Removes Telnet commands, octet by octet; its state outlives every split (spec S-40, S-43).
#[derive(Debug, Default)]
pub(crate) struct TelnetFilter {
    state: State,
    answers: usize,
}

/// What one octet of input amounts to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Filtered {
    /// An octet of the line, as it came.
    Plain(u8),
    /// An octet 255 of the line, which came doubled.
    Quoted(u8),
    /// A part of a Telnet command.
    Nothing,
    /// An option was offered or asked for; send these octets to refuse it.
    Answer([u8; 3]),
    /// The peer plays with us; close.
    Abuse,
}

impl TelnetFilter {
    /// Takes one octet.
    pub(crate) fn filter(&mut self, octet: u8) -> Filtered {
        let (state, filtered) = match (self.state, octet) {
            (State::Plain, IAC) => (State::Command, Filtered::Nothing),
            (State::Plain, octet) => (State::Plain, Filtered::Plain(octet)),
            (State::Command, IAC) => (State::Plain, Filtered::Quoted(IAC)),
            (State::Command, WILL) => (State::Option(Some(DONT)), Filtered::Nothing),
            (State::Command, DO) => (State::Option(Some(WONT)), Filtered::Nothing),
            // An answer to WONT or DONT would be answered in turn, for ever.
            (State::Command, WONT | DONT) => (State::Option(None), Filtered::Nothing),
            (State::Command, SB) => (
                State::Subnegotiation {
                    octets: 0,
                    iac: false,
                },
                Filtered::Nothing,
            ),
            (State::Command, _) => (State::Plain, Filtered::Nothing),
            (State::Option(None), _) => (State::Plain, Filtered::Nothing),
            (State::Option(Some(answer)), option) => (State::Plain, self.answer(answer, option)),
            (State::Subnegotiation { iac: true, .. }, SE) => (State::Plain, Filtered::Nothing),
            (State::Subnegotiation { octets, .. }, _) if octets >= SUBNEGOTIATION_BYTES_MAX => {
                (State::Plain, Filtered::Abuse)
            }
            (State::Subnegotiation { octets, iac }, octet) => {
                let iac = !iac && octet == IAC;
                (
                    State::Subnegotiation {
                        octets: octets + 1,
                        iac,
                    },
                    Filtered::Nothing,
                )
            }
        };
        self.state = state;
        filtered
    }

    fn answer(&mut self, answer: u8, option: u8) -> Filtered {
        if self.answers >= TELNET_ANSWERS_MAX {
            return Filtered::Abuse;
        }
        self.answers += 1;
        Filtered::Answer([IAC, answer, option])
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Plain,
    /// Behind IAC.
    Command,
    /// Behind IAC WILL, WONT, DO or DONT; holds the answer's second octet, if one is due.
    Option(Option<u8>),
    /// Behind IAC SB; `octets` were skipped, and `iac` says whether the last was an open IAC.
    Subnegotiation { octets: usize, iac: bool },
}

/// How many octets a subnegotiation may have behind IAC SB (spec S-40).
pub const SUBNEGOTIATION_BYTES_MAX: usize = 512;
/// How many options are refused before the peer is taken for an abuser (spec S-40).
pub const TELNET_ANSWERS_MAX: usize = 32;

/// Data mark; alone before a command it is what is left of a Telnet synch (spec S-41).
pub(crate) const DM: u8 = 242;
const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;
