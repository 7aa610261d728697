//! The schedule of faults that a seed decides, and who carries it out.

use std::net::IpAddr;
use std::time::Duration;

use thirdhost_client::Interrupt;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::disk::Fault;
use crate::net::{Death, Net};
use crate::site::Site;
use crate::trace::Trace;

/// Something bad, or good, that happens.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// Nothing gets through from one host to another.
    Cut(usize, usize),
    /// Nothing comes to a host, or nothing leaves it, or neither.
    Part(usize, Way),
    /// All links are whole again.
    Heal,
    Slow(usize, u64),
    /// Whoever reads at a host takes little, and rests so long before the next.
    Tire(usize, u64),
    /// One connection of a host is reset, or goes silent.
    Spoil(usize, bool),
    /// No descriptor is left at a host for one more socket.
    Exhaust(usize),
    Crash(usize, Death, bool),
    Restart(usize),
    Drain(usize),
    DiskFault(usize, u64, Fault),
    DiskIll(usize, Fault),
    DiskSlow(usize, u64),
    DiskMended(usize),
    UserCrash(Death),
    /// Ctrl-C.
    Interrupt,
    Wait(u64),
}

/// Which direction of a host's links.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    In,
    Out,
    Both,
}

/// When a blow falls: after so many more packets, or after so long if there are not so many.
#[derive(Clone, Copy, Debug)]
struct Strike {
    packets: u64,
    blow: Blow,
}

/// Whom the blows fall on.
#[derive(Debug)]
pub(crate) struct Victims {
    pub(crate) net: Net,
    pub(crate) trace: Trace,
    pub(crate) sites: [Site; 2],
    pub(crate) user: IpAddr,
    pub(crate) program: AbortHandle,
    pub(crate) interrupt: Interrupt,
}

/// A row of strikes.
#[derive(Debug)]
pub(crate) struct Schedule(Vec<Strike>);

impl Schedule {
    /// What befalls this seed's world; often one thing, sometimes several, sometimes nothing.
    pub(crate) fn draw(chance: &Chance, files: usize) -> Self {
        let count = match chance.below(10) {
            0 => 0,
            1..6 => 1,
            6..8 => 2,
            8 => 3,
            _ => 5,
        };
        let mut strikes = Vec::new();
        let each = u64::try_from(files).unwrap_or(u64::MAX);
        for _ in 0..count {
            let reach = chance.pick(&REACH).copied().unwrap_or(1);
            let packets = chance.below(reach.saturating_mul(each.saturating_add(3)) / 4);
            strikes.push(Strike {
                packets,
                blow: blow(chance),
            });
            // What was broken is often mended while the user still waits.
            if chance.once_in(2) {
                for blow in [
                    Blow::Wait(chance.below(*chance.pick(&PAUSES).unwrap_or(&1))),
                    Blow::Heal,
                    Blow::DiskMended(0),
                    Blow::DiskMended(1),
                    Blow::Restart(0),
                    Blow::Restart(1),
                ] {
                    strikes.push(Strike { packets: 0, blow });
                }
            }
        }
        Self(strikes)
    }

    /// Lets all of it happen.
    pub(crate) async fn run(self, victims: Victims) {
        let mut reached = 0;
        for Strike { packets, blow } in self.0 {
            if packets > 0 {
                reached += packets;
                // Nothing may arrive any more; then it happens all the same.
                let come = victims.net.reaches(reached);
                drop(timeout(PATIENCE, come).await);
            }
            victims.strike(blow).await;
        }
    }
}

impl Victims {
    async fn strike(&self, blow: Blow) {
        self.trace.note(format_args!("blow: {blow:?}"));
        match blow {
            Blow::Cut(from, to) => self.net.cut(self.host(from), self.host(to)),
            Blow::Part(host, way) => self.part(host, way),
            Blow::Heal => self.net.heal_links(),
            Blow::Slow(host, by) => self.net.slow(self.host(host), by),
            Blow::Tire(host, rest) => self.net.tire(self.host(host), rest),
            Blow::Spoil(host, silently) => self.net.spoil(self.host(host), silently),
            Blow::Exhaust(server) => self.net.exhaust(self.host(server)),
            Blow::Crash(server, death, loses) => self.site(server).crash(death, loses),
            Blow::Restart(server) => self.site(server).start(),
            Blow::Drain(server) => self.site(server).drain(),
            Blow::DiskFault(server, operations, fault) => {
                self.site(server).disk.fail_in(operations, fault);
            }
            Blow::DiskIll(server, fault) => self.site(server).disk.fall_ill(fault),
            Blow::DiskSlow(server, delay) => self.site(server).disk.slow(delay),
            Blow::DiskMended(server) => self.site(server).disk.mend(),
            Blow::UserCrash(death) => {
                self.net.kill(self.user, death);
                self.program.abort();
            }
            Blow::Interrupt => self.interrupt.trip(),
            Blow::Wait(millis) => sleep(Duration::from_millis(millis)).await,
        }
    }

    fn part(&self, host: usize, way: Way) {
        let apart = self.host(host);
        for other in (0..3).filter(|other| *other != host) {
            let other = self.host(other);
            if way != Way::Out {
                self.net.cut(other, apart);
            }
            if way != Way::In {
                self.net.cut(apart, other);
            }
        }
    }

    /// The servers are 0 and 1; every other number is the user.
    fn host(&self, number: usize) -> IpAddr {
        self.sites.get(number).map_or(self.user, |site| site.host)
    }

    fn site(&self, number: usize) -> &Site {
        let [first, second] = &self.sites;
        if number == 0 { first } else { second }
    }
}

fn blow(chance: &Chance) -> Blow {
    let server = chance.index(2);
    let host = chance.index(3);
    let other = (host + 1 + chance.index(2)) % 3;
    let death = if chance.once_in(2) {
        Death::Process
    } else {
        Death::Power
    };
    let fault = match chance.below(4) {
        0 => Fault::NoSpace,
        1 => Fault::Failed,
        2 => Fault::NoDescriptor,
        _ => Fault::DoneButFailed,
    };
    let way = chance.pick(&[Way::In, Way::Out, Way::Both]);
    match chance.below(18) {
        0 | 1 => Blow::Cut(host, other),
        15 | 16 => Blow::Part(host, way.copied().unwrap_or(Way::Both)),
        17 => Blow::Tire(host, chance.below(3_000)),
        2 => Blow::Slow(host, chance.below(5_000)),
        3 => Blow::Spoil(host, false),
        4 => Blow::Spoil(host, true),
        5..8 => Blow::Crash(server, death, chance.once_in(2)),
        8 => Blow::Drain(server),
        9 | 10 => Blow::DiskFault(server, chance.below(30), fault),
        11 => Blow::DiskIll(server, fault),
        13 => Blow::Exhaust(server),
        12 => Blow::DiskSlow(server, chance.below(4_000)),
        _ if chance.once_in(2) => Blow::UserCrash(death),
        _ => Blow::Interrupt,
    }
}

/// How long a strike waits for packets that may never come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest until something is mended, in milliseconds.
const PAUSES: [u64; 4] = [10, 1_000, 60_000, 600_000];

/// Within how many packets a strike falls where one file is wanted, which takes sixty or so; each
/// further one takes a quarter more.
const REACH: [u64; 4] = [20, 50, 50, 100];
