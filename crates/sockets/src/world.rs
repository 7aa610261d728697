//! The narrow door to network, clock, chance and threads (design D13).
//!
//! Everything above this file reaches the outside through these traits, so that whole systems
//! run in a simulated world with the same code. `real.rs` puts tokio and the kernel behind them.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::Lent;

/// Where a process lives: its network, its clock, its source of chance and its threads.
#[derive(Clone, Debug)]
pub struct World {
    /// TCP.
    pub network: Arc<dyn Network>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable numbers.
    pub random: Arc<dyn Random>,
    /// Where work is done that takes long.
    pub threads: Arc<dyn Threads>,
}

/// TCP as FTP needs it: bind before connect, and a number held without a listener.
pub trait Network: fmt::Debug + Send + Sync {
    /// Binds and listens at once (design D2). Port 0 lets the system choose.
    ///
    /// # Errors
    /// Whatever the system says, `AddrInUse` above all.
    fn listen(&self, local: SocketAddr, backlog: u32) -> io::Result<Box<dyn Listener>>;

    /// Binds without listening: the placeholder that keeps a port ours (spec D-5).
    ///
    /// # Errors
    /// Whatever the system says, `AddrInUse` above all.
    fn hold(&self, local: SocketAddr) -> io::Result<Box<dyn Held>>;

    /// Whether `host` is an address of this host: one that can be bound. When the system cannot
    /// tell, because it has no descriptor left say, it may be.
    fn is_local(&self, host: IpAddr) -> bool {
        use io::ErrorKind::{AddrNotAvailable, InvalidInput, Unsupported};
        // SECURITY: a server that is short of descriptors must not take itself for a third host
        // (spec S-3).
        match self.hold(SocketAddr::new(host, 0)) {
            Ok(_) => true,
            Err(error) => ![AddrNotAvailable, InvalidInput, Unsupported].contains(&error.kind()),
        }
    }

    /// Calls `peer`, once. As one that was accepted, the connection is at first one that is
    /// [reset on death](Connection::reset_on_death). With `from` the call leaves from exactly
    /// that address and port, which a [`Held`] may be holding (spec D-6); with port 0 or none the
    /// system chooses.
    ///
    /// # Errors
    /// Whatever the system says; `ConnectionRefused` is worth another attempt (spec D-7).
    fn call(
        &self,
        from: Option<SocketAddr>,
        peer: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>>;
}

/// A listening socket. Dropping it closes it and resets what waits in its backlog.
pub trait Listener: fmt::Debug + Send + Sync {
    /// The address it listens on.
    fn local(&self) -> SocketAddr;

    /// Waits for a caller. What is accepted is at first [reset on
    /// death](Connection::reset_on_death), and where it is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future loses no caller.
    ///
    /// # Errors
    /// Whatever the system says.
    fn accept(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>>;

    /// Takes a caller that already waits, if there is one (spec D-12).
    fn accept_waiting(&self) -> Option<Box<dyn Connection>>;
}

/// A bound socket that neither listens nor calls. Dropping it frees the port.
pub trait Held: fmt::Debug + Send + Sync {
    /// The address it holds.
    fn local(&self) -> SocketAddr;
}

/// An open TCP connection, or what a simulation puts in its place.
pub trait Connection: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {
    /// The far end.
    fn peer(&self) -> SocketAddr;

    /// Our end.
    fn local(&self) -> SocketAddr;

    /// Closes at once so that the far end sees a reset, not an orderly end (spec D-10).
    fn reset(self: Box<Self>);

    /// Whether the far end sees a reset, not an orderly end, should the connection be dropped or
    /// this process die now: the system closes what a killed process leaves, and in MODE S an
    /// orderly end is the end of the file (spec M-14). So it is from the first on, until it is
    /// told otherwise. Transports that cannot do it need not.
    fn reset_on_death(&mut self, reset: bool) {
        let _unused = reset;
    }

