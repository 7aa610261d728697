//! The passive side: waits for the one caller that the filter names (spec D-10 to D-12).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thirdhost_wire::{AcceptFilter, Direction, HostSocket};
use tracing::warn;

use crate::{
    Clock, Connection, Denied, Initiative, Listener, OpenError, PeerQuestion, Policy, PortLease,
};

/// A listening data socket: the number told in the 255 reply to LSTN, in 227 or in 229.
/// Dropping it closes the socket and resets who waits.
#[derive(Debug)]
pub struct Listening {
    // Closed before the lease ends: fields are dropped in this order.
    listener: Box<dyn Listener>,
    _lease: PortLease,
    clock: Arc<dyn Clock>,
}

impl Listening {
    pub(crate) fn new(
        listener: Box<dyn Listener>,
        lease: PortLease,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            listener,
            _lease: lease,
            clock,
        }
    }

    /// Waits for a caller that passes `filter` and that `policy` admits. A caller that called
    /// before this wait counts too (spec A-22).
    ///
    /// A caller that does not pass is reset; not a byte is read from it or written to it, and
    /// the wait goes on (design D2). A caller that passes a filter naming its host, but that
    /// policy forbids, ends the wait: nobody else can come.
    ///
    /// # Cancel safety
    /// Dropping the future loses no caller that passes.
    ///
    /// # Errors
    /// When the time is up, when more than [`REJECTED_MAX`] callers were rejected, when policy
    /// forbids the caller the filter names, or when the system refuses.
    //= rfc438#b
    //# causes the server to "listen" for an RFC
    //# for the socket allocated.
    pub async fn accept(
        &mut self,
        filter: AcceptFilter,
        policy: &dyn Policy,
        direction: Direction,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, OpenError> {
        let mut rejected = 0;
        tokio::select! {
            biased;
            accepted = self.admitted(filter, policy, direction, &mut rejected) => accepted,
            () = self.clock.sleep(timeout) => {
                Err(OpenError::TimedOut { after: timeout, rejected })
            }
        }
    }

    /// Resets every caller that waits, and says how many there were. Whoever called for an
    /// earlier transfer must not be taken for the next one's peer (spec D-12).
    pub fn discard_backlog(&mut self) -> usize {
        let waiting = std::iter::from_fn(|| self.listener.accept_waiting());
        // A caller may come as fast as one is discarded; the queue is never longer than this.
        waiting.take(DISCARDED_MAX).map(Connection::reset).count()
    }

    /// The port, never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.local().port()
    }

    /// The address it listens on.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.listener.local()
    }

    async fn admitted(
        &self,
        filter: AcceptFilter,
        policy: &dyn Policy,
        direction: Direction,
        rejected: &mut u32,
    ) -> Result<Box<dyn Connection>, OpenError> {
        loop {
            let caller = self.listener.accept().await.map_err(OpenError::Accept)?;
            let Err(reason) = examine(caller.peer(), filter, policy, direction) else {
                return Ok(caller);
            };
            let (peer, local) = (caller.peer(), caller.local());
            caller.reset();
            *rejected += 1;
            warn!(%peer, %local, %filter, %reason, rejected, "caller rejected");
            match reason {
                Rejection::Denied(denied) if filter != AcceptFilter::Any => {
                    return Err(denied.into());
                }
                _ if *rejected > REJECTED_MAX => {
                    let (rejected, expected) = (*rejected, filter.to_string());
                    return Err(OpenError::TooManyStrangers { rejected, expected });
                }
                _ => {}
            }
        }
    }
}

/// Why a caller was reset. The text is for the log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The filter names another peer.
    #[error("not the peer the filter names")]
    Stranger,
    /// The filter lets it pass, and policy does not.
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// Judges a caller, as [`Listening::accept`] judges each: by the filter, then by policy.
///
/// # Errors
/// Why it is to be reset.
// SECURITY: the filter is what keeps a port thief out (spec S-18); policy is asked again because
// it may have been reloaded since the command that named the peer (spec S-15).
//= rfc438#c
//# accept an RFC for the
//# listening socket only if it is from a specified host and socket.
pub fn examine(
    peer: SocketAddr,
    filter: AcceptFilter,
    policy: &dyn Policy,
    direction: Direction,
) -> Result<(), Rejection> {
    let caller = HostSocket::try_from(peer).map_err(|_| Rejection::Stranger)?;
    if !filter.accepts(peer) {
        return Err(Rejection::Stranger);
    }
    let (initiative, direction) = (Initiative::Accept, Some(direction));
    Ok(policy.admit(&PeerQuestion {
        initiative,
        peer: caller,
        direction,
    })?)
}

