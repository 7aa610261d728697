//! What kind of host an address names, and which ports are of system services: what admission
//! asks about a peer (spec S-1 to S-3, S-20, S-22).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of host an address names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AddressClass {
    /// `0.0.0.0/8` or `::`: no host, which some systems take for the local one.
    Unspecified,
    /// `224.0.0.0/4` or `ff00::/8`: many hosts.
    Multicast,
    /// `255.255.255.255`: every host of the link.
    Broadcast,
    /// `127.0.0.0/8` or `::1`: the host itself.
    Loopback,
    /// `169.254.0.0/16` or `fe80::/10`: the link, and the metadata services of clouds.
    LinkLocal,
    /// `fc00::/7` or the older `fec0::/10`: private IPv6.
    UniqueLocal,
    /// `10.0.0.0/8`, `172.16.0.0/12` or `192.168.0.0/16` (RFC 1918): private IPv4.
    Private,
    /// `100.64.0.0/10` (RFC 6598): behind the NAT of a provider.
    Shared,
    /// Anything else.
    Global,
}

impl AddressClass {
    /// Whether no setting at all may admit such a host (spec S-2).
    #[must_use]
    pub fn is_never_allowed(self) -> bool {
        matches!(self, Self::Unspecified | Self::Multicast | Self::Broadcast)
    }

    /// Whether a rule admits such a third host only where it names that range itself, and not
    /// as a part of "everywhere" (spec S-3).
    #[must_use]
    pub fn needs_explicit_rule(self) -> bool {
        matches!(
            self,
            Self::Loopback | Self::LinkLocal | Self::UniqueLocal | Self::Private | Self::Shared
        )
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::UniqueLocal => "unique-local",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Global => "global",
        })
    }
}

/// The class of `host`. An IPv6 address that only wraps an IPv4 one (IPv4-mapped, IPv4-compatible,
/// 6to4, NAT64) has the class of the IPv4 address, so that no wrapping leads past a rule.
#[must_use]
pub fn address_class(host: IpAddr) -> AddressClass {
    match host {
        IpAddr::V4(host) => ipv4_class(host),
        IpAddr::V6(host) => ipv6_class(host),
    }
}

fn ipv4_class(host: Ipv4Addr) -> AddressClass {
    let [first, second, ..] = host.octets();
    if host.is_broadcast() {
        AddressClass::Broadcast
    } else if first == 0 {
        AddressClass::Unspecified
    } else if host.is_multicast() {
        AddressClass::Multicast
    } else if host.is_loopback() {
        AddressClass::Loopback
    } else if host.is_link_local() {
        AddressClass::LinkLocal
    } else if host.is_private() {
        AddressClass::Private
    } else if first == 100 && (64..128).contains(&second) {
        AddressClass::Shared
    } else {
        AddressClass::Global
    }
}

fn ipv6_class(host: Ipv6Addr) -> AddressClass {
    let [first, ..] = host.segments();
    if host.is_unspecified() {
        AddressClass::Unspecified
    } else if host.is_loopback() {
        AddressClass::Loopback
    } else if let Some(wrapped) = wrapped_ipv4(host) {
        ipv4_class(wrapped)
    } else if host.is_multicast() {
        AddressClass::Multicast
    } else if first & 0xffc0 == 0xfe80 {
        AddressClass::LinkLocal
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
        AddressClass::UniqueLocal
    } else {
        AddressClass::Global
    }
}

fn wrapped_ipv4(host: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match host.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// The least port that an unprivileged process may use. Ports below are those of system services
/// (RFC 2577 section 3): a server does not call them (spec S-1), a user is not sent to them (S-22).
pub const PORT_UNPRIVILEGED: u16 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(class: AddressClass, hosts: &[&str]) {
        for host in hosts {
            assert_eq!(address_class(host.parse().unwrap()), class, "{host}");
        }
    }

    #[test]
    fn every_address_has_its_class() {
        check(
            AddressClass::Unspecified,
            &["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"],
        );
        check(
            AddressClass::Multicast,
            &["224.0.0.1", "239.255.255.255", "ff02::1"],
        );
        check(
            AddressClass::Broadcast,
            &["255.255.255.255", "::ffff:255.255.255.255"],
        );
        check(
            AddressClass::Loopback,
            &["127.0.0.1", "127.255.255.254", "::1"],
        );
        check(
            AddressClass::LinkLocal,
            &["169.254.169.254", "fe80::1", "febf::1"],
        );
        check(
            AddressClass::UniqueLocal,
            &["fc00::1", "fdff::1", "fec0::1"],
        );
        check(
            AddressClass::Private,
            &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
        );
        check(AddressClass::Shared, &["100.64.0.1", "100.127.255.255"]);
        check(
            AddressClass::Global,
            &[
                "100.63.255.255",
                "100.128.0.0",
                "172.32.0.1",
                "198.51.100.2",
                "2001:db8::1",
            ],
        );
    }

    #[test]
    fn a_wrapped_address_has_the_class_of_what_it_wraps() {
        check(
            AddressClass::Loopback,
            &[
                "::ffff:127.0.0.1",
                "::127.0.0.1",
                "64:ff9b::7f00:1",
                "2002:7f00:1::1",
            ],
        );
        check(
            AddressClass::Private,
            &["::ffff:10.0.0.1", "64:ff9b::c0a8:1", "2002:a00:1::"],
        );
        check(AddressClass::Global, &["64:ff9b::c633:6402"]);
    }

    #[test]
    fn a_class_is_never_allowed_or_needs_a_rule_or_neither() {
        for class in [
            AddressClass::Unspecified,
            AddressClass::Multicast,
            AddressClass::Broadcast,
        ] {
            assert!(
                class.is_never_allowed() && !class.needs_explicit_rule(),
                "{class}"
            );
        }
        for host in [
            "127.0.0.1",
            "169.254.169.254",
            "fd00::1",
            "10.0.0.1",
            "100.64.0.1",
        ] {
            let class = address_class(host.parse().unwrap());
            assert!(
                !class.is_never_allowed() && class.needs_explicit_rule(),
                "{class}"
            );
        }
        let class = AddressClass::Global;
        assert!(!class.is_never_allowed() && !class.needs_explicit_rule());
    }

    #[test]
    fn a_class_is_told_by_its_name() {
        let told = |host: &str| address_class(host.parse().unwrap()).to_string();
        let hosts = ["127.0.0.1", "10.0.0.1", "100.64.0.1", "fe80::1", "8.8.8.8"];
        let names = ["loopback", "private", "shared", "link-local", "global"];
        assert_eq!(hosts.map(told), names);
    }
}
