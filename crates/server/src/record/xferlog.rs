//! The xferlog: a line per file as wu-ftpd wrote it, for the programs that read such files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use thirdhost_proto::server::{Operation, Outcome};
use thirdhost_wire::{Direction, RepresentationType};

use super::Finished;

/// An open xferlog. Lines are appended whole.
#[derive(Debug)]
pub(super) struct Xferlog {
    file: File,
}

impl Xferlog {
    /// Opens the file for appending, and makes it if need be.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self { file })
    }

    /// Writes the line of a transfer; a listing has none.
    pub(super) fn write(&mut self, finished: &Finished<'_>) -> io::Result<()> {
        match line(finished) {
            Some(line) => self.file.write_all(line.as_bytes()),
            None => Ok(()),
        }
    }
}

/// xferlog(5): time, seconds, remote host, bytes, file, type, special action, direction, access,
/// user, service, authentication method and user, completion. The time is UTC.
fn line(finished: &Finished<'_>) -> Option<String> {
    if matches!(finished.operation, Operation::List { .. }) {
        return None;
    }
    let time = Timestamp::try_from(finished.ended)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC);
    let kind = match finished.representation {
        RepresentationType::Image => 'b',
        _ => 'a',
    };
    let direction = match finished.operation.direction() {
        Direction::Send => 'o',
        Direction::Receive => 'i',
    };
    let whole = matches!(finished.outcome, Outcome::Completed { .. });
    Some(format!(
        "{} {} {} {} {} {kind} _ {direction} {} {} ftp 0 * {}\n",
        time.strftime("%a %b %e %H:%M:%S %Y"),
        // wu-ftpd counts whole seconds and never none.
        finished.took.as_secs().max(1),
        finished.control_peer,
        finished.octets,
        word(finished.operation.path().as_str()),
        if finished.anonymous { 'a' } else { 'r' },
        word(finished.user),
        if whole { 'c' } else { 'i' },
    ))
}

// SECURITY: fields are told apart by spaces and lines by ends of lines; a name that holds either
// would forge them (spec S-63).
fn word(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_control() || c.is_whitespace() => '_',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use thirdhost_proto::server::VirtualPath;
    use thirdhost_wire::Pathname;

    use super::*;

    fn check(operation: Operation, outcome: Outcome, user: &str, expected: Option<&str>) {
        let finished = Finished {
            user,
            anonymous: user == "anonymous",
            control_peer: "192.0.2.1".parse().unwrap(),
            data_peer: Some("198.51.100.2:5000".parse().unwrap()),
            arranged: None,
            operation: &operation,
            representation: RepresentationType::Image,
            octets: 7,
            hash: None,
            took: Duration::from_millis(2900),
            ended: SystemTime::UNIX_EPOCH + Duration::from_secs(94_953_600),
            outcome: &outcome,
        };
        assert_eq!(line(&finished).as_deref(), expected);
    }

    fn path(name: &str) -> VirtualPath {
        VirtualPath::root()
            .join(&Pathname::try_from(name).unwrap())
            .unwrap()
    }

    #[test]
    fn a_line_is_as_wu_ftpd_wrote_it_and_no_name_adds_a_field() {
        let whole = Outcome::Completed {
            bytes: 7,
            kept: false,
        };
        check(
            Operation::Retrieve {
                path: path("a b\u{2028}d"),
                offset: 0,
                end: None,
            },
            whole,
            "al ice",
            Some("Thu Jan  4 00:00:00 1973 2 192.0.2.1 7 /a_b_d b _ o r al_ice ftp 0 * c\n"),
        );
        check(
            Operation::Append { path: path("log") },
            Outcome::ConnectionLost,
            "anonymous",
            Some("Thu Jan  4 00:00:00 1973 2 192.0.2.1 7 /log b _ i a anonymous ftp 0 * i\n"),
        );
    }
}
