//! The front door: turns a local address into a listening or a reserved data socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thirdhost_wire::{Direction, HostSocket};

use crate::call::Call;
use crate::{
    AllocateError, Connection, Listening, OpenError, Parity, Policy, PortLease, PortPool, Reserved,
    World,
};

/// Allocates data sockets from a pool of ports. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Allocator {
    world: World,
    pool: PortPool,
}

impl Allocator {
    /// An allocator for the ports of `pool`.
    #[must_use]
    pub fn new(world: World, pool: PortPool) -> Self {
        Self { world, pool }
    }

    /// The pool, for counting.
    #[must_use]
    pub fn pool(&self) -> &PortPool {
        &self.pool
    }

    /// Binds a random port of `local` and listens at once: LSTN, PASV and EPSV (design D2).
    ///
    /// # Errors
    /// When no port is free, or the system refuses.
    //= rfc438#a
    //# The LSTN (Listen) command requests the FTP server to allocate a
    //# socket for use as a data connection.
    pub fn listen(
        &self,
        local: IpAddr,
        parity: Option<Parity>,
    ) -> Result<Listening, AllocateError> {
        let bind = |address| self.world.network.listen(address, BACKLOG);
        let (listener, lease) = self.bind(local, parity, bind)?;
        Ok(Listening::new(
            listener,
            lease,
            Arc::clone(&self.world.clock),
        ))
    }

    /// Binds a random port of `local` without listening, and keeps it until the returned value
    /// is dropped: SOCK (design D3, D4).
    ///
    /// # Errors
    /// When no port is free, or the system refuses.
    //= rfc438#d.1
    //# On success the reply must be the 255 FTP server data socket
    //# reply; that is, the 255 reply can not be deferred until receipt
    //# of a data transfer command.
    pub fn hold(&self, local: IpAddr, parity: Option<Parity>) -> Result<Reserved, AllocateError> {
        let (held, lease) = self.bind(local, parity, |address| self.world.network.hold(address))?;
        Ok(Reserved::new(held, lease, self.world.clone()))
    }

