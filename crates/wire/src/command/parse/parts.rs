//! What stands behind SITE PARTS.

use super::Argument;
use crate::address::digits;
use crate::command::{CommandError, FileHash, PartsCommand, PartsKey};

impl Argument<'_> {
    pub(super) fn parts(self) -> Result<PartsCommand, CommandError> {
        let (code, rest) = self.split_word();
        let key = || {
            let expected = "PARTS: expected the 16 hexadecimal digits of its key";
            PartsKey::parse(rest.ascii()?).ok_or_else(|| self.bad(expected))
        };
        match code.to_ascii_uppercase().as_slice() {
            b"OPEN" => rest.parts_open(),
            b"JOIN" => Ok(PartsCommand::Join(key()?)),
            b"SIZE" => Ok(PartsCommand::Size(key()?)),
            b"CLOSE" => rest.parts_close(),
            b"DROP" if rest.octets.is_empty() => Ok(PartsCommand::Drop),
            _ => Err(self.bad("PARTS: expected OPEN, JOIN, SIZE, CLOSE or DROP")),
        }
    }

    fn parts_open(self) -> Result<PartsCommand, CommandError> {
        let (octets, rest) = self.split_word();
        let octets = std::str::from_utf8(octets).ok().and_then(digits);
        let expected = "PARTS OPEN: expected the length of the file and a pathname";
        Ok(PartsCommand::Open {
            octets: octets
                .filter(|octets: &u64| *octets > 0)
                .ok_or_else(|| self.bad(expected))?,
            name: rest.pathname()?,
        })
    }

    fn parts_close(self) -> Result<PartsCommand, CommandError> {
        let mut words = self.words()?;
        let (algorithm, digest) = (words.next(), words.next());
        self.end(words)?;
        let Some(algorithm) = algorithm else {
            return Ok(PartsCommand::Close(None));
        };
        let hash = algorithm.parse().ok().zip(digest);
        let hash = hash.and_then(|(algorithm, digest)| FileHash::new(algorithm, digest));
        match hash {
            Some(hash) => Ok(PartsCommand::Close(Some(hash))),
            None => Err(self.bad("PARTS CLOSE: expected a hash and its hexadecimal digits")),
        }
    }
}
