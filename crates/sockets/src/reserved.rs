//! A port held for calls: the number told in the 255 reply to SOCK (design D3, D4).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thirdhost_wire::{Direction, HostSocket};

use crate::allocator::BACKLOG;
use crate::call::Call;
use crate::{AllocateError, Connection, Held, Listening, OpenError, Policy, PortLease, World};

/// A port that stays ours from SOCK to the end of the arrangement. Dropping it frees the port;
/// connections made from it live on.
#[derive(Debug)]
pub struct Reserved {
    // Closed before the lease ends: fields are dropped in this order.
    held: Box<dyn Held>,
    lease: PortLease,
    world: World,
}

impl Reserved {
    pub(crate) fn new(held: Box<dyn Held>, lease: PortLease, world: World) -> Self {
        Self { held, lease, world }
    }

    /// Listens on the held port instead of calling from it: PASV after SOCK (spec A-6).
    ///
    /// # Errors
    /// When the system refuses; the port is then free again.
    pub fn listen(self) -> Result<Listening, AllocateError> {
        let Self { held, lease, world } = self;
        let local = held.local();
        let listen = || world.network.listen(local, BACKLOG);
        // Linux lets a held port listen, so that it is ours all the time; others have to let it
        // go for a moment. The lease keeps the rest of this process away.
        let listener = match listen() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                drop(held);
                listen()
            }
            result => result,
        };
        let listener = listener.map_err(|source| AllocateError::Io {
            local: local.ip(),
            source,
        })?;
        Ok(Listening::new(listener, lease, world.clock))
    }

    /// Calls `target` from exactly the held port. Policy is asked before each attempt; a
    /// refused attempt is repeated after 100 ms, doubling to 1 s, until `timeout` (spec D-7). An
    /// earlier connection between the same two sockets is given 2.5 s to be gone (design D6).
    ///
    /// # Cancel safety
    /// Dropping the future gives the attempt up; the port stays held.
    ///
    /// # Errors
    /// When policy forbids the target, when the time is up, or when the system refuses for a
    /// reason that another attempt would not mend.
    //= rfc438#d.1
    //# This is to allow the user to
    //# transmit the server's response to the program at the third
    //# site
    pub async fn call(
        &self,
        target: HostSocket,
        policy: &dyn Policy,
        direction: Direction,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, OpenError> {
        let local = self.held.local();
        let world = &self.world;
        let call = Call {
            world,
            local: local.ip(),
            target,
            policy,
            direction,
            timeout,
            repeats_refused: true,
        };
        call.run(|| (Some(local), None)).await
    }

    /// The held port, never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.held.local().port()
    }

    /// The held address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.held.local()
    }
}
