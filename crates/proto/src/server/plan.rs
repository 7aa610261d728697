//! The data-connection plan: how the next data connection comes about. Spec 3.3.
//!
//! | event | plan afterwards |
//! |---|---|
//! | LSTN, PASV, EPSV, CPSV | `Passive`; LSTN drops an earlier SOCK, the others keep it as filter |
//! | SOCK under `Default`, `Active` | `Active` with a held port |
//! | SOCK under `Passive` | `Passive` with another filter |
//! | PORT, EPRT | `Active` without a port |
//! | transfer command in the wrong direction | unchanged (503) |
//! | transfer command refused | `Default`; in a pipeline unchanged |
//! | transfer completes | LSTN, SOCK, PORT, EPRT: unchanged; PASV, EPSV: `Default` unless open |
//! | transfer fails, ABOR | `Default` |
//! | REIN, AUTH, new USER | `Default` |

use thirdhost_wire::{AcceptFilter, Direction, HostSocket};

use super::arrange::Directions;
use super::operation::Route;

/// How the next data connection comes about; one a session (spec S-51).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Plan {
    /// Nothing is arranged. RFC 959's default ports are not used: in stream mode they cannot
    /// serve two transfers (RFC 1123 4.1.2.5), so a transfer command is answered 425.
    #[default]
    Default,
    /// We call.
    Active {
        /// Whom.
        target: HostSocket,
        /// The held port, told in the 255; none after PORT and EPRT.
        local: Option<u16>,
        /// What policy allows towards the target.
        may: Directions,
    },
    /// We listen, and accept when a transfer command comes (design D2).
    Passive {
        /// The port we listen on.
        port: u16,
        /// LSTN's direction; none after PASV and EPSV.
        direction: Option<Direction>,
        /// Who passes; none when a SOCK is still owed (`lstn_unpinned = "refuse"`).
        filter: Option<AcceptFilter>,
        /// What policy allows with the pinned peer.
        may: Directions,
        /// Which command set it up, and so how long it lasts.
        origin: PassiveOrigin,
    },
}

/// Which command made us listen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PassiveOrigin {
    /// LSTN: serves every transfer that follows (design D6, spec A-9).
    Lstn,
    /// PASV or EPSV: serves one (RFC 1123 4.1.2.6).
    Pasv,
    /// CPSV: as PASV, and we are the TLS client (spec 5.6).
    Cpsv,
}

/// What a plan allows over its data connection. A connection that MODE B keeps open has the
/// terms it was made on, also when the plan is used up (spec S-15).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Terms {
    /// LSTN's direction; none after every other command.
    pub(super) direction: Option<Direction>,
    /// What policy allows with the peer.
    pub(super) may: Directions,
}

impl Terms {
    /// Whether data may go in `direction`. LSTN's word is the nearer reason.
    pub(super) fn admit(self, direction: Direction) -> Result<(), PlanRefusal> {
        if self.direction.is_some_and(|named| named != direction) {
            Err(PlanRefusal::Direction)
        } else if self.may.allow(direction) {
            Ok(())
        } else {
            Err(PlanRefusal::NotPermitted)
        }
    }
}

/// Why a plan does not serve a transfer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlanRefusal {
    /// Nothing is arranged (425).
    Nothing,
    /// LSTN named the other direction (503; the plan stays).
    Direction,
    /// SOCK is owed first (503; the plan stays).
    Unpinned,
    /// Policy does not allow this direction with this peer (504).
    NotPermitted,
}

impl Plan {
    /// How a transfer in `direction` gets its data connection.
    pub(super) fn route(&self, direction: Direction) -> Result<Route, PlanRefusal> {
        self.terms().ok_or(PlanRefusal::Nothing)?.admit(direction)?;
        match *self {
            Self::Default => Err(PlanRefusal::Nothing),
            Self::Active { target, .. } => Ok(Route::Call { target }),
            //= rfc438#b
            //# Receipt of an appropriate STOR, RETR or APPE command following a
            //# successful LSTN command causes the server to "listen" for an RFC
            //# for the socket allocated.
            Self::Passive { filter, .. } => filter
                .map(|filter| Route::Accept { filter })
                .ok_or(PlanRefusal::Unpinned),
        }
    }

    /// What it allows; none where nothing is arranged.
    pub(super) fn terms(&self) -> Option<Terms> {
        match *self {
            Self::Default => None,
            Self::Active { may, .. } => Some(Terms {
                direction: None,
                may,
            }),
            Self::Passive { direction, may, .. } => Some(Terms { direction, may }),
        }
    }

    /// The filter that PASV and EPSV keep from an earlier SOCK (spec A-6).
    pub(super) fn filter_kept_by_pasv(&self) -> Option<(AcceptFilter, Directions)> {
        match *self {
            Self::Active {
                target,
                local: Some(_),
                may,
            } => Some((AcceptFilter::HostPort(target), may)),
            _ => None,
        }
    }

    /// Whether the plan serves another transfer after one that completed.
    pub(super) fn lasts(&self) -> bool {
        match self {
            Self::Default => false,
            Self::Active { .. } => true,
            Self::Passive { origin, .. } => *origin == PassiveOrigin::Lstn,
        }
    }

