//! Who is here: what SITE WHO tells operators.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The sessions of a server. Clones are views of the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    sessions: BTreeMap<u64, Session>,
}

#[derive(Debug)]
struct Session {
    peer: SocketAddr,
    since: Duration,
    user: Option<String>,
}

/// One session's entry. Dropping it takes the entry away.
#[derive(Debug)]
pub(crate) struct Ticket {
    presence: Presence,
    number: u64,
}

impl Presence {
    /// Notes a session with `peer` that begins at `since`.
    pub(crate) fn enter(&self, peer: SocketAddr, since: Duration) -> Ticket {
        let mut known = self.known();
        let number = known.next;
        known.next += 1;
        let user = None;
        known.sessions.insert(number, Session { peer, since, user });
        drop(known);
        Ticket {
            presence: self.clone(),
            number,
        }
    }

    /// A line for each session, the oldest first, cut where it grows too long for a reply.
    pub(crate) fn lines(&self, now: Duration) -> Vec<String> {
        let known = self.known();
        let line = |session: &Session| {
            let user = session.user.as_deref().unwrap_or("(not logged in)");
            let seconds = now.saturating_sub(session.since).as_secs();
            format!("{user} from {} for {seconds} s", session.peer)
        };
        let mut lines: Vec<String> = known.sessions.values().take(LINES_MAX).map(line).collect();
        if known.sessions.len() > LINES_MAX {
            lines.push(format!("and {} more", known.sessions.len() - LINES_MAX));
        }
        lines
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // Every statement leaves the table whole, so that a panic elsewhere does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Notes who is logged in.
    pub(crate) fn is(&self, user: Option<&str>) {
        if let Some(session) = self.presence.known().sessions.get_mut(&self.number) {
            session.user = user.map(str::to_owned);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.presence.known().sessions.remove(&self.number);
    }
}

/// The reply goes over the control connection and is held in memory whole.
const LINES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_listed_until_its_ticket_is_dropped() {
        let presence = Presence::default();
        let at = Duration::from_secs;
        let one = presence.enter("192.0.2.1:5000".parse().unwrap(), at(0));
        let two = presence.enter("[2001:db8::1]:5000".parse().unwrap(), at(60));
        two.is(Some("alice"));
        let first = "(not logged in) from 192.0.2.1:5000 for 90 s";
        let second = "alice from [2001:db8::1]:5000 for 30 s";
        assert_eq!(presence.lines(at(90)), [first, second]);
        drop(one);
        assert_eq!(presence.lines(at(90)), [second]);
    }

    #[test]
    fn the_list_has_an_end() {
        let presence = Presence::default();
        let peer = "192.0.2.1:5000".parse().unwrap();
        let tickets: Vec<Ticket> = (0..LINES_MAX + 2)
            .map(|_| presence.enter(peer, Duration::ZERO))
            .collect();
        let lines = presence.lines(Duration::ZERO);
        assert_eq!(lines.len(), LINES_MAX + 1);
        assert_eq!(lines.last().unwrap(), "and 2 more");
        drop(tickets);
        assert!(presence.lines(Duration::ZERO).is_empty());
    }
}
