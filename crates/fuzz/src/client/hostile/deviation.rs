//! What a server does other than it should, and when: a grammar of hostile servers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::Input;

/// One thing that goes another way.
#[derive(Clone, Debug)]
pub(super) enum Deviation {
    /// Says this in place of doing anything.
    Say(Vec<u8>),
    /// Does it, and says this in place of the final reply.
    SayAfterwards(Vec<u8>),
    /// Says this first, and then does it.
    SayFirst(Vec<u8>),
    /// Says this without end.
    Babble(Vec<u8>),
    /// Does nothing and says nothing.
    Silence,
    /// Is slow.
    Delay(Duration),
    /// Closes the control connection.
    Close,
    /// Sends or takes only so many octets of the file, and says that it was all.
    Short(usize),
    /// Sends more than the file.
    Long,
    /// Does not close the data connection.
    Stall,
}

impl Deviation {
    fn read(input: &mut Input<'_>) -> Self {
        match input.below(12) {
            0..4 => Self::Say(reply(input)),
            4 => Self::SayAfterwards(reply(input)),
            5 => Self::SayFirst(reply(input)),
            6 => Self::Babble(reply(input)),
            7 => Self::Silence,
            8 => Self::Delay(Duration::from_secs(1 << input.below(20))),
            9 => Self::Close,
            10 => Self::Short(input.below(16)),
            _ => match input.flag() {
                true => Self::Long,
                false => Self::Stall,
            },
        }
    }

    fn is_in_data(&self) -> bool {
        matches!(self, Self::Short(_) | Self::Long)
    }
}

/// All of them, in the order they are used up.
#[derive(Clone, Debug)]
pub(super) struct Deviations {
    planned: Arc<Mutex<Vec<Planned>>>,
    /// Whether any is the destination's.
    pub(super) at_destination: bool,
    /// Whether any is about the octets of a file.
    pub(super) in_data: bool,
}

#[derive(Clone, Debug)]
struct Planned {
    is_at_source: bool,
    verb: &'static str,
    /// How many such commands are served well before.
    after: usize,
    is_for_ever: bool,
    what: Deviation,
}

impl Deviations {
    pub(super) fn read(mut input: Input<'_>) -> Self {
        let mut planned = Vec::new();
        while !input.is_empty() && planned.len() < DEVIATIONS_MAX {
            let flags = input.octet();
            planned.push(Planned {
                is_at_source: flags & 3 != 0,
                is_for_ever: flags & 4 != 0,
                after: usize::from(flags >> 3 & 3),
                verb: input.pick(VERBS).unwrap_or_default(),
                what: Deviation::read(&mut input),
            });
        }
        Self {
            at_destination: planned.iter().any(|one| !one.is_at_source),
            in_data: planned.iter().any(|one| one.what.is_in_data()),
            planned: Arc::new(Mutex::new(planned)),
        }
    }

    /// What happens instead at this command.
    pub(super) fn take(&self, is_at_source: bool, verb: &str) -> Option<Deviation> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let at = planned
            .iter()
            .position(|one| one.is_at_source == is_at_source && one.verb == verb)?;
        let found = planned.get_mut(at)?;
        if let Some(after) = found.after.checked_sub(1) {
            found.after = after;
            return None;
        }
        let what = found.what.clone();
        if !found.is_for_ever {
            planned.remove(at);
        }
        Some(what)
    }
}

/// Something like a reply.
fn reply(input: &mut Input<'_>) -> Vec<u8> {
    let code = input.pick(CODES).unwrap_or("500");
    let text = input.pick(TEXTS).unwrap_or_default();
    match input.below(8) {
        0..4 => format!("{code} {text}\r\n").into_bytes(),
        4 => format!("{code}-\r\n {text}\r\n{code} {text}\r\n").into_bytes(),
        5 => format!("{code}-{text}\r\n").into_bytes(),
        6 => format!("{code} {text}\r\n{code} {text}\r\n").into_bytes(),
        _ => input.piece().to_vec(),
    }
}

/// "" is the call itself.
const VERBS: &[&str] = &[
    "", "USER", "PASS", "FEAT", "TYPE", "MLST", "MLSD", "SIZE", "LSTN", "SOCK", "EPSV", "EPRT",
    "PASV", "PORT", "RETR", "STOR", "RNFR", "RNTO", "MFMT", "MODE", "OPTS", "REST", "LIST", "NLST",
    "CWD", "PWD", "MKD", "DELE", "ABOR", "QUIT", "HASH", "MDTM", "STAT", "SYST", "APPE", "RMD",
];

const CODES: &[&str] = &[
    "200", "226", "250", "150", "125", "110", "220", "230", "331", "332", "350", "211", "213",
    "227", "229", "255", "257", "421", "425", "426", "450", "451", "452", "500", "502", "503",
    "530", "534", "550", "552", "553", "999", "000", "1", "120", "225", "202", "251",
];

const TEXTS: &[&str] = &[
    "ok",
    "",
    "77",
    "5",
    "0",
    "18446744073709551616",
    "-1",
    "Entering Passive Mode (8,8,8,8,200,200)",
    "Entering Passive Mode (192,0,2,1,0,21)",
    "Entering (|||0|)",
    "Entering (|||40000|)",
    "Entering (||8.8.8.8|40000|)",
    "SOCK 0",
    "SOCK 21",
    "SOCK 40000",
    "SOCK 99999",
    "\"/\"",
    "\"../..\"",
    "type=file;size=5; a",
    "type=dir; ../../up",
    "Modify=20261123000000; a",
    "MARK 5 = 5",
    "SHA-256 0-5 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 a",
    "\u{1b}[2J",
    "PIPELINE 99999999999999999999",
    "(192,0,2,1,999,1)",
];

/// More are found by fewer.
const DEVIATIONS_MAX: usize = 8;
