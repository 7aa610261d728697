//! The data sockets of one session: what is reserved, and what is open. Spec 3.3, S-51.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thirdhost_proto::server::{
    Arrange, ArrangeRefusal, Arranged, Directions, Route, VirtualPath, pinned_host,
};
use thirdhost_sockets::{
    AllocateError, Allocator, Connection, Initiative, Listening, OpenError, Parity, PeerQuestion,
    Policy, Reserved,
};
use thirdhost_wire::{AcceptFilter, Direction, HostSocket, NetworkProtocol, PORT_UNPRIVILEGED};

use crate::dtp::DataConnection;
use crate::policy::ThirdPartyPolicy;
use crate::tls::{DataHandshake, TlsError};

/// At most one reservation and one open data connection (spec S-51, A-20).
#[derive(Debug, Default)]
pub(super) struct DataSockets {
    reservation: Reservation,
    open: Open,
}

/// The data connection that is there before a transfer is.
#[derive(Debug, Default)]
enum Open {
    /// None.
    #[default]
    Nothing,
    /// Kept for the next file (MODE B).
    Kept(DataConnection),
    /// Made by ESTA or ESTP; a handshake, if there is to be one, comes with the transfer.
    Early(Box<dyn Connection>),
}

/// A port of ours that is set aside. Dropping it frees the port.
#[derive(Debug, Default)]
enum Reservation {
    /// None.
    #[default]
    Nothing,
    /// LSTN, PASV, EPSV.
    Listening(Listening),
    /// SOCK.
    Held(Reserved),
}

/// What arranging a data connection depends on.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) allocator: &'a Allocator,
    pub(super) policy: &'a ThirdPartyPolicy,
    /// Our address on the control connection: where we listen and call from (spec A-25, D-5).
    pub(super) local: IpAddr,
    /// What 227 tells instead, behind NAT.
    pub(super) public: Option<IpAddr>,
}

impl DataSockets {
    /// Reserves a socket, or admits a peer; policy comes first (design D3).
    pub(super) fn arrange(
        &mut self,
        site: &Site<'_>,
        what: Arrange,
    ) -> Result<Arranged, ArrangeRefusal> {
        match what {
            Arrange::Listen {
                protocol,
                direction,
                on_held,
            } => self.listen(site, protocol, direction, on_held),
            Arrange::Hold { target } => {
                let may = site.may_call(target)?;
                let parity = Parity::opposite_of(target.port());
                let held = site
                    .allocator
                    .hold(site.local, Some(parity))
                    .map_err(no_socket)?;
                let port = held.port();
                self.reservation = Reservation::Held(held);
                Ok(Arranged::Held { port, may })
            }
            Arrange::Target { target } => Ok(Arranged::Admitted {
                may: site.may_call(target)?,
            }),
            Arrange::Pin { filter } => Ok(Arranged::Admitted {
                may: site.may_accept(filter)?,
            }),
        }
    }

    /// Opens the data connection of a transfer. Policy is asked again (spec S-15).
    ///
    /// # Cancel safety
    /// Cancel safe: nothing that was reserved is lost.
    pub(super) async fn open(
        &mut self,
        line: &Line,
        route: Route,
        direction: Direction,
    ) -> Result<DataConnection, OpenFailure> {
        if let Some(connection) = self.take_kept(line, route, direction) {
            return connection;
        }
        let connection = self.connect(line, route, direction).await?;
        line.admit_files(connection.peer())?;
        let connection = match &line.handshake {
            None => connection,
            Some(handshake) => handshake.run(connection).await?,
        };
        Ok(DataConnection::new(connection))
    }

    /// The connection kept from the file before, where the transfer goes over it.
    pub(super) fn take_kept(
        &mut self,
        line: &Line,
        route: Route,
        direction: Direction,
    ) -> Option<Result<DataConnection, OpenFailure>> {
        if route != Route::Open || !self.is_kept() {
            return None;
        }
        let Open::Kept(connection) = std::mem::take(&mut self.open) else {
            return None;
        };
        let admitted = admit(&line.policy, connection.peer(), direction)
            .and_then(|()| line.admit_files(connection.peer()));
        Some(admitted.map(|()| connection))
    }

