//! A process and all that descends from it, in /proc: a server that forks is still one server.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

use crate::failure::{Failure, Result, While};

/// The processes of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    eldest: u32,
}

impl Family {
    /// The process `eldest` and its descendants, whoever they are at the moment of asking.
    pub(crate) fn of(eldest: u32) -> Self {
        Self { eldest }
    }

    /// The processor time all have used: of the living by their own clocks, to the nanosecond,
    /// and of those that have ended as their parents were told, in ticks.
    pub(crate) fn cpu(self) -> Result<Duration> {
        let mut used = Duration::ZERO;
        for (pid, stat) in self.living()? {
            used += clock(pid).unwrap_or_default() + stat.ended;
        }
        Ok(used)
    }

    /// The memory all hold, in bytes, with what is shared divided among its holders (PSS).
    pub(crate) fn memory(self) -> Result<u64> {
        let mut bytes = 0;
        for (pid, _) in self.living()? {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
            // It may have ended since it was found.
            bytes += rollup.ok().and_then(|text| pss(&text)).unwrap_or(0);
        }
        if bytes == 0 {
            return Err(Failure::new("no memory told in /proc; it takes root"));
        }
        Ok(bytes)
    }

    /// How many processes there are.
    pub(crate) fn size(self) -> Result<usize> {
        Ok(self.living()?.len())
    }

    fn living(self) -> Result<Vec<(u32, Stat)>> {
        let mut children: HashMap<u32, Vec<(u32, Stat)>> = HashMap::new();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").during("/proc")?.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let Some(stat) = Stat::of(pid) else { continue };
            if pid == self.eldest {
                found.push((pid, stat));
            } else {
                children.entry(stat.parent).or_default().push((pid, stat));
            }
        }
        let mut next = 0;
        while let Some((pid, _)) = found.get(next) {
            found.extend(children.remove(pid).unwrap_or_default());
            next += 1;
        }
        if found.is_empty() {
            return Err(Failure::new("the server has ended"));
        }
        Ok(found)
    }
}

/// The parts of /proc/PID/stat that count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stat {
    parent: u32,
    /// What children that have ended used.
    ended: Duration,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// See proc(5): the name in parentheses may hold anything; behind it come field 3 and on.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let ticks: u64 = fields.nth(11)?.parse().ok()?;
        let more: u64 = fields.next()?.parse().ok()?;
        let ended = Duration::from_millis((ticks + more) * TICK_MILLIS);
        Some(Self { parent, ended })
    }
}

fn clock(pid: u32) -> Option<Duration> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?);
    let clock = ClockId::pid_cpu_clock_id(pid).ok()?;
    Some(clock.now().ok()?.into())
}

fn pss(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// A tick of /proc: USER_HZ is 100 on all that Linux runs on today.
const TICK_MILLIS: u64 = 10;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) b (c) S 5 7 7 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0 9 9 9";
        let ended = Duration::from_millis(270);
        assert_eq!(Stat::parse(text), Some(Stat { parent: 5, ended }));
    }

    #[test]
    fn only_the_share_of_a_rollup_counts() {
        let text = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss: 9 kB\nPss:     3 kB\n";
        assert_eq!(pss(text), Some(3 * 1024));
    }

    #[test]
    fn children_belong_to_the_family() {
        let mut shell = Command::new("sh")
            .args(["-c", "cat; :"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // An echo shows that the child runs.
        std::io::Write::write_all(shell.stdin.as_mut().unwrap(), b"x").unwrap();
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let family = Family::of(shell.id());
        assert_eq!(family.living().unwrap().len(), 2);
        assert!(family.memory().unwrap() > 0);
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(family.cpu().is_err());
    }
}
