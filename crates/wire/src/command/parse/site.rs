//! The subcommands of SITE and their arguments.

use super::{Argument, trim};
use crate::address::digits;
use crate::command::{CommandError, SiteCommand};
use crate::{Pathname, TimeVal};

impl<'a> Argument<'a> {
    pub(super) fn site(self) -> Result<SiteCommand, CommandError> {
        let (code, rest) = self.split_word();
        if code.is_empty() {
            return Err(self.bad("a subcommand is missing; SITE HELP lists them"));
        }
        Ok(match code.to_ascii_uppercase().as_slice() {
            b"PEERCERT" => rest.peer_certificate()?,
            b"CHMOD" => rest.chmod()?,
            b"HELP" => SiteCommand::Help(rest.optional_text(rest.octets)?),
            b"IDLE" => rest.site_idle()?,
            b"PARTS" => SiteCommand::Parts(rest.parts()?),
            b"SYMLINK" => SiteCommand::Symlink,
            b"UTIME" => rest.utime()?,
            b"WHO" if trim(rest.octets).is_empty() => SiteCommand::Who,
            b"WHO" => return Err(self.bad("WHO takes no argument")),
            _ => return Err(CommandError::UnknownSubcommand),
        })
    }

    fn chmod(self) -> Result<SiteCommand, CommandError> {
        let (mode, rest) = self.split_word();
        let expected = "CHMOD: expected up to four octal digits and a pathname";
        let octal = mode.len() <= 4 && mode.iter().all(|octet| matches!(octet, b'0'..=b'7'));
        let mode = std::str::from_utf8(mode).ok().filter(|_| octal);
        let mode = mode.and_then(|mode| u32::from_str_radix(mode, 8).ok());
        Ok(SiteCommand::Chmod {
            mode: mode.ok_or_else(|| self.bad(expected))?,
            name: rest.pathname()?,
        })
    }

    fn site_idle(self) -> Result<SiteCommand, CommandError> {
        let seconds = match self.ascii()? {
            "" => None,
            number => {
                let wrong = "IDLE: expected a number of seconds";
                Some(digits(number).ok_or_else(|| self.bad(wrong))?)
            }
        };
        Ok(SiteCommand::Idle(seconds))
    }

    /// `<time> <pathname>`, or `<pathname> <time> <time> <time> UTC` with the times of access,
    /// modification and change, of which only the second can be set.
    fn utime(self) -> Result<SiteCommand, CommandError> {
        let (first, rest) = self.split_word();
        if let Some(modified) = point_in_time(first) {
            let name = rest.pathname()?;
            return Ok(SiteCommand::Utime { modified, name });
        }
        let expected = "UTIME: expected YYYYMMDDhhmm[ss] and a pathname, or a pathname, three \
                        times and UTC";
        let mut words = self.octets.rsplitn(5, |octet| *octet == b' ');
        let zone = words.next().unwrap_or_default();
        let mut time = || words.next().and_then(point_in_time);
        let (changed, modified, accessed) = (time(), time(), time());
        let (Some(_), Some(modified), Some(_)) = (changed, modified, accessed) else {
            return Err(self.bad(expected));
        };
        if !zone.eq_ignore_ascii_case(b"UTC") {
            return Err(self.bad(expected));
        }
        let octets = words.next().unwrap_or_default();
        let name = Argument { octets, ..self }.pathname()?;
        Ok(SiteCommand::Utime { modified, name })
    }

    pub(super) fn mfmt(self) -> Result<(TimeVal, Pathname), CommandError> {
        let (time, rest) = self.split_word();
        let time = std::str::from_utf8(time).ok();
        let time = time.and_then(|time| time.parse().ok());
        let expected = "expected a time as YYYYMMDDhhmmss and a pathname";
        let time = time.ok_or_else(|| self.bad(expected))?;
        Ok((time, rest.pathname()?))
    }

    /// The first word, and what stands behind exactly one space after it.
    pub(super) fn split_word(self) -> (&'a [u8], Self) {
        let is_text = |octet: &u8| *octet != b' ';
        let start = self.octets.iter().position(is_text);
        let octets = start.and_then(|start| self.octets.get(start..));
        let octets = octets.unwrap_or_default();
        let mut parts = octets.splitn(2, |octet| *octet == b' ');
        let word = parts.next().unwrap_or_default();
        let octets = parts.next().unwrap_or_default();
        (word, Self { octets, ..self })
    }
}

/// A time to the second, or to the minute as UTIME also has it.
fn point_in_time(octets: &[u8]) -> Option<TimeVal> {
    let text = std::str::from_utf8(octets).ok()?;
    if text.len() == 12 {
        return format!("{text}00").parse().ok();
    }
    text.parse().ok()
}
