//! The data ports of a process: chosen at random, each leased to one socket at a time.

use std::collections::{HashSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thirdhost_wire::Direction;

use crate::Random;

/// A range of ports, shared by everything in the process that opens data sockets.
#[derive(Clone, Debug)]
pub struct PortPool {
    shared: Arc<Shared>,
}

impl PortPool {
    /// A pool of `ports`. Port 0 names no port and is left out, except that `0..=0` makes the
    /// system choose each port. An empty range leases nothing.
    #[must_use]
    pub fn new(ports: RangeInclusive<u16>) -> Self {
        Self {
            shared: Arc::new(Shared {
                ports,
                out: Mutex::default(),
            }),
        }
    }

    /// Leases a free port, each as likely as any other (spec S-16); one of `parity` if one is
    /// free (spec A-3). `None` if all are leased.
    ///
    /// Those that came back last rest while there are others: whoever still calls one for what it
    /// was leased for before must not reach what it would be leased for now.
    ///
    /// Where the system chooses, the lease is of port 0 and parity is not considered.
    #[must_use]
    pub fn lease(&self, random: &dyn Random, parity: Option<Parity>) -> Option<PortLease> {
        if self.is_system_chosen() {
            return Some(self.leased_as(0));
        }
        let mut out = self.shared.out();
        let port = [parity, None].into_iter().find_map(|parity| {
            let candidates = self.shared.candidates(parity);
            let rested = candidates.draw(random, |port| out.is_free(port) && !out.rests(port));
            rested.or_else(|| candidates.draw(random, |port| out.is_free(port)))
        })?;
        out.leased.insert(port);
        Some(self.leased_as(port))
    }

    /// The range.
    #[must_use]
    pub fn ports(&self) -> RangeInclusive<u16> {
        self.shared.ports.clone()
    }

    /// How many ports are leased now.
    #[must_use]
    pub fn leased(&self) -> usize {
        self.shared.out().leased.len()
    }

    /// Whether the system chooses the ports.
    #[must_use]
    pub fn is_system_chosen(&self) -> bool {
        self.shared.ports == (0..=0)
    }

    fn leased_as(&self, port: u16) -> PortLease {
        PortLease {
            port,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The right to bind one port. Dropping it frees the port.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    shared: Arc<Shared>,
}

impl PortLease {
    /// The port; 0 where the system chooses.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        let resting_max = self.shared.ports.len() / RESTING_PART;
        let mut out = self.shared.out();
        if out.leased.remove(&self.port) {
            out.rest(self.port, resting_max);
        }
    }
}

/// Odd or even: what is left of the gender of NCP sockets, as a hint to humans (spec A-3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Parity {
    /// A socket that sends.
    Odd,
    /// A socket that receives.
    Even,
}

impl Parity {
    /// The parity of the socket LSTN allocates.
    #[must_use]
    pub fn of_listener(direction: Direction) -> Self {
        match direction {
            Direction::Send => Self::Odd,
            Direction::Receive => Self::Even,
        }
    }

    /// The parity of the socket SOCK allocates for calling `port`: its opposite.
    #[must_use]
    pub fn opposite_of(port: u16) -> Self {
        if port.is_multiple_of(2) {
            Self::Odd
        } else {
            Self::Even
        }
    }

    /// The parity of `port`.
    #[must_use]
    pub fn of(port: u16) -> Self {
        if port.is_multiple_of(2) {
            Self::Even
        } else {
            Self::Odd
        }
    }
}

#[derive(Debug)]
struct Shared {
    ports: RangeInclusive<u16>,
    out: Mutex<Out>,
}

/// The ports that are not to be had, and those that had better not be.
#[derive(Debug, Default)]
struct Out {
    leased: HashSet<u16>,
    resting: HashSet<u16>,
    /// Those that rest, the longest first.
    order: VecDeque<u16>,
}

impl Out {
    fn is_free(&self, port: u16) -> bool {
        !self.leased.contains(&port)
    }

    fn rests(&self, port: u16) -> bool {
        self.resting.contains(&port)
    }

    fn rest(&mut self, port: u16, most: usize) {
        if self.resting.insert(port) {
            self.order.push_back(port);
        }
        while self.order.len() > most {
            if let Some(rested) = self.order.pop_front() {
                self.resting.remove(&rested);
            }
        }
    }
}

impl Shared {
    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn candidates(&self, parity: Option<Parity>) -> Candidates {
        let (first, last) = ((*self.ports.start()).max(1), *self.ports.end());
        match parity {
            None => Candidates {
                first,
                last,
                step: 1,
            },
            Some(parity) if Parity::of(first) == parity => Candidates {
                first,
                last,
                step: 2,
            },
            Some(_) => Candidates {
                first: first.saturating_add(1),
                last,
                step: 2,
            },
        }
    }
}

/// An arithmetic series of ports.
#[derive(Clone, Copy, Debug)]
struct Candidates {
    first: u16,
    last: u16,
    step: u16,
}

impl Candidates {
    /// A free port, each as likely. Drawing again after a leased one keeps all equally likely;
    /// only where most are leased is it cheaper to list the free ones.
    fn draw(self, random: &dyn Random, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        (0..DRAWS_MAX)
            .filter_map(|_| self.pick(random))
            .find(|port| is_free(*port))
            .or_else(|| self.draw_listed(random, is_free))
    }

    fn draw_listed(self, random: &dyn Random, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        let free: Vec<u16> = self.ports().filter(|port| is_free(*port)).collect();
        let bound = u32::try_from(free.len()).ok()?;
        free.get(usize::try_from(random.below(bound)).ok()?)
            .copied()
    }

    fn pick(self, random: &dyn Random) -> Option<u16> {
        let span = self.last.checked_sub(self.first)?;
        let count = u32::from(span / self.step) + 1;
        let index = u16::try_from(random.below(count)).ok()?;
        self.first.checked_add(index.checked_mul(self.step)?)
    }

    fn ports(self) -> impl Iterator<Item = u16> {
        (self.first..=self.last).step_by(usize::from(self.step))
    }
}

/// How often a port is drawn before the free ones are listed: enough that a pool three quarters
/// full is listed once in a hundred times.
const DRAWS_MAX: u32 = 16;

/// One port in so many rests at most: a guess is not much easier, and a port rests for as many
/// leases as a quarter of the range.
const RESTING_PART: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Seeded;

    fn leases(pool: &PortPool, parity: Option<Parity>, count: usize) -> Vec<PortLease> {
        let random = Seeded::new(1);
        (0..count)
            .map(|_| pool.lease(&random, parity).unwrap())
            .collect()
    }

    fn ports(leases: &[PortLease]) -> Vec<u16> {
        let mut ports: Vec<u16> = leases.iter().map(PortLease::port).collect();
        ports.sort_unstable();
        ports
    }

    #[test]
    fn every_port_of_the_range_is_leased_once_and_then_none() {
        let pool = PortPool::new(40_000..=40_019);
        let held = leases(&pool, None, 20);
        assert_eq!(ports(&held), (40_000..=40_019).collect::<Vec<_>>());
        assert!(pool.lease(&Seeded::new(1), None).is_none());
        assert!(pool.lease(&Seeded::new(1), Some(Parity::Odd)).is_none());
    }

    #[test]
    fn the_last_free_port_of_many_is_found() {
        let pool = PortPool::new(40_000..=41_999);
        let mut held = leases(&pool, None, 2_000);
        for _ in 0..20 {
            let freed = held.swap_remove(7).port();
            held.extend(leases(&pool, None, 1));
            assert_eq!(held.last().map(PortLease::port), Some(freed));
        }
    }

    /// A server calls again and again for what was refused at the other end meanwhile; it must
    /// not find the next file's listener.
    #[test]
    fn a_port_that_came_back_is_not_leased_next_while_there_are_others() {
        let pool = PortPool::new(40_000..=40_019);
        let random = Seeded::new(1);
        let mut back = Vec::new();
        for _ in 0..200 {
            let lease = pool.lease(&random, None).unwrap();
            let recent: &[u16] = back.last_chunk::<5>().map_or(&back, |last| last);
            assert!(
                !recent.contains(&lease.port()),
                "{} {recent:?}",
                lease.port()
            );
            back.push(lease.port());
        }
        let distinct: HashSet<u16> = back.into_iter().collect();
        assert_eq!(distinct.len(), 20);
    }

    #[test]
    fn a_dropped_lease_frees_its_port() {
        let pool = PortPool::new(40_000..=40_000);
        let lease = pool.lease(&Seeded::new(1), None).unwrap();
        assert_eq!(pool.leased(), 1);
        drop(lease);
        assert_eq!(pool.leased(), 0);
        assert_eq!(pool.lease(&Seeded::new(1), None).unwrap().port(), 40_000);
    }

    #[test]
    fn parity_is_kept_while_such_a_port_is_free() {
        for (range, parity, expected) in [
            (40_000..=40_004, Parity::Odd, vec![40_001, 40_003]),
            (40_000..=40_004, Parity::Even, vec![40_000, 40_002, 40_004]),
            (40_001..=40_005, Parity::Odd, vec![40_001, 40_003, 40_005]),
            (40_001..=40_005, Parity::Even, vec![40_002, 40_004]),
            (65_534..=65_535, Parity::Odd, vec![65_535]),
            (0..=2, Parity::Even, vec![2]),
        ] {
            let pool = PortPool::new(range.clone());
            let held = leases(&pool, Some(parity), expected.len());
            assert_eq!(ports(&held), expected, "{range:?} {parity:?}");
        }
    }

    #[test]
    fn any_port_is_better_than_none_of_the_parity() {
        let pool = PortPool::new(40_000..=40_002);
        let held = leases(&pool, Some(Parity::Odd), 3);
        assert_eq!(ports(&held), [40_000, 40_001, 40_002]);
        assert_eq!(held.first().map(PortLease::port), Some(40_001));
        let pool = PortPool::new(65_535..=65_535);
        assert_eq!(ports(&leases(&pool, Some(Parity::Even), 1)), [65_535]);
    }

    #[test]
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "the empty range is what is tested"
    )]
    fn an_empty_range_leases_nothing_and_zero_lets_the_system_choose() {
        let random = Seeded::new(1);
        assert!(PortPool::new(2..=1).lease(&random, None).is_none());
        assert!(
            PortPool::new(2..=1)
                .lease(&random, Some(Parity::Odd))
                .is_none()
        );
        let system = PortPool::new(0..=0);
        let first = system.lease(&random, Some(Parity::Odd)).unwrap();
        let second = system.lease(&random, None).unwrap();
        assert_eq!((first.port(), second.port(), system.leased()), (0, 0, 0));
    }

    #[test]
    fn each_port_is_as_likely_as_any_other() {
        let random = Seeded::new(1);
        let pool = PortPool::new(40_000..=40_009);
        let mut drawn = [0_u32; 10];
        for _ in 0..10_000 {
            let port = pool.lease(&random, None).unwrap().port();
            drawn[usize::from(port - 40_000)] += 1;
        }
        assert!(
            drawn.iter().all(|count| (850..1_150).contains(count)),
            "{drawn:?}"
        );
    }

    /// A thousand ports from a range of ten thousand: how many are distinct, and how many at most
    /// come one after the other, each larger, or each smaller, than the one before.
    fn drawn(random: &dyn Random) -> (usize, usize) {
        let pool = PortPool::new(40_000..=49_999);
        let ports: Vec<u16> = (0..1_000)
            .map(|_| pool.lease(random, None).unwrap().port())
            .collect();
        let (mut longest, mut run, mut before) = (0, 0, None);
        for two in ports.windows(2) {
            let order = two[0].cmp(&two[1]);
            run = if before == Some(order) { run + 1 } else { 2 };
            longest = longest.max(run);
            before = Some(order);
        }
        (ports.into_iter().collect::<HashSet<_>>().len(), longest)
    }

    //= security#S-16
    //= type=test
    #[test]
    fn a_thousand_ports_show_no_sequence() {
        let (distinct, run) = drawn(&Seeded::new(1));
        assert!(distinct >= 900 && run <= 6, "{distinct}, {run}");
        // Of the system's numbers one thousand in four has a run of seven, and one in a million
        // a run of thirteen.
        let (distinct, run) = drawn(&*crate::World::real().random);
        assert!(distinct >= 900 && run <= 12, "{distinct}, {run}");
    }

    #[test]
    fn parity_follows_direction_and_the_port_called() {
        assert_eq!(Parity::of_listener(Direction::Send), Parity::Odd);
        assert_eq!(Parity::of_listener(Direction::Receive), Parity::Even);
        assert_eq!(Parity::opposite_of(40_002), Parity::Odd);
        assert_eq!(Parity::opposite_of(40_001), Parity::Even);
        assert_eq!((Parity::of(1), Parity::of(2)), (Parity::Odd, Parity::Even));
    }
}
