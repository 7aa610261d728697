//! Fingerprints: what `SITE PEERCERT`, `known_servers` and a pin name a certificate by.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};

/// The SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 32]);

/// A text is no fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a SHA-256 fingerprint has 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let mut octets = [0; 32];
        let found = digest(&SHA256, der);
        octets
            .iter_mut()
            .zip(found.as_ref())
            .for_each(|(octet, found)| *octet = *found);
        Self(octets)
    }

    /// Its octets.
    #[must_use]
    pub fn octets(self) -> [u8; 32] {
        self.0
    }
}

/// 64 hexadecimal digits, as `SITE PEERCERT` takes them.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// In either case, and with the colons that `openssl x509 -fingerprint` puts in.
impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: Vec<u32> = text
            .chars()
            .filter(|&c| c != ':')
            .map(|c| c.to_digit(16).ok_or(NotAFingerprint))
            .collect::<Result<_, _>>()?;
        let octets: Vec<u8> = digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u8::try_from(high * 16 + low).map_err(|_| NotAFingerprint),
                _ => Err(NotAFingerprint),
            })
            .collect::<Result<_, _>>()?;
        octets.try_into().map(Self).map_err(|_| NotAFingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_tools_write_it_and_told_apart_from_other_texts() {
        let plain = Fingerprint::of(b"a certificate");
        let text = plain.to_string();
        assert_eq!(text.parse(), Ok(plain));
        assert_eq!(text.to_uppercase().parse(), Ok(plain));
        let octets: Vec<String> = plain.octets().iter().map(|o| format!("{o:02X}")).collect();
        assert_eq!(octets.join(":").parse(), Ok(plain));
        for wrong in ["", "00", &text[1..], &format!("{text}0"), &"g".repeat(64)] {
            assert_eq!(
                wrong.parse::<Fingerprint>(),
                Err(NotAFingerprint),
                "{wrong}"
            );
        }
    }
}
