//! The arguments of commands that are younger than RFC 959.

use super::{Argument, trim};
use crate::address::digits;
use crate::command::{Command, CommandError, Verb};
use crate::{ByteRange, ChecksumCommand, FactsError, FactsLine, HostName, Text};

impl Argument<'_> {
    pub(super) fn host(self) -> Result<HostName, CommandError> {
        let expected = "expected a domain name or an address literal, without a port";
        self.word()?.parse().map_err(|_| self.bad(expected))
    }

    /// RFC 5646 in the coarse grain of RFC 2640: subtags of letters and digits.
    pub(super) fn language(self) -> Result<Option<Text>, CommandError> {
        if trim(self.octets).is_empty() {
            return Ok(None);
        }
        let tag = self.word()?;
        let is_subtag = |subtag: &str| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if !tag.split('-').all(is_subtag) {
            return Err(self.bad("expected a language tag such as EN"));
        }
        self.text(tag.as_bytes()).map(Some)
    }

    /// `Name=x; Version=y;`: items of a name and a value, of which one is `Name`.
    pub(super) fn client_identity(self) -> Result<Text, CommandError> {
        let text = self.some_text("expected Name=...; Version=...;")?;
        let mut items = text.as_str().split(';').map(str::trim);
        let proper = |item: &str| {
            item.split_once('=')
                .is_some_and(|(name, _)| !name.is_empty())
        };
        let named = text.as_str().split(';').any(|item| {
            let name = item.split_once('=').map(|(name, _)| name.trim());
            name.is_some_and(|name| name.eq_ignore_ascii_case("Name"))
        });
        if !named || !items.all(|item| item.is_empty() || proper(item)) {
            return Err(self.bad("expected Name=...; Version=...;"));
        }
        Ok(text)
    }

    pub(super) fn pret(self) -> Result<Command, CommandError> {
        let text = self.some_text("expected a command, with its argument")?;
        let code = text.as_str().split(' ').next().unwrap_or_default();
        if Verb::from_code(code.as_bytes()).is_none() {
            return Err(self.unsupported("the command named is not one of this server"));
        }
        Ok(Command::Pret(text))
    }

    pub(super) fn checksum(self, command: ChecksumCommand) -> Result<Command, CommandError> {
        Ok(Command::Checksum(command, self.pathname()?))
    }

    /// `RANG 1 0` takes the range back.
    pub(super) fn range(self) -> Result<Option<ByteRange>, CommandError> {
        let expected = "expected the first and the last octet, or 1 0 for all";
        let mut words = self.words()?;
        let mut number = || {
            let word = words.next().unwrap_or_default();
            digits(word).ok_or_else(|| self.bad(expected))
        };
        let (first, last) = (number()?, number()?);
        self.end(words)?;
        if (first, last) == (1, 0) {
            return Ok(None);
        }
        let range = ByteRange::new(first, last).ok_or_else(|| self.bad(expected))?;
        Ok(Some(range))
    }

    pub(super) fn facts(self) -> Result<FactsLine, CommandError> {
        FactsLine::parse(self.octets).map_err(|error| match error {
            FactsError::NotUtf8 => CommandError::NotUtf8(self.verb),
            _ => self.bad("expected fact=value;... and, behind one space, a pathname"),
        })
    }

    pub(super) fn switch(self) -> Result<bool, CommandError> {
        match self.word()? {
            word if word.eq_ignore_ascii_case("ON") => Ok(true),
            word if word.eq_ignore_ascii_case("OFF") => Ok(false),
            _ => Err(self.bad("expected ON or OFF")),
        }
    }

    /// RFC 6384 section 11.
    pub(super) fn gateway_request(self) -> Result<Text, CommandError> {
        let word = self.word()?.to_ascii_uppercase();
        if !matches!(word.as_str(), "STATUS64" | "ENABLE64" | "DISABLE64") {
            return Err(self.bad("expected STATUS64, ENABLE64 or DISABLE64"));
        }
        self.text(word.as_bytes())
    }

    pub(super) fn some_text(self, missing: &'static str) -> Result<Text, CommandError> {
        self.optional_text(self.octets)?
            .ok_or_else(|| self.bad(missing))
    }
}