    /// A connection that has gone through no handshake.
    async fn connect(
        &mut self,
        line: &Line,
        route: Route,
        direction: Direction,
    ) -> Result<Box<dyn Connection>, OpenFailure> {
        let (policy, timeout) = (&*line.policy, line.timeout);
        let mut connection = match (route, &mut self.reservation) {
            (Route::Open, _) => match std::mem::take(&mut self.open) {
                Open::Early(connection) => {
                    admit(policy, connection.peer(), direction)?;
                    connection
                }
                Open::Nothing | Open::Kept(_) => return Err(OpenFailure::Gone),
            },
            (Route::Accept { filter }, Reservation::Listening(listening)) => {
                listening.accept(filter, policy, direction, timeout).await?
            }
            (Route::Accept { .. }, _) => return Err(OpenFailure::Gone),
            (Route::Call { target }, Reservation::Held(held)) => {
                held.call(target, policy, direction, timeout).await?
            }
            (Route::Call { target }, _) => {
                let allocator = &line.allocator;
                allocator
                    .call_unreserved(line.local, target, policy, direction, timeout)
                    .await?
            }
        };
        // The user's own host is asked on the control connection, and may read as late as its
        // user likes. Another server that reads nothing for as long is given up too: the system
        // does not tell it from one that is gone.
        if policy.is_third_party(connection.peer().ip()) {
            connection.end_on_silence();
        }
        Ok(connection)
    }

    /// Makes the data connection ahead of a transfer: of a call, our end; of a caller, the
    /// caller's. Policy is asked again, and once more when the transfer comes.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing that was reserved is lost.
    pub(super) async fn establish(
        &mut self,
        line: &Line,
        route: Route,
        direction: Direction,
    ) -> Result<SocketAddr, OpenFailure> {
        let connection = self.connect(line, route, direction).await?;
        let socket = match route {
            Route::Call { .. } => connection.local(),
            Route::Accept { .. } | Route::Open => connection.peer(),
        };
        self.open = Open::Early(connection);
        Ok(socket)
    }

    /// Keeps a data connection for the next file (MODE B).
    pub(super) fn keep(&mut self, connection: DataConnection) {
        self.open = Open::Kept(connection);
    }

    /// Whether a data connection is kept for the next file. Nobody is accepted meanwhile: the
    /// callers are reset when it goes.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.open, Open::Kept(_))
    }

    /// No more files follow for now: what was held back for them goes.
    pub(super) fn push_out(&mut self) {
        if let Open::Kept(connection) = &mut self.open {
            connection.hold_back(false);
        }
    }

    /// Resets callers that came for a transfer that is over (spec D-12).
    pub(super) fn discard_backlog(&mut self) {
        if let Reservation::Listening(listening) = &mut self.reservation {
            listening.discard_backlog();
        }
    }

    /// Frees the reserved port.
    pub(super) fn release(&mut self) {
        self.reservation = Reservation::Nothing;
    }

    /// Closes the data connection that was kept open.
    pub(super) fn disconnect(&mut self) {
        if self.is_kept() {
            self.discard_backlog();
        }
        self.open = Open::Nothing;
    }

    fn listen(
        &mut self,
        site: &Site<'_>,
        protocol: Option<NetworkProtocol>,
        direction: Option<Direction>,
        on_held: bool,
    ) -> Result<Arranged, ArrangeRefusal> {
        let before = std::mem::take(&mut self.reservation);
        let ours = NetworkProtocol::of(site.local);
        if protocol.is_some_and(|asked| asked != ours) {
            return Err(ArrangeRefusal::Protocol(vec![ours]));
        }
        let parity = direction.map(Parity::of_listener);
        let listening = match before {
            Reservation::Held(held) if on_held => held.listen(),
            _ => site.allocator.listen(site.local, parity),
        };
        let listening = listening.map_err(no_socket)?;
        let port = listening.port();
        self.reservation = Reservation::Listening(listening);
        Ok(Arranged::Listening {
            port,
            host: site.public.unwrap_or(site.local),
        })
    }
}