    /// Calls `target` from `local` with no port told in advance: PORT and EPRT. The port is a
    /// random one of the pool where the pool has one left (RFC 2577 section 8), else the
    /// system's choice. With an unspecified `local` the system chooses the address too.
    ///
    /// Who refuses is not called again, as it would be by [`Reserved::call`]: such a target
    /// listens before it is told, and what listens there later may be meant for somebody else.
    ///
    /// # Cancel safety
    /// Dropping the future gives the attempt up.
    ///
    /// # Errors
    /// As [`Reserved::call`].
    pub async fn call_unreserved(
        &self,
        local: IpAddr,
        target: HostSocket,
        policy: &dyn Policy,
        direction: Direction,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, OpenError> {
        let call = Call {
            world: &self.world,
            local,
            target,
            policy,
            direction,
            timeout,
            repeats_refused: false,
        };
        call.run(|| self.lease_for_call(local)).await
    }

    fn lease_for_call(&self, local: IpAddr) -> (Option<SocketAddr>, Option<PortLease>) {
        let lease = self.pool.lease(&*self.world.random, None);
        let port = lease.as_ref().map_or(0, PortLease::port);
        let system_chooses = port == 0 && local.is_unspecified();
        (
            (!system_chooses).then(|| SocketAddr::new(local, port)),
            lease,
        )
    }

    /// Draws ports until one binds. A port that another process holds stays leased until the end
    /// of the search, so that it is not drawn again.
    fn bind<T>(
        &self,
        local: IpAddr,
        parity: Option<Parity>,
        bind: impl Fn(SocketAddr) -> io::Result<T>,
    ) -> Result<(T, PortLease), AllocateError> {
        let mut taken = Vec::new();
        for _ in 0..BIND_TRIES_MAX {
            let Some(lease) = self.pool.lease(&*self.world.random, parity) else {
                break;
            };
            match bind(SocketAddr::new(local, lease.port())) {
                Ok(socket) => return Ok((socket, lease)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken.push(lease),
                Err(source) => return Err(AllocateError::Io { local, source }),
            }
        }
        let ports = self.pool.ports();
        let leased = self.pool.leased().saturating_sub(taken.len());
        Err(AllocateError::Exhausted {
            first: *ports.start(),
            last: *ports.end(),
            leased,
        })
    }
}

/// How many ports are tried before the range counts as full: even where other processes hold
/// nine ports in ten, a thousand searches fail but once.
const BIND_TRIES_MAX: u32 = 64;

/// Callers the kernel queues before the transfer command comes: one more than may be rejected in
/// one wait, so that the expected one still fits behind them (spec D-9).
pub(crate) const BACKLOG: u32 = crate::REJECTED_MAX + 1;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::fake::{Admits, Outcome, Script, ip, socket};

    fn allocator(script: Script, pool: PortPool) -> (Allocator, Arc<Script>) {
        let (world, script) = script.world();
        (Allocator::new(world, pool), script)
    }

    /// The longest run of numbers that only rise or only fall.
    fn longest_run(ports: &[u16]) -> usize {
        let (mut rising, mut falling, mut longest) = (1, 1, 1);
        for pair in ports.windows(2) {
            rising = if pair[1] > pair[0] { rising + 1 } else { 1 };
            falling = if pair[1] < pair[0] { falling + 1 } else { 1 };
            longest = longest.max(rising).max(falling);
        }
        longest
    }

    // S-16
    #[test]
    fn a_thousand_ports_are_neither_in_order_nor_repeated() {
        let pool = PortPool::new(50_000..=59_999);
        let (allocator, _) = allocator(Script::default(), pool);
        let listened: Vec<u16> = (0..500)
            .map(|_| allocator.listen(ip(1), None).unwrap().port())
            .collect();
        let held = (0..500).map(|_| allocator.hold(ip(1), None).unwrap().port());
        let ports: Vec<u16> = listened.into_iter().chain(held).collect();
        assert!(longest_run(&ports) <= 6, "{}", longest_run(&ports));
        let distinct = ports.iter().collect::<HashSet<_>>().len();
        assert!(distinct >= 900, "{distinct}");
    }

    #[test]
    fn a_port_of_another_process_is_passed_over() {
        let taken = (50_000..=50_008).collect();
        let script = Script {
            taken,
            ..Script::default()
        };
        let (allocator, _) = allocator(script, PortPool::new(50_000..=50_009));
        let listening = allocator.listen(ip(1), Some(Parity::Even)).unwrap();
        assert_eq!(listening.port(), 50_009);
        assert_eq!(allocator.pool().leased(), 1);
    }

    #[test]
    fn a_full_range_is_said_to_be_full() {
        let script = Script {
            taken: vec![50_001],
            ..Script::default()
        };
        let (allocator, _) = allocator(script, PortPool::new(50_000..=50_001));
        let held = allocator.hold(ip(1), None).unwrap();
        let Err(error) = allocator.listen(ip(1), None) else {
            panic!("two sockets on a port")
        };
        assert_eq!(
            error.to_string(),
            "no free data port in 50000-50001; 1 are leased by this process"
        );
        drop(held);
        assert_eq!(allocator.listen(ip(1), None).unwrap().port(), 50_000);
    }

    #[test]
    fn the_search_for_a_port_ends() {
        let script = Script {
            taken: (40_000..=50_000).collect(),
            ..Script::default()
        };
        let (allocator, _) = allocator(script, PortPool::new(40_000..=50_000));
        assert!(matches!(
            allocator.hold(ip(1), None),
            Err(AllocateError::Exhausted { .. })
        ));
        assert_eq!(allocator.pool().leased(), 0);
    }

    /// No other port would mend it, and the reason must not read as "all are taken".
    #[test]
    fn a_bind_that_fails_for_another_reason_is_told_as_it_is() {
        let script = Script {
            refused: Some(io::ErrorKind::AddrNotAvailable),
            ..Script::default()
        };
        let (allocator, _) = allocator(script, PortPool::new(50_000..=50_009));
        let error = allocator.hold(ip(1), None).unwrap_err();
        assert!(matches!(error, AllocateError::Io { .. }), "{error}");
        assert_eq!(allocator.pool().leased(), 0);
    }

    #[test]
    fn a_held_port_listens_also_where_it_has_to_be_let_go_first() {
        let script = Script {
            held_alone: true,
            ..Script::default()
        };
        let (allocator, script) = allocator(script, PortPool::new(50_000..=50_009));
        let held = allocator.hold(ip(1), None).unwrap();
        let port = held.port();
        assert_eq!(held.listen().unwrap().port(), port);
        assert_eq!(*script.held.lock().unwrap(), []);
    }

    #[test]
    fn a_port_is_free_when_its_socket_is_dropped() {
        let (allocator, _) = allocator(Script::default(), PortPool::new(50_000..=50_000));
        drop(allocator.listen(ip(1), None).unwrap());
        drop(allocator.hold(ip(1), None).unwrap());
        let listening = allocator.hold(ip(1), None).unwrap().listen().unwrap();
        assert_eq!((listening.port(), allocator.pool().leased()), (50_000, 1));
        drop(listening);
        assert_eq!(allocator.pool().leased(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreserved_call_takes_another_port_of_the_range_when_one_is_busy() {
        let busy = Outcome::Fails(io::ErrorKind::AddrInUse);
        let script = Script::of_calls([busy, busy, Outcome::Answered]);
        let (allocator, script) = allocator(script, PortPool::new(50_000..=59_999));
        let target = HostSocket::new(ip(2), 2_000).unwrap();
        let second = Duration::from_secs(1);
        let opened = allocator
            .call_unreserved(ip(1), target, &Admits::all(), Direction::Send, second)
            .await;
        assert_eq!(opened.unwrap().peer(), socket(2, 2_000));
        let called = script.called.lock().unwrap();
        let from: HashSet<_> = called.iter().map(|called| called.from.unwrap()).collect();
        assert_eq!(from.len(), 3);
        assert!(
            from.iter()
                .all(|from| from.ip() == ip(1) && from.port() >= 50_000)
        );
        assert_eq!(allocator.pool().leased(), 0);
    }

    /// Whoever listens there a moment later may be waiting for another file, and could not tell
    /// this caller from its own.
    #[tokio::test(start_paused = true)]
    async fn an_unreserved_call_that_is_refused_is_not_repeated() {
        let refused = Outcome::Fails(io::ErrorKind::ConnectionRefused);
        let script = Script::of_calls([refused, Outcome::Answered]);
        let (allocator, script) = allocator(script, PortPool::new(50_000..=59_999));
        let target = HostSocket::new(ip(2), 2_000).unwrap();
        let minute = Duration::from_mins(1);
        let opened = allocator
            .call_unreserved(ip(1), target, &Admits::all(), Direction::Send, minute)
            .await;
        assert_eq!(opened.unwrap_err().fault(), crate::Fault::Remote);
        assert_eq!(script.called.lock().unwrap().len(), 1);
        assert_eq!(allocator.pool().leased(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreserved_call_needs_neither_a_port_nor_an_address() {
        let unspecified: IpAddr = "0.0.0.0".parse().unwrap();
        for (ports, local, expected) in [
            (0..=0, unspecified, None),
            (0..=0, ip(1), Some(socket(1, 0))),
            (9..=9, ip(1), Some(socket(1, 0))),
        ] {
            let pool = PortPool::new(ports);
            let (allocator, script) = allocator(Script::of_calls([Outcome::Answered]), pool);
            let _last = allocator.hold(ip(1), None).unwrap();
            let target = HostSocket::new(ip(2), 2_000).unwrap();
            let second = Duration::from_secs(1);
            let opened = allocator
                .call_unreserved(local, target, &Admits::all(), Direction::Send, second)
                .await;
            assert!(opened.is_ok());
            assert_eq!(script.called.lock().unwrap()[0].from, expected);
        }
    }
}
