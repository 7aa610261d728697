//! Passwords that were found right lately, so that who logs in again does not cost a hash again.
//!
//! SECURITY: what is kept is a keyed hash of the password with the record it was checked against,
//! under a key that this process made for itself and that is written nowhere. It is kept for a
//! bounded number of users and a bounded time, and forgotten when the users are read anew. A
//! wrong password finds nothing here and costs the whole hash, as does that of an unknown user.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thirdhost_sockets::Random;
use thirdhost_wire::Password;

use super::PasswordHash;
use crate::limits::{VERIFIED_KEPT, VERIFIED_MAX};

/// What has been verified, and when.
pub(super) struct Remembered {
    key: [u8; 32],
    verified: Mutex<HashMap<[u8; 32], Duration>>,
}

impl Remembered {
    /// Nothing yet, under a key of its own.
    pub(super) fn new(random: &dyn Random) -> Self {
        let octet = |_| u8::try_from(random.below(256)).unwrap_or_default();
        Self {
            key: std::array::from_fn(octet),
            verified: Mutex::default(),
        }
    }

    /// Whether this password was found to be that of the record, not long before `now`.
    pub(super) fn holds(&self, record: &PasswordHash, password: &Password, now: Duration) -> bool {
        let since = self.lock().get(&self.digest(record, password)).copied();
        since.is_some_and(|since| now.saturating_sub(since) < VERIFIED_KEPT)
    }

    /// The password has been found to be that of the record, with all the work that takes. Where
    /// too many are remembered the oldest makes room.
    pub(super) fn keep(&self, record: &PasswordHash, password: &Password, now: Duration) {
        let digest = self.digest(record, password);
        let mut verified = self.lock();
        verified.retain(|_, since| now.saturating_sub(*since) < VERIFIED_KEPT);
        if verified.len() >= VERIFIED_MAX {
            let oldest = verified.iter().min_by_key(|(_, since)| **since);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                verified.remove(&oldest);
            }
        }
        verified.insert(digest, now);
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// No record holds a NUL, so that no two pairs read alike.
    fn digest(&self, record: &PasswordHash, password: &Password) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(record.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(password.reveal().as_bytes());
        hasher.finalize().into()
    }

    /// The table is whole after every statement.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Duration>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Always(u32);

    impl Random for Always {
        fn below(&self, bound: u32) -> u32 {
            self.0.min(bound.saturating_sub(1))
        }
    }

    fn password(text: &str) -> Password {
        Password::try_from(text).unwrap()
    }

    fn record(salt: &str) -> PasswordHash {
        let zeros = "A".repeat(43);
        let text = format!("$argon2id$v=19$m=8,t=1,p=1${salt}${zeros}");
        PasswordHash::try_from(text.as_str()).unwrap()
    }

    #[test]
    fn only_the_same_password_of_the_same_record_is_remembered_and_not_for_ever() {
        let remembered = Remembered::new(&Always(7));
        let (record, other) = (record("c29tZXNhbHQ"), record("b3RoZXJzYWx0"));
        let then = Duration::from_secs(100);
        remembered.keep(&record, &password("right"), then);
        assert!(remembered.holds(&record, &password("right"), then));
        assert!(!remembered.holds(&record, &password("wrong"), then));
        assert!(!remembered.holds(&record, &password(""), then));
        assert!(!remembered.holds(&other, &password("right"), then));
        let last = then + VERIFIED_KEPT;
        assert!(remembered.holds(&record, &password("right"), last - Duration::from_secs(1)));
        assert!(!remembered.holds(&record, &password("right"), last));
        remembered.clear();
        assert!(!remembered.holds(&record, &password("right"), then));
    }

    #[test]
    fn the_oldest_makes_room() {
        let remembered = Remembered::new(&Always(7));
        let record = record("c29tZXNhbHQ");
        for number in 0..=VERIFIED_MAX {
            let now = Duration::from_millis(number.try_into().unwrap());
            remembered.keep(&record, &password(&number.to_string()), now);
        }
        let now = Duration::from_secs(60);
        assert_eq!(remembered.lock().len(), VERIFIED_MAX);
        assert!(!remembered.holds(&record, &password("0"), now));
        assert!(remembered.holds(&record, &password("1"), now));
        assert!(remembered.holds(&record, &password(&VERIFIED_MAX.to_string()), now));
    }

    #[test]
    fn another_process_keeps_something_else() {
        let (record, right) = (record("c29tZXNhbHQ"), password("right"));
        let [one, other] = [1, 2].map(|key| Remembered::new(&Always(key)));
        assert_ne!(one.digest(&record, &right), other.digest(&record, &right));
        assert_eq!(format!("{one:?}"), "Remembered(…)");
    }
}