impl Site<'_> {
    fn may_call(&self, target: HostSocket) -> Result<Directions, ArrangeRefusal> {
        let ours = NetworkProtocol::of(self.local);
        if NetworkProtocol::of(target.host()) != ours {
            return Err(ArrangeRefusal::Protocol(vec![ours]));
        }
        match self.policy.may_call(target) {
            may if may != Directions::default() => Ok(may),
            _ if target.port() < PORT_UNPRIVILEGED => Err(ArrangeRefusal::PrivilegedPort),
            _ => Err(ArrangeRefusal::NotPermitted),
        }
    }

    fn may_accept(&self, filter: AcceptFilter) -> Result<Directions, ArrangeRefusal> {
        let Some(host) = pinned_host(filter) else {
            return Ok(Directions::BOTH);
        };
        let ours = NetworkProtocol::of(self.local);
        if NetworkProtocol::of(host) != ours {
            return Err(ArrangeRefusal::Protocol(vec![ours]));
        }
        match self.policy.may_accept(host) {
            may if may != Directions::default() => Ok(may),
            _ => Err(ArrangeRefusal::NotPermitted),
        }
    }
}

/// What opening a data connection depends on, owned, so that a transfer can outlive a borrow.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) allocator: Allocator,
    pub(super) policy: Arc<ThirdPartyPolicy>,
    pub(super) local: IpAddr,
    pub(super) timeout: Duration,
    /// What may turn out to be transferred; nothing where the place of a refused file is filled, or
    /// where it is not known yet.
    pub(super) paths: Vec<VirtualPath>,
    /// What comes before the file where the data connection is protected.
    pub(super) handshake: Option<DataHandshake>,
}

impl Line {
    /// Whether the file may be transferred with `peer`, who is known only now where anybody
    /// could have called.
    fn admit_files(&self, peer: SocketAddr) -> Result<(), OpenFailure> {
        let protected = self.handshake.is_some();
        let admitted = self.policy.admit_files(peer.ip(), &self.paths, protected);
        admitted.map_err(|denied| OpenFailure::Open(OpenError::Denied(denied)))
    }
}

/// Why there is no data connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenFailure {
    /// What the route needs is not there any more.
    #[error("the reserved socket or the open connection is gone")]
    Gone,
    /// Calling or accepting failed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The connection is there, but not under TLS (spec S-39a).
    #[error("no TLS on the data connection: {0}")]
    Tls(#[from] TlsError),
}

/// The peer of an open connection is judged anew for every file (spec S-15).
fn admit(
    policy: &ThirdPartyPolicy,
    peer: SocketAddr,
    direction: Direction,
) -> Result<(), OpenFailure> {
    let Ok(peer) = HostSocket::try_from(peer) else {
        return Err(OpenFailure::Gone);
    };
    let question = PeerQuestion {
        initiative: Initiative::Accept,
        peer,
        direction: Some(direction),
    };
    policy
        .admit(&question)
        .map_err(|denied| OpenFailure::Open(OpenError::Denied(denied)))
}

fn no_socket(error: AllocateError) -> ArrangeRefusal {
    tracing::warn!(%error, "no data socket");
    ArrangeRefusal::NoSocket
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtp::testing::ends;

    #[test]
    fn what_was_held_back_goes_once_when_nothing_follows() {
        let (ours, _theirs, spy) = ends();
        let mut connection = DataConnection::new(Box::new(ours));
        for hold in [false, true, true] {
            connection.hold_back(hold);
        }
        let mut sockets = DataSockets::default();
        sockets.keep(connection);
        for _ in 0..2 {
            sockets.push_out();
        }
        assert_eq!(spy.held_back(), [true, false]);
    }
}
