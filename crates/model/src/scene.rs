//! What is given in one walk: who listens, where the intruder has an account, what is broken.

use std::fmt;
use std::net::IpAddr;

use thirdhost_proto::third_party::Side;
use thirdhost_server::accounts::ThirdPartyGrant;
use thirdhost_server::policy::ThirdPartyPolicy;

use crate::network::{INTRUDER, USER, host};
use crate::session::{INTRUDERS, SESSIONS, side};

/// One way to set the model up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scene {
    /// Which of the two servers gets LSTN.
    pub listener: Side,
    /// Whether all connections are under TLS, with SITE PEERCERT at both ends. The intruder may
    /// then also take the servers' own addresses.
    pub tls: bool,
    /// At which server the intruder has an account, and a session.
    pub account: Side,
    /// How many files go over the one arrangement.
    pub files: u8,
    /// How much the intruder and mischance may do.
    pub bounds: Bounds,
    /// What of the protection is taken away, to see that it is missed.
    pub sabotage: Option<Sabotage>,
}

/// How often each thing may happen in one course of events.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Bounds {
    /// Connections cut, sessions lost, a user who dies or vanishes, a store that refuses.
    pub losses: u8,
    /// Calls of the intruder to listening sockets, and addresses it takes.
    pub calls: u8,
    /// Commands of the intruder in its own session.
    pub commands: u8,
}

/// A protection that is taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sabotage {
    /// Whoever calls first is let in.
    PinsOff,
    /// The pin names a host alone, and no port.
    HostAlone,
    /// `Effect::Release` is not carried out.
    ForgottenRelease,
    /// A stranger who calls ends the wait.
    StrangerEndsWait,
    /// A number that was given back can be given out at once.
    NumbersDoNotRest,
    /// Nobody looks at certificates.
    CertificateUnseen,
    /// Who says nothing any more is waited for without end.
    SilenceForGood,
}

impl Scene {
    /// Every way, within these bounds.
    pub fn all(files: u8, bounds: Bounds) -> impl Iterator<Item = Self> {
        let sides = |listener| Side::BOTH.map(|account| (listener, account));
        let places = Side::BOTH.into_iter().flat_map(sides);
        places.flat_map(move |(listener, account)| {
            [false, true].map(|tls| Self {
                listener,
                tls,
                account,
                files,
                bounds,
                sabotage: None,
            })
        })
    }

    pub(crate) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// Where a session is.
    pub(crate) fn side(&self, session: usize) -> Side {
        side(session, self.account)
    }

    /// The address of the server at which a session is.
    pub(crate) fn host(&self, session: usize) -> IpAddr {
        host(self.side(session))
    }

    /// The rules of each session: every user may meet all third hosts, the intruder too.
    pub(crate) fn policies(&self) -> Vec<ThirdPartyPolicy> {
        let everywhere = || vec!["0.0.0.0/0".parse().expect("a network")];
        let grant = || ThirdPartyGrant {
            send_to: everywhere(),
            receive_from: everywhere(),
            ..Default::default()
        };
        let of = |session| {
            let user = if session == INTRUDERS { INTRUDER } else { USER };
            ThirdPartyPolicy::new(user, [self.host(session)], Some(grant()))
        };
        SESSIONS.map(of).into()
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bounds {
            losses,
            calls,
            commands,
        } = self.bounds;
        let (listener, account, files) = (self.listener, self.account, self.files);
        let tls = if self.tls { "TLS" } else { "clear" };
        write!(
            f,
            "{files} in {tls}, {listener} listens, account at {account}; "
        )?;
        write!(f, "{losses} losses, {calls} calls, {commands} commands")
    }
}
