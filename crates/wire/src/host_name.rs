//! The name of a virtual host, as HOST gives it. RFC 7151 section 3.1.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A domain name in A-labels, an IPv4 address, or an IPv6 address in brackets.
///
/// Domain names are kept in lower case: they are compared without it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HostName(Form);

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Form {
    Domain(String),
    Address(IpAddr),
}

/// The text names no host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a domain name, an IPv4 address or an IPv6 address in brackets, without a port")]
pub struct HostNameError;

impl HostName {
    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Form::Domain(_) => None,
            Form::Address(address) => Some(address),
        }
    }
}

impl From<IpAddr> for HostName {
    fn from(address: IpAddr) -> Self {
        Self(Form::Address(address))
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        if let Some(inner) = text.strip_prefix('[') {
            let literal = inner.strip_suffix(']').ok_or(HostNameError)?;
            let address = Ipv6Addr::from_str(literal).map_err(|_| HostNameError)?;
            return Ok(Self::from(IpAddr::V6(address)));
        }
        if let Ok(address) = Ipv4Addr::from_str(text) {
            return Ok(Self::from(IpAddr::V4(address)));
        }
        let last = text.rsplit('.').next().unwrap_or_default();
        // What ends in a number alone was meant as an address and is none.
        let numeric = last.bytes().all(|octet| octet.is_ascii_digit());
        if numeric || text.len() > DOMAIN_BYTES_MAX || !text.split('.').all(is_label) {
            return Err(HostNameError);
        }
        Ok(Self(Form::Domain(text.to_ascii_lowercase())))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Domain(name) => f.write_str(name),
            Form::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Form::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn is_label(label: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 1035 section 2.3.4.
const LABEL_BYTES_MAX: usize = 63;
const DOMAIN_BYTES_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_domain_or_an_address() {
        let check = |text: &str, shown: &str, address: Option<&str>| {
            let host: HostName = text.parse().unwrap();
            assert_eq!(host.to_string(), shown, "{text}");
            assert_eq!(
                host.address(),
                address.map(|a| a.parse().unwrap()),
                "{text}"
            );
            assert_eq!(shown.parse(), Ok(host));
        };
        check("ftp.Example.ORG", "ftp.example.org", None);
        check("localhost", "localhost", None);
        check("xn--bcher-kva.example", "xn--bcher-kva.example", None);
        check("192.0.2.1", "192.0.2.1", Some("192.0.2.1"));
        check("[2001:DB8::1]", "[2001:db8::1]", Some("2001:db8::1"));
        check(&"a".repeat(63), &"a".repeat(63), None);
        let longest = format!("{}b", "a.".repeat(126));
        assert_eq!(longest.len(), 253);
        check(&longest, &longest, None);
    }

    #[test]
    fn other_text_is_no_host() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "-a",
            "a-",
            "a_b",
            "bücher.example",
            "example.org:21",
            "192.0.2.1:21",
            "192.0.2",
            "192.0.2.256",
            "2001:db8::1",
            "[2001:db8::1",
            "[2001:db8::1]:21",
            "[192.0.2.1]",
            "[]",
            "a b",
            &"a".repeat(64),
            &"a.".repeat(127),
            &format!("{}bc", "a.".repeat(126)),
            &format!("{}bc", "a.".repeat(127)),
        ] {
            assert_eq!(text.parse::<HostName>(), Err(HostNameError), "{text}");
        }
    }
}
