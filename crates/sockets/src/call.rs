//! The active side: policy, then calls until one is answered or the time is up (spec D-6, D-7).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use thirdhost_wire::{Direction, HostSocket};

use crate::{Connection, Initiative, OpenError, PeerQuestion, Policy, PortLease, World};

/// One wish to reach `target`.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    pub(crate) local: IpAddr,
    pub(crate) target: HostSocket,
    pub(crate) policy: &'a dyn Policy,
    pub(crate) direction: Direction,
    pub(crate) timeout: Duration,
    /// Who refuses may only not listen yet.
    pub(crate) repeats_refused: bool,
}

/// Where an attempt leaves from, and the lease that lasts as long as the attempt.
pub(crate) type Origin = (Option<SocketAddr>, Option<PortLease>);

impl Call<'_> {
    /// Calls until the target answers. `from` is asked before each attempt.
    pub(crate) async fn run(
        &self,
        from: impl Fn() -> Origin + Send,
    ) -> Result<Box<dyn Connection>, OpenError> {
        let mut refused = false;
        tokio::select! {
            biased;
            opened = self.attempts(from, &mut refused) => opened,
            () = self.world.clock.sleep(self.timeout) => Err(self.timed_out(refused)),
        }
    }

    async fn attempts(
        &self,
        from: impl Fn() -> Origin + Send,
        refused: &mut bool,
    ) -> Result<Box<dyn Connection>, OpenError> {
        let mut after_refusal = Backoff {
            next: REFUSED_FIRST,
            max: REFUSED_MAX,
        };
        let mut after_busy = Backoff {
            next: BUSY_FIRST,
            max: BUSY_MAX,
        };
        loop {
            self.ask_policy()?;
            let (address, _lease) = from();
            let source = match self
                .world
                .network
                .call(address, self.target.address())
                .await
            {
                Ok(connection) => return Ok(connection),
                Err(source) => source,
            };
            *refused = source.kind() == io::ErrorKind::ConnectionRefused;
            let pause = if *refused && self.repeats_refused {
                after_refusal.pause()
            } else if is_port_busy(source.kind()) && !after_busy.is_spent() {
                after_busy.pause()
            } else {
                return Err(OpenError::Call {
                    peer: self.target,
                    source,
                });
            };
            self.world.clock.sleep(pause).await;
        }
    }

    fn ask_policy(&self) -> Result<(), OpenError> {
        // SECURITY: no packet may leave for a host that policy forbids (spec S-2, S-4), and
        // policy may have been reloaded since SOCK, or since the last attempt (spec S-15).
        self.policy.admit(&PeerQuestion {
            initiative: Initiative::Call,
            peer: self.target,
            direction: Some(self.direction),
        })?;
        if self.local.to_canonical().is_ipv4() == self.target.host().is_ipv4() {
            Ok(())
        } else {
            Err(OpenError::Family {
                local: self.local,
                peer: self.target,
            })
        }
    }

    fn timed_out(&self, refused: bool) -> OpenError {
        if refused {
            OpenError::Refused {
                peer: self.target,
                after: self.timeout,
            }
        } else {
            OpenError::TimedOut {
                after: self.timeout,
                rejected: 0,
            }
        }
    }
}

/// Pauses that double.
#[derive(Debug)]
struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        pause
    }

    fn is_spent(&self) -> bool {
        self.next == self.max
    }
}

/// The system says so while an earlier connection between the same two sockets is still closing,
/// as between two files of one arrangement (design D6).
fn is_port_busy(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable
    )
}

/// Pause after the first refusal (spec D-7).
const REFUSED_FIRST: Duration = Duration::from_millis(100);

/// Longest pause after a refusal (spec D-7).
const REFUSED_MAX: Duration = Duration::from_secs(1);

/// First pause for an earlier connection to be gone: about a round trip.
const BUSY_FIRST: Duration = Duration::from_millis(5);

