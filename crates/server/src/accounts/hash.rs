//! Passwords as they are kept: argon2id (spec S-29a).

use std::fmt;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use thirdhost_wire::Password;

use crate::limits::{HASH_MEMORY_KIB_MAX, HASH_PASSES_MAX};

/// What a password hashes to: an argon2id string in PHC form. `Debug` does not show it.
#[derive(Clone)]
pub struct PasswordHash {
    phc: String,
    params: Params,
}

impl PasswordHash {
    /// Hashes a password with a salt of its own. Takes tens of milliseconds and about 20 MiB.
    ///
    /// # Errors
    /// When the system has no randomness or no memory to give.
    pub fn of(password: &Password) -> Result<Self, PasswordHashError> {
        let hashed = Argon2::default().hash_password(password.reveal().as_bytes());
        let hashed: phc::PasswordHash = hashed.map_err(|_| PasswordHashError::Failed)?;
        Self::try_from(hashed.to_string().as_str())
    }

    /// A hash that no password has, and that takes as much work to check as `like`.
    pub(super) fn nobody(like: Option<&Self>) -> Self {
        let params = like.map_or_else(Params::default, |hash| hash.params.clone());
        let phc = format!(
            "$argon2id$v=19$m={},t={},p={}$bm9ib2R5IGF0IGFsbA${ZEROS}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
        );
        Self { phc, params }
    }

    /// Whether this is the password. Takes as long as hashing it, and the memory goes back to the
    /// system with the answer.
    #[must_use]
    pub fn matches(&self, password: &Password) -> bool {
        self.check(password).unwrap_or(false)
    }

    /// `None` when it cannot be said: there is no memory to give.
    fn check(&self, password: &Password) -> Option<bool> {
        let hash = phc::PasswordHash::new(&self.phc).ok()?;
        let (salt, expected) = (hash.salt?, hash.hash?);
        let version = hash
            .version
            .map_or(Ok(Version::default()), Version::try_from);
        let argon2 = Argon2::new(Algorithm::Argon2id, version.ok()?, self.params.clone());
        let mut memory = memory(self.params.block_count())?;
        let mut found = [0; phc::Output::MAX_LENGTH];
        let found = found.get_mut(..expected.len())?;
        argon2
            .hash_password_into_with_memory(
                password.reveal().as_bytes(),
                &salt,
                found,
                memory.as_mut_slice(),
            )
            .ok()?;
        // SECURITY: the comparison of two outputs takes the same time wherever they differ.
        Some(phc::Output::new(found).ok()? == expected)
    }

    /// The string that goes into the users file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.phc
    }

    /// What a check costs: KiB filled in all passes, then lanes.
    pub(super) fn work(&self) -> (u64, u32) {
        let filled = u64::from(self.params.m_cost()) * u64::from(self.params.t_cost());
        (filled, self.params.p_cost())
    }
}

impl TryFrom<&str> for PasswordHash {
    type Error = PasswordHashError;

    fn try_from(text: &str) -> Result<Self, PasswordHashError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordHashError::NotArgon2id)?;
        if hash.algorithm != ARGON2ID_IDENT || hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordHashError::NotArgon2id);
        }
        let params = Params::try_from(&hash).map_err(|_| PasswordHashError::NotArgon2id)?;
        if params.m_cost() > HASH_MEMORY_KIB_MAX || params.t_cost() > HASH_PASSES_MAX {
            return Err(PasswordHashError::TooCostly);
        }
        Ok(Self {
            phc: text.to_owned(),
            params,
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Why a string cannot stand for a password. The string is not repeated: it may be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordHashError {
    /// It is no argon2id hash.
    #[error(
        "not an argon2id hash; expected a string that begins with $argon2id$, \
         as `thirdhostd user set` writes it"
    )]
    NotArgon2id,
    /// Checking it would take too much of the machine.
    #[error(
        "the hash costs too much to check; expected at most \
         m={HASH_MEMORY_KIB_MAX} and t={HASH_PASSES_MAX}"
    )]
    TooCostly,
    /// The system has no randomness or no memory to give.
    #[error("the password cannot be hashed")]
    Failed,
}

/// So many blocks, in an allocation so large that the allocator asks the system for it alone and
/// gives it back at once. A smaller one stays with the thread that has hashed (glibc keeps it in
/// the thread's arena), and every thread of the runtime hashes once in a while: the bound on
/// hashes at once would be none on memory. What is not written to takes no memory.
fn memory(blocks: usize) -> Option<Vec<Block>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(BLOCKS_MAPPED)).ok()?;
    memory.resize(blocks, Block::new());
    Some(memory)
}

/// Blocks of 1 KiB: just above what glibc ever keeps (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)).
const BLOCKS_MAPPED: usize = 33 * 1024;

/// Thirty-two zero bytes in the Base64 of PHC strings.
const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: PasswordHashError) {
        assert_eq!(
            PasswordHash::try_from(text).map(|_| ()),
            Err(expected),
            "{text}"
        );
    }

    //= security#S-29a
    //= type=test
    #[test]
    fn only_argon2id_within_bounds_is_taken() {
        use PasswordHashError::{NotArgon2id, TooCostly};
        check("", NotArgon2id);
        check("secret", NotArgon2id);
        check("$argon2id$", NotArgon2id);
        check("$argon2id$v=19$m=8,t=1,p=1", NotArgon2id);
        check(
            &format!("$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ${ZEROS}"),
            NotArgon2id,
        );
        check(
            &format!("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ${ZEROS}"),
            NotArgon2id,
        );
        check(
            &format!("$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ${ZEROS}"),
            TooCostly,
        );
        check(
            &format!("$argon2id$v=19$m=8,t=17,p=1$c29tZXNhbHQ${ZEROS}"),
            TooCostly,
        );
        let least = format!("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ${ZEROS}");
        assert!(PasswordHash::try_from(least.as_str()).is_ok());
    }

    #[test]
    fn a_hash_matches_its_password_and_no_other() {
        let right = Password::try_from("correct horse").unwrap();
        let wrong = Password::try_from("correct house").unwrap();
        let hash = PasswordHash::of(&right).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$"));
        assert!(hash.matches(&right));
        assert!(!hash.matches(&wrong));
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    #[test]
    fn nobody_costs_the_same_and_is_a_whole_hash() {
        let like = format!("$argon2id$v=19$m=16,t=3,p=2$c29tZXNhbHQ${ZEROS}");
        let like = PasswordHash::try_from(like.as_str()).unwrap();
        for model in [None, Some(&like)] {
            let nobody = PasswordHash::nobody(model);
            let parsed = PasswordHash::try_from(nobody.as_str()).unwrap();
            assert_eq!(parsed.work(), nobody.work());
        }
        assert_eq!(PasswordHash::nobody(Some(&like)).work(), like.work());
    }
}