/// How many callers one wait rejects before it is given up: a thief who calls on and on must not
/// hold a session for ever (spec D-11, S-52).
pub const REJECTED_MAX: u32 = 32;

/// How many waiting callers are discarded at once.
const DISCARDED_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Admits, Script, ip, socket};
    use crate::{Allocator, Fault, PortPool};

    const MINUTE: Duration = Duration::from_mins(1);

    fn listening(callers: impl IntoIterator<Item = SocketAddr>) -> (Listening, Arc<Script>) {
        let (world, script) = Script::of_callers(callers).world();
        let allocator = Allocator::new(world, PortPool::new(40_002..=40_002));
        (allocator.listen(ip(1), None).unwrap(), script)
    }

    fn strangers(count: u16) -> Vec<SocketAddr> {
        (0..count)
            .map(|number| socket(66, 1_024 + number))
            .collect()
    }

    fn pin() -> AcceptFilter {
        AcceptFilter::HostPort(HostSocket::new(ip(2), 51_003).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn the_expected_caller_comes_through_behind_as_many_strangers_as_are_forgiven() {
        let mut callers = strangers(32);
        callers.push(socket(2, 51_003));
        let (mut listening, script) = listening(callers);
        let accepted = listening
            .accept(pin(), &Admits::all(), Direction::Receive, MINUTE)
            .await;
        assert_eq!(accepted.unwrap().peer(), socket(2, 51_003));
        assert_eq!(*script.reset.lock().unwrap(), strangers(32));
    }

    //= security#S-52
    //= type=test
    #[tokio::test(start_paused = true)]
    async fn one_stranger_more_ends_the_wait() {
        let (mut listening, script) = listening(strangers(40));
        let accepted = listening
            .accept(pin(), &Admits::all(), Direction::Receive, MINUTE)
            .await;
        let error = accepted.unwrap_err();
        assert_eq!(
            error.to_string(),
            "33 callers other than 192.0.2.2:51003 in one wait"
        );
        assert_eq!(error.fault(), Fault::Remote);
        assert_eq!(*script.reset.lock().unwrap(), strangers(33));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_its_time_is_up() {
        let began = tokio::time::Instant::now();
        let (mut listening, _) = listening(strangers(2));
        let accepted = listening
            .accept(pin(), &Admits::all(), Direction::Receive, MINUTE)
            .await;
        let error = accepted.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no data connection within 60s (2 callers rejected)"
        );
        assert_eq!(began.elapsed().as_secs(), MINUTE.as_secs());
    }

    //= security#S-15
    //= type=test
    #[tokio::test(start_paused = true)]
    async fn policy_is_asked_about_the_caller_that_passes_and_about_no_stranger() {
        let (mut listening, script) = listening([socket(66, 1_024), socket(2, 51_003)]);
        let policy = Admits::first(0);
        let accepted = listening
            .accept(pin(), &policy, Direction::Receive, MINUTE)
            .await;
        assert!(matches!(
            accepted,
            Err(OpenError::Denied(Denied::NotGranted { .. }))
        ));
        let (initiative, direction) = (Initiative::Accept, Some(Direction::Receive));
        let peer = HostSocket::new(ip(2), 51_003).unwrap();
        assert_eq!(
            *policy.asked.lock().unwrap(),
            [PeerQuestion {
                initiative,
                peer,
                direction
            }]
        );
        assert_eq!(script.reset.lock().unwrap().len(), 2);
    }

    //= security#S-19
    //= type=test
    #[tokio::test(start_paused = true)]
    async fn a_forbidden_caller_ends_no_wait_that_is_open_to_others() {
        let (mut listening, _) = listening(strangers(3));
        let (any, policy) = (AcceptFilter::Any, Admits::first(0));
        let accepted = listening
            .accept(any, &policy, Direction::Receive, MINUTE)
            .await;
        assert!(matches!(
            accepted,
            Err(OpenError::TimedOut { rejected: 3, .. })
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn a_discarded_backlog_is_reset_and_counted() {
        let (mut listening, script) = listening(strangers(5));
        assert_eq!(listening.discard_backlog(), 5);
        assert_eq!(*script.reset.lock().unwrap(), strangers(5));
        assert_eq!(listening.discard_backlog(), 0);
    }
}
