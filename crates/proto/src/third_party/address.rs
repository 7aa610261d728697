//! Addresses told by a server are not passed on unasked. Spec S-20, S-22, U-7.

use std::net::IpAddr;

use thirdhost_wire::{AddressClass, HostSocket, PORT_UNPRIVILEGED, address_class};

/// Why an address is not passed on to the other server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressRefused {
    /// It names a third host: passing it on would let this server aim the other one.
    #[error("{told} is not its own address {own}; it is not passed on unless the site is trusted")]
    Foreign {
        /// What it told.
        told: IpAddr,
        /// Where we reach it.
        own: IpAddr,
    },
    /// The port belongs to a system service.
    #[error("port {0} is below {PORT_UNPRIVILEGED}")]
    LowPort(u16),
}

/// The address to give the connector for a passive address `told` by a server reached at `own`.
///
/// A private or unroutable address is that of a server behind NAT and is replaced by `own`; any
/// other foreign address is believed only if `trusted`.
///
/// # Errors
/// [`AddressRefused`]: the address must go to nobody.
pub fn passive_address(
    told: HostSocket,
    own: IpAddr,
    trusted: bool,
    low_ports: bool,
) -> Result<HostSocket, AddressRefused> {
    let own = own.to_canonical();
    if told.port() < PORT_UNPRIVILEGED && !low_ports {
        return Err(AddressRefused::LowPort(told.port()));
    }
    if told.host() == own || trusted {
        return Ok(told);
    }
    // SECURITY: a server that names a third host here would make the other one call it.
    if !is_unroutable(told.host()) {
        return Err(AddressRefused::Foreign {
            told: told.host(),
            own,
        });
    }
    HostSocket::new(own, told.port()).ok_or(AddressRefused::LowPort(0))
}

/// Whether an address means nothing to a stranger: private, shared, loopback, link-local,
/// unspecified, multicast, broadcast, or for documentation.
#[must_use]
pub fn is_unroutable(host: IpAddr) -> bool {
    let documents = matches!(host.to_canonical(), IpAddr::V4(host) if host.is_documentation());
    documents || address_class(host) != AddressClass::Global
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(told: &str, own: &str, trusted: bool, expected: Result<&str, &str>) {
        let told = HostSocket::try_from(told.parse::<std::net::SocketAddr>().unwrap()).unwrap();
        let found = passive_address(told, own.parse().unwrap(), trusted, false);
        let found = found
            .map(|address| address.to_string())
            .map_err(|refused| match refused {
                AddressRefused::Foreign { .. } => "foreign",
                AddressRefused::LowPort(_) => "low port",
            });
        let expected = expected.map(str::to_owned);
        assert_eq!(found, expected, "{told} from {own}");
    }

    //= security#S-20
    //= type=test
    #[test]
    fn a_foreign_address_is_replaced_if_unroutable_and_refused_otherwise() {
        check(
            "203.0.113.7:40000",
            "203.0.113.7",
            false,
            Ok("203.0.113.7:40000"),
        );
        check("10.0.0.5:40000", "8.8.8.8", false, Ok("8.8.8.8:40000"));
        check("192.168.1.1:40000", "8.8.8.8", false, Ok("8.8.8.8:40000"));
        check("127.0.0.1:40000", "8.8.8.8", false, Ok("8.8.8.8:40000"));
        check("0.0.0.0:40000", "8.8.8.8", false, Ok("8.8.8.8:40000"));
        check("100.64.1.1:40000", "8.8.8.8", false, Ok("8.8.8.8:40000"));
        check(
            "169.254.169.254:40000",
            "8.8.8.8",
            false,
            Ok("8.8.8.8:40000"),
        );
        check(
            "10.0.0.5:40000",
            "2001:db8::1",
            false,
            Ok("[2001:db8::1]:40000"),
        );
        check("9.9.9.9:40000", "8.8.8.8", false, Err("foreign"));
        check("9.9.9.9:40000", "127.0.0.1", false, Err("foreign"));
        check("9.9.9.9:40000", "8.8.8.8", true, Ok("9.9.9.9:40000"));
    }

    //= security#S-22
    //= type=test
    #[test]
    fn a_port_below_1024_is_refused_even_of_a_trusted_server() {
        check("8.8.8.8:25", "8.8.8.8", false, Err("low port"));
        check("8.8.8.8:1023", "8.8.8.8", true, Err("low port"));
        check("8.8.8.8:1024", "8.8.8.8", false, Ok("8.8.8.8:1024"));
        check("10.0.0.1:22", "8.8.8.8", false, Err("low port"));
    }
}
