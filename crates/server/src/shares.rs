//! What the sessions of one user share: how many they are, and how fast all of them may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thirdhost_wire::Direction;

use crate::dtp::Bucket;

/// The users who are logged in. One for the whole server; as large as there are sessions.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    users: Mutex<HashMap<String, Share>>,
}

#[derive(Debug, Default)]
struct Share {
    sessions: usize,
    send: Arc<Bucket>,
    receive: Arc<Bucket>,
}

impl Shares {
    /// Counts one more session of `user`; `None` when there are `most` already (spec S-52).
    pub(crate) fn join(shares: &Arc<Self>, user: &str, most: Option<usize>) -> Option<UserSeat> {
        let mut users = shares.lock();
        let sessions = users.get(user).map_or(0, |share| share.sessions);
        if most.is_some_and(|most| sessions >= most) {
            return None;
        }
        let share = users.entry(user.to_owned()).or_default();
        share.sessions += 1;
        Some(UserSeat {
            send: Arc::clone(&share.send),
            receive: Arc::clone(&share.receive),
            shares: Arc::clone(shares),
            user: user.to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Share>> {
        // The counts are whole at every moment a panic could strike.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place among those of its user. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct UserSeat {
    shares: Arc<Shares>,
    user: String,
    send: Arc<Bucket>,
    receive: Arc<Bucket>,
}

impl UserSeat {
    /// What all transfers of the user in this direction are counted in.
    pub(crate) fn bucket(&self, direction: Direction) -> Arc<Bucket> {
        match direction {
            Direction::Send => Arc::clone(&self.send),
            Direction::Receive => Arc::clone(&self.receive),
        }
    }
}

impl Drop for UserSeat {
    fn drop(&mut self) {
        let mut users = self.shares.lock();
        if let Some(share) = users.get_mut(&self.user) {
            share.sessions = share.sessions.saturating_sub(1);
            if share.sessions == 0 {
                users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_places_and_gets_them_back() {
        let shares = Arc::new(Shares::default());
        let join = |user, most| Shares::join(&shares, user, most);
        let first = join("alice", Some(2)).unwrap();
        let second = join("alice", Some(2)).unwrap();
        assert!(join("alice", Some(2)).is_none());
        assert!(join("bob", Some(2)).is_some(), "another user");
        drop(first);
        assert!(!Arc::ptr_eq(
            &second.send,
            &join("carol", None).unwrap().send
        ));
        let again = join("alice", Some(2)).unwrap();
        assert!(join("alice", Some(1)).is_none(), "fewer since a reload");
        assert!(Arc::ptr_eq(&second.send, &again.send), "one rate for both");
        let unbounded = join("alice", None).unwrap();
        assert_eq!(shares.lock()["alice"].sessions, 3);
        drop((again, unbounded, second));
        assert!(shares.lock().is_empty());
    }
}