    /// Whether what is written may wait a moment for what is written next, so that more of it
    /// goes at once: short files, one behind the other. Whoever says so says the contrary before
    /// he waits for anything. Transports that cannot do it need not.
    fn hold_back(&mut self, hold: bool) {
        let _unused = hold;
    }

    /// From now on a far end that answers nothing any more, not even what its system answers by
    /// itself, ends the connection within [`SILENCE_MAX`](crate::SILENCE_MAX), also when nothing
    /// is to be sent: a host that was cut off or lost its power says no farewell. A far end that
    /// does not read for so long ends it too, so it is for connections whose other end always
    /// does. Transports that cannot do it need not.
    fn end_on_silence(&mut self) {}

    /// Whether the far end has closed or reset it, as far as the system knows, also where octets
    /// that came before have not been read: nobody waits for what they ask for. Transports that
    /// cannot tell say no; then it shows when all has been read.
    fn has_ended(&self) -> bool {
        false
    }

    /// Takes the connection out of the runtime, for a thread that may block: reading there takes
    /// one thread where the runtime and a store take two. Until it is [given
    /// back](Self::take_back), it can only be reset, and all else fails. `None` where that cannot
    /// be done, or not now.
    fn lend(&mut self) -> Option<Lent> {
        None
    }

    /// Takes back what [`lend`](Self::lend) gave.
    ///
    /// # Errors
    /// When the runtime cannot watch it any more.
    fn take_back(&mut self, lent: Lent) -> io::Result<()> {
        drop(lent);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends `length` bytes of `file` from `offset` on; returns how many went out, fewer only
    /// where the file ended. [`copy_file`](crate::copy_file) does it by copying; TCP on
    /// Linux uses `sendfile` (design D9).
    ///
    /// # Cancel safety
    /// Not cancel safe: an unknown part has been sent when the future is dropped.
    fn send_file<'a>(
        &'a mut self,
        file: &'a Arc<File>,
        offset: u64,
        length: u64,
    ) -> BoxFuture<'a, io::Result<u64>>;
}

/// Time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// The time of day, for file times and logs.
    fn wall(&self) -> SystemTime;

    /// Returns after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Unpredictable numbers (spec S-16).
pub trait Random: fmt::Debug + Send + Sync {
    /// A number from 0 to `bound - 1`, each as likely; 0 when `bound` is 0.
    fn below(&self, bound: u32) -> u32;
}

/// Threads for work that takes long, so that nothing else has to wait for it.
pub trait Threads: fmt::Debug + Send + Sync {
    /// Begins `work`, which is done to its end.
    fn start(&self, work: Box<dyn FnOnce() + Send>);
}

impl dyn Threads + '_ {
    /// Has `work` done where it holds nobody up, and waits for what comes out; `None` when it
    /// did not come to its end.
    ///
    /// # Cancel safety
    /// May be dropped; work that has begun goes on, and what comes out is lost.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        self.start(Box::new(move || drop(tell.send(work()))));
        told.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::fake::{Outcome, Script, ip, socket};

    use super::*;

    fn check(refused: Option<io::ErrorKind>, is_local: bool) {
        let script = Script {
            refused,
            ..Script::default()
        };
        let (world, _) = script.world();
        assert_eq!(world.network.is_local(ip(1)), is_local, "{refused:?}");
    }

    #[tokio::test]
    async fn a_transport_that_cannot_tell_does_not_take_the_far_end_for_gone() {
        let (world, _) = Script::of_calls([Outcome::Answered]).world();
        let called = world.network.call(None, socket(2, 40_002)).await.unwrap();
        assert!(!called.has_ended());
    }

    // S-3
    #[test]
    fn an_address_is_taken_for_our_own_where_the_system_cannot_tell() {
        let no_descriptor = io::Error::from_raw_os_error(24).kind();
        check(None, true);
        check(Some(io::ErrorKind::AddrNotAvailable), false);
        check(Some(io::ErrorKind::Unsupported), false);
        check(Some(no_descriptor), true);
        check(Some(io::ErrorKind::OutOfMemory), true);
    }
}