/// The pause at which waiting for an earlier connection is given up: 2.5 s in all, since what
/// takes longer than a few round trips is the TIME-WAIT of a system that does not reuse it.
const BUSY_MAX: Duration = Duration::from_millis(2_560);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fake::{Admits, Outcome, Script, ip, socket};
    use crate::{Allocator, Fault, PortPool, Reserved};

    const MINUTE: Duration = Duration::from_mins(1);

    fn target() -> HostSocket {
        HostSocket::new(ip(2), 40_002).unwrap()
    }

    fn reserved(calls: impl IntoIterator<Item = Outcome>) -> (Reserved, Arc<Script>) {
        let (world, script) = Script::of_calls(calls).world();
        let allocator = Allocator::new(world, PortPool::new(51_003..=51_003));
        (allocator.hold(ip(1), None).unwrap(), script)
    }

    fn millis(script: &Script) -> Vec<u128> {
        script
            .called
            .lock()
            .unwrap()
            .iter()
            .map(|called| called.after.as_millis())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_call_is_repeated_less_and_less_often_from_the_same_port() {
        let refused = Outcome::Fails(io::ErrorKind::ConnectionRefused);
        let mut calls = vec![refused; 7];
        calls.push(Outcome::Answered);
        let (reserved, script) = reserved(calls);
        let opened = reserved
            .call(target(), &Admits::all(), Direction::Send, MINUTE)
            .await;
        assert_eq!(opened.unwrap().peer(), target().address());
        assert_eq!(
            millis(&script),
            [0, 100, 300, 700, 1_500, 2_500, 3_500, 4_500]
        );
        for called in &*script.called.lock().unwrap() {
            assert_eq!(
                (called.from, called.peer),
                (Some(socket(1, 51_003)), target().address())
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_when_its_time_is_up() {
        let answers: [(&[Outcome], &str); 3] = [
            (&[], "192.0.2.2:40002 refused every call within 60s"),
            (
                &[Outcome::Silence],
                "no data connection within 60s (0 callers rejected)",
            ),
            (
                &[
                    Outcome::Fails(io::ErrorKind::ConnectionRefused),
                    Outcome::Silence,
                ],
                "192.0.2.2:40002 refused every call within 60s",
            ),
        ];
        for (calls, expected) in answers {
            let began = tokio::time::Instant::now();
            let (reserved, _) = reserved(calls.iter().copied());
            let opened = reserved
                .call(target(), &Admits::all(), Direction::Send, MINUTE)
                .await;
            let error = opened.unwrap_err();
            assert_eq!(
                (error.to_string().as_str(), error.fault()),
                (expected, Fault::Remote)
            );
            assert_eq!(began.elapsed().as_secs(), MINUTE.as_secs());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_refusal_is_worth_another_call() {
        for (kind, fault) in [
            (io::ErrorKind::HostUnreachable, Fault::Remote),
            (io::ErrorKind::TimedOut, Fault::Remote),
            (io::ErrorKind::PermissionDenied, Fault::Local),
        ] {
            let (reserved, script) = reserved([Outcome::Fails(kind), Outcome::Answered]);
            let opened = reserved
                .call(target(), &Admits::all(), Direction::Send, MINUTE)
                .await;
            assert_eq!(opened.unwrap_err().fault(), fault, "{kind}");
            assert_eq!(millis(&script), [0]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_connection_is_given_time_to_be_gone_but_not_for_ever() {
        let busy = Outcome::Fails(io::ErrorKind::AddrNotAvailable);
        let (held, script) = reserved([busy, busy, Outcome::Answered]);
        let opened = held
            .call(target(), &Admits::all(), Direction::Send, MINUTE)
            .await;
        assert!(opened.is_ok());
        assert_eq!(millis(&script), [0, 5, 15]);

        let (reserved, script) = reserved([busy; 20]);
        let opened = reserved
            .call(target(), &Admits::all(), Direction::Send, MINUTE)
            .await;
        assert!(matches!(opened, Err(OpenError::Call { .. })));
        assert_eq!(millis(&script).last(), Some(&2_555));
    }

    // S-2, S-4
    #[tokio::test(start_paused = true)]
    async fn policy_is_asked_before_every_attempt() {
        for admitted in 0..3 {
            let (reserved, script) = reserved([]);
            let policy = Admits::first(admitted);
            let opened = reserved
                .call(target(), &policy, Direction::Receive, MINUTE)
                .await;
            let error = opened.unwrap_err();
            assert!(matches!(error, OpenError::Denied(_)), "{error}");
            assert_eq!(error.fault(), Fault::Local);
            assert_eq!(script.called.lock().unwrap().len(), admitted);
            for question in &*policy.asked.lock().unwrap() {
                assert_eq!(question.initiative, Initiative::Call);
                assert_eq!(question.peer, target());
                assert_eq!(question.direction, Some(Direction::Receive));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_of_the_other_family_is_not_called() {
        let (reserved, script) = reserved([Outcome::Answered]);
        let target = HostSocket::new("2001:db8::1".parse().unwrap(), 40_002).unwrap();
        let opened = reserved
            .call(target, &Admits::all(), Direction::Send, MINUTE)
            .await;
        assert!(matches!(opened, Err(OpenError::Family { .. })));
        assert_eq!(millis(&script), [] as [u128; 0]);
    }
}
