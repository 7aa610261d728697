//! Arguments of the security commands: AUTH, PBSZ, PROT, SSCN, SITE PEERCERT. RFC 2228
//! section 3, spec 5.6.

use super::Argument;
use crate::address;
use crate::command::{AuthMechanism, Command, CommandError, ProtectionLevel, SiteCommand, Verb};

impl<'a> Argument<'a> {
    /// The commands of RFC 2228 that RFC 4217 uses.
    pub(super) fn security(self) -> Result<Command, CommandError> {
        Ok(match self.verb {
            Verb::Auth => Command::Auth(self.mechanism()?),
            Verb::Pbsz => Command::Pbsz(self.buffer_size()?),
            Verb::Prot => Command::Prot(self.protection_level()?),
            Verb::Ccc => self.none(Command::Ccc)?,
            other => return Err(CommandError::NotImplemented(other)),
        })
    }

    /// Mechanism names are in any case (RFC 2228 section 3).
    fn mechanism(self) -> Result<AuthMechanism, CommandError> {
        let name = self.word()?;
        Ok(match name.to_ascii_uppercase().as_str() {
            "TLS" | "TLS-C" => AuthMechanism::Tls,
            "SSL" | "TLS-P" => AuthMechanism::Ssl,
            _ => AuthMechanism::Other(self.text(name.as_bytes())?),
        })
    }

    /// RFC 2228 wants 1 to 4,294,967,295; TLS takes 0 (RFC 4217 section 8).
    fn buffer_size(self) -> Result<u64, CommandError> {
        let problem = "expected a number of octets, 0 with TLS";
        let size = address::digits::<u32>(self.word()?).ok_or_else(|| self.bad(problem))?;
        Ok(size.into())
    }

    fn protection_level(self) -> Result<ProtectionLevel, CommandError> {
        let mut words = self.words()?;
        let letter = self.letter(words.next())?;
        self.end(words)?;
        match letter {
            'C' => Ok(ProtectionLevel::Clear),
            'S' => Ok(ProtectionLevel::Safe),
            'E' => Ok(ProtectionLevel::Confidential),
            'P' => Ok(ProtectionLevel::Private),
            _ => Err(self.unsupported("the levels are C and P")),
        }
    }

    pub(super) fn secured_client(self) -> Result<Option<bool>, CommandError> {
        match self.ascii()?.to_ascii_uppercase().as_str() {
            "" => Ok(None),
            "ON" => Ok(Some(true)),
            "OFF" => Ok(Some(false)),
            _ => Err(self.bad("expected ON, OFF or nothing")),
        }
    }

    /// What stands behind `SITE PEERCERT`.
    pub(super) fn peer_certificate(self) -> Result<SiteCommand, CommandError> {
        let mut words = self.words()?;
        let expected = "PEERCERT: expected SHA256 and 64 hexadecimal digits";
        let algorithm = words.next().unwrap_or_default();
        let sha256 = words.next().and_then(from_hex);
        self.end(words)?;
        match sha256 {
            Some(sha256) if algorithm.eq_ignore_ascii_case("SHA256") => {
                Ok(SiteCommand::PeerCert { sha256 })
            }
            _ => Err(self.bad(expected)),
        }
    }
}

fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let mut octets = [0; 32];
    if pairs.len() != octets.len() || !rest.is_empty() {
        return None;
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        let digit = |digit: &u8| char::from(*digit).to_digit(16);
        *octet = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    }
    Some(octets)
}
