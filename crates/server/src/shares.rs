//! What the sessions of one user share: how many they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The users who are logged in. One for the whole server; as large as there are sessions.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    users: Mutex<HashMap<String, usize>>,
}

impl Shares {
    /// Counts one more session of `user`; `None` when there are `most` already (spec S-52).
    pub(crate) fn join(shares: &Arc<Self>, user: &str, most: Option<usize>) -> Option<UserSeat> {
        let mut users = shares.lock();
        let sessions = users.get(user).copied().unwrap_or(0);
        if most.is_some_and(|most| sessions >= most) {
            return None;
        }
        users.insert(user.to_owned(), sessions + 1);
        Some(UserSeat {
            shares: Arc::clone(shares),
            user: user.to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // The counts are whole at every moment a panic could strike.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place among those of its user. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct UserSeat {
    shares: Arc<Shares>,
    user: String,
}

impl Drop for UserSeat {
    fn drop(&mut self) {
        let mut users = self.shares.lock();
        if let Some(sessions) = users.get_mut(&self.user) {
            *sessions = sessions.saturating_sub(1);
            if *sessions == 0 {
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
        let _second = join("alice", Some(2)).unwrap();
        assert!(join("alice", Some(2)).is_none());
        assert!(join("bob", Some(2)).is_some(), "another user");
        drop(first);
        let again = join("alice", Some(2)).unwrap();
        assert!(join("alice", Some(1)).is_none(), "fewer since a reload");
        let unbounded = join("alice", None).unwrap();
        assert_eq!(shares.lock()["alice"], 3);
        drop((again, unbounded, _second));
        assert!(shares.lock().is_empty());
    }
}