    /// One line for STAT (spec D-16).
    pub(super) fn describe(&self, open: bool) -> String {
        let state = if open { ", connection open" } else { "" };
        match self {
            Self::Default => "No data connection arranged".to_owned(),
            Self::Active {
                target,
                local: Some(port),
                ..
            } => {
                format!("Will call {target} from port {port}{state}")
            }
            Self::Active {
                target,
                local: None,
                ..
            } => format!("Will call {target}{state}"),
            Self::Passive {
                port,
                direction,
                filter,
                ..
            } => {
                let way = direction.map_or("either way", |direction| match direction {
                    Direction::Send => "to send",
                    Direction::Receive => "to receive",
                });
                let who = filter.map_or("nobody yet".to_owned(), |filter| filter.to_string());
                format!("Listening on port {port} {way}, accepting {who}{state}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn host() -> IpAddr {
        Ipv4Addr::new(192, 0, 2, 1).into()
    }

    fn peer() -> HostSocket {
        HostSocket::new(host(), 5000).unwrap()
    }

    fn lstn(direction: Option<Direction>, filter: Option<AcceptFilter>, may: Directions) -> Plan {
        Plan::Passive {
            port: 40002,
            direction,
            filter,
            may,
            origin: PassiveOrigin::Lstn,
        }
    }

    /// The table of spec 3.3 for transfer commands, row by row.
    //= rfc438#b
    //= type=test
    //# Receipt of an appropriate STOR, RETR or APPE command following a
    //# successful LSTN command causes the server to "listen" for an RFC
    //# for the socket allocated.
    #[test]
    fn a_transfer_gets_the_route_that_the_plan_and_its_direction_allow() {
        use Direction::{Receive, Send};
        let only = |send, receive| Directions { send, receive };
        let pinned = AcceptFilter::HostPort(peer());
        let accept = Ok(Route::Accept { filter: pinned });
        let active = |may| Plan::Active {
            target: peer(),
            local: Some(51003),
            may,
        };
        let cases = [
            (Plan::Default, Send, Err(PlanRefusal::Nothing)),
            (
                active(Directions::BOTH),
                Send,
                Ok(Route::Call { target: peer() }),
            ),
            (
                active(only(true, false)),
                Send,
                Ok(Route::Call { target: peer() }),
            ),
            (
                active(only(true, false)),
                Receive,
                Err(PlanRefusal::NotPermitted),
            ),
            (
                lstn(Some(Receive), Some(pinned), Directions::BOTH),
                Receive,
                accept,
            ),
            (
                lstn(Some(Send), Some(pinned), Directions::BOTH),
                Send,
                accept,
            ),
            (
                lstn(Some(Receive), Some(pinned), Directions::BOTH),
                Send,
                Err(PlanRefusal::Direction),
            ),
            (
                lstn(Some(Send), Some(pinned), Directions::BOTH),
                Receive,
                Err(PlanRefusal::Direction),
            ),
            (
                lstn(Some(Receive), Some(pinned), only(false, true)),
                Send,
                Err(PlanRefusal::Direction),
            ),
            (
                lstn(Some(Receive), Some(pinned), only(true, false)),
                Receive,
                Err(PlanRefusal::NotPermitted),
            ),
            (
                lstn(Some(Receive), None, Directions::BOTH),
                Receive,
                Err(PlanRefusal::Unpinned),
            ),
            (lstn(None, Some(pinned), Directions::BOTH), Send, accept),
            (lstn(None, Some(pinned), Directions::BOTH), Receive, accept),
        ];
        for (plan, direction, expected) in cases {
            assert_eq!(plan.route(direction), expected, "{plan:?} {direction}");
        }
    }

    #[test]
    fn lstn_sock_and_port_last_and_pasv_serves_once() {
        let passive = |origin| Plan::Passive {
            port: 1,
            direction: None,
            filter: None,
            may: Directions::BOTH,
            origin,
        };
        let active = |local| Plan::Active {
            target: peer(),
            local,
            may: Directions::BOTH,
        };
        assert!(passive(PassiveOrigin::Lstn).lasts());
        assert!(!passive(PassiveOrigin::Pasv).lasts());
        assert!(active(Some(1)).lasts());
        assert!(active(None).lasts());
        assert!(!Plan::Default.lasts());
    }

    #[test]
    fn stat_tells_each_plan_in_a_line() {
        let pinned = AcceptFilter::HostPort(peer());
        let both = Directions::BOTH;
        let active = |local| Plan::Active {
            target: peer(),
            local,
            may: both,
        };
        for (plan, open, expected) in [
            (Plan::Default, false, "No data connection arranged"),
            (
                active(Some(51003)),
                true,
                "Will call 192.0.2.1:5000 from port 51003, connection open",
            ),
            (active(None), false, "Will call 192.0.2.1:5000"),
            (
                lstn(Some(Direction::Send), None, both),
                false,
                "Listening on port 40002 to send, accepting nobody yet",
            ),
            (
                lstn(Some(Direction::Receive), Some(pinned), both),
                false,
                "Listening on port 40002 to receive, accepting 192.0.2.1:5000",
            ),
            (
                lstn(None, Some(AcceptFilter::Host(host())), both),
                false,
                "Listening on port 40002 either way, accepting 192.0.2.1, any port",
            ),
        ] {
            assert_eq!(plan.describe(open), expected);
        }
    }

    #[test]
    fn pasv_keeps_the_sock_before_it_as_filter_and_no_port_command() {
        let sock = Plan::Active {
            target: peer(),
            local: Some(1),
            may: Directions::BOTH,
        };
        let kept = Some((AcceptFilter::HostPort(peer()), Directions::BOTH));
        assert_eq!(sock.filter_kept_by_pasv(), kept);
        let port = Plan::Active {
            target: peer(),
            local: None,
            may: Directions::BOTH,
        };
        assert_eq!(port.filter_kept_by_pasv(), None);
        assert_eq!(Plan::Default.filter_kept_by_pasv(), None);
    }
}
