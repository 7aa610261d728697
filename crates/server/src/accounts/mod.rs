//! Who may log in, and what they may then do.
//!
//! A refusal is the same for an unknown user, a wrong password and a user without a password:
//! in its text, in the work it costs, and in how long its answer is held back (spec S-26, S-28).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use thirdhost_proto::server::{Permissions, VirtualPath};
use thirdhost_sockets::{Clock, Random, Threads, World};
use thirdhost_wire::Password;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Require;
use crate::limits::{HASHES_AT_ONCE, REFUSALS_HELD_MAX};

mod admission;
mod attempts;
mod bounds;
mod hash;
mod held;
mod remembered;
mod throttle;

pub use admission::{Admission, LoginBy};
pub use bounds::{Bounds, Rates};
pub use hash::{PasswordHash, PasswordHashError};

use attempts::{Attempt, Attempts};
use held::Held;
use remembered::Remembered;

/// Someone who has logged in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// The name, as USER gave it.
    pub name: String,
    /// The home beneath the root: components joined by `/`, empty for the root itself.
    pub home: String,
    /// What may be done with files.
    pub permissions: Permissions,
    /// Which third hosts may be met; `None`: none.
    pub third_party: Option<ThirdPartyGrant>,
    /// Whether the user may see who else is here. Key `operator`.
    pub operator: bool,
    /// How much may be taken.
    pub bounds: Bounds,
    /// How the user gets in beside, or in place of, the password.
    pub admission: Admission,
    /// Whether this is the account that needs no password.
    pub anonymous: bool,
}

/// Which third hosts a user may meet (spec S-10, S-11; design D12). Key `third_party`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ThirdPartyGrant {
    /// Networks that may be sent to.
    pub send_to: Vec<IpNet>,
    /// Networks that may be received from.
    pub receive_from: Vec<IpNet>,
    /// Ports below 1024 that may be called all the same.
    pub privileged_ports: Vec<u16>,
    /// Ports of third hosts that may be called; `None`: all but those below 1024.
    pub ports: Option<RangeInclusive<u16>>,
    /// Where files lie that third hosts may have or bring, as the user sees it; empty: anywhere.
    pub paths: Vec<VirtualPath>,
    /// Whether data connections with third hosts have to be under TLS.
    pub tls: bool,
}

/// A user who has to show a password.
#[derive(Clone, Debug)]
pub struct User {
    /// What the user may do.
    pub account: Account,
    /// What the password hashes to; `None`: cannot log in.
    pub password: Option<PasswordHash>,
}

/// Everyone who may log in.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    /// Users with passwords.
    pub users: Vec<User>,
    /// The account behind `anonymous` and `ftp`, where there is one.
    pub anonymous: Option<Account>,
}

impl Roll {
    /// Whether some user's hash takes less work than another's.
    pub(crate) fn hashes_differ_in_cost(&self) -> bool {
        let mut hashes = self.users.iter().filter_map(|user| user.password.as_ref());
        hashes
            .next()
            .is_some_and(|first| hashes.any(|hash| hash.work() != first.work()))
    }
}

/// A PASS that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("login refused")]
#[non_exhaustive]
pub struct Refused {
    /// How long to hold the answer back (design D16), without holding up other sessions.
    pub answer_after: Duration,
}

/// Checks passwords, at a bounded rate. One for the whole server.
#[derive(Debug)]
pub struct Accounts {
    known: Arc<Mutex<Arc<Known>>>,
    hashing: Arc<Semaphore>,
    remembered: Remembered,
    failures: Mutex<Attempts>,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    threads: Arc<dyn Threads>,
}

impl Accounts {
    /// Accounts for `roll`. The clock ages failures, chance blurs when they are answered, and
    /// passwords are hashed on threads of their own.
    #[must_use]
    pub fn new(roll: Roll, world: &World) -> Self {
        Self {
            known: Arc::new(Mutex::new(Arc::new(Known::from(roll)))),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            remembered: Remembered::new(&*world.random),
            failures: Mutex::default(),
            held: Arc::default(),
            clock: Arc::clone(&world.clock),
            random: Arc::clone(&world.random),
            threads: Arc::clone(&world.threads),
        }
    }

    /// Puts another roll in the place of this one (SIGHUP). Sessions keep the home and the
    /// permissions they logged in with; whom they may meet is asked of the new roll (S-15).
    pub fn replace(&self, roll: Roll) {
        *lock(&self.known) = Arc::new(Known::from(roll));
        self.remembered.clear();
    }

    /// Which third hosts the user `name` may meet, whenever it is asked.
    #[must_use]
    pub fn grant_of(&self, name: &str) -> CurrentGrant {
        CurrentGrant {
            known: Arc::clone(&self.known),
            name: name.to_owned(),
        }
    }

    /// Whether `name` logs in without a password.
    #[must_use]
    pub fn is_anonymous(&self, name: &str) -> bool {
        is_reserved(name) && lock(&self.known).anonymous.is_some()
    }

    /// Whether some user logs in by certificate, so that clients are to be asked for theirs.
    #[must_use]
    pub fn know_certificates(&self) -> bool {
        lock(&self.known).know_certificates
    }

    /// Whether what USER is to be answered depends on who it is, anonymous apart.
    #[must_use]
    pub fn differ(&self) -> bool {
        lock(&self.known).differ
    }

    /// The rule about clear text that the user `name` has; `None`: the server's.
    #[must_use]
    pub fn require_of(&self, name: &str) -> Option<Require> {
        let known = Arc::clone(&lock(&self.known));
        known.users.get(name)?.account.admission.require
    }

    /// Who `name` is if the certificate that was shown in the handshake says so by itself; `None`
    /// where the password is needed, or nothing will do.
    #[must_use]
    pub fn recognize(&self, name: &str, shown: &[u8; 32]) -> Option<Account> {
        let known = Arc::clone(&lock(&self.known));
        let user = known.users.get(name)?;
        let Admission { login, .. } = user.account.admission;
        let alone = login == LoginBy::Either;
        let knows = user.account.admission.knows(Some(shown));
        (alone && knows).then(|| user.account.clone())
    }

    /// Checks the password that `name` sent from `peer`, where `shown` is the fingerprint of the
    /// certificate that the client has shown in the handshake, if it has. The answer to a refusal
    /// is to be held back as [`Refused::answer_after`] says; the caller waits, with its own clock.
    ///
    /// # Errors
    /// When the user is unknown, the password wrong or missing, or the address held off. Nothing
    /// tells which.
    ///
    /// # Cancel safety
    /// May be dropped; a hash that runs then runs to its end and is still counted against the
    /// bound on hashing. Nothing is remembered of the attempt.
    pub async fn authenticate(
        &self,
        name: &str,
        password: &Password,
        shown: Option<&[u8; 32]>,
        peer: IpAddr,
    ) -> Result<Account, Refused> {
        let known = Arc::clone(&lock(&self.known));
        if let Some(account) = known.anonymous.as_ref().filter(|_| is_reserved(name)) {
            return Ok(account.clone());
        }
        let attempt = Attempt::new(throttled_as(peer), name);
        self.admit(&attempt)?;
        let user = known.users.get(name);
        let hash = user.and_then(|user| user.password.as_ref());
        // A password that is right may still need the certificate beside it.
        let does = |user: &&User| user.account.admission.password_does(shown);
        let again =
            hash.is_some_and(|hash| self.remembered.holds(hash, password, self.clock.now()));
        if let Some(user) = user.filter(|_| again).filter(does) {
            lock(&self.failures).succeed(&attempt, self.clock.now());
            return Ok(user.account.clone());
        }
        let Ok(turn) = Arc::clone(&self.hashing).acquire_owned().await else {
            return Err(self.refuse(attempt));
        };
        // SECURITY: attempts that waited for their turn together do not escape being counted.
        self.admit(&attempt)?;
        // SECURITY: an unknown user costs the same work as a known one (spec S-26).
        let checked = matches(
            &*self.threads,
            turn,
            hash.unwrap_or(&known.nobody),
            password,
        )
        .await;
        // SECURITY: the turn is given back only when the outcome has been counted, so that no
        // attempt is let through between the two.
        let (matches, _turn) =
            checked.map_or((false, None), |(matches, turn)| (matches, Some(turn)));
        match user.zip(hash).filter(|(user, _)| matches && does(user)) {
            Some((user, hash)) => {
                self.remembered.keep(hash, password, self.clock.now());
                lock(&self.failures).succeed(&attempt, self.clock.now());
                Ok(user.account.clone())
            }
            None => Err(self.refuse(attempt)),
        }
    }

    /// Counts one more answer that is held back from the host of `peer`, for as long as what is
    /// returned lives; `None` when there are too many already.
    pub(crate) fn hold(&self, peer: IpAddr) -> Option<Held> {
        Held::take(&self.held, throttled_as(peer), REFUSALS_HELD_MAX)
    }

    /// SECURITY: whoever does not wait for the answer, but tries again over another connection,
    /// learns nothing from a right guess (spec S-27).
    fn admit(&self, attempt: &Attempt) -> Result<(), Refused> {
        match lock(&self.failures).held_off(attempt, self.clock.now()) {
            None => Ok(()),
            Some(left) => Err(Refused {
                answer_after: self.blurred(left),
            }),
        }
    }

    fn refuse(&self, attempt: Attempt) -> Refused {
        let penalty = lock(&self.failures).fail(attempt, self.clock.now());
        Refused {
            answer_after: self.blurred(penalty),
        }
    }

    /// Adds up to a sixteenth, so that the time of an answer says little (spec S-26).
    fn blurred(&self, penalty: Duration) -> Duration {
        let most = u32::try_from(penalty.as_millis() / 16).unwrap_or(u32::MAX);
        penalty + Duration::from_millis(u64::from(self.random.below(most)))
    }
}

/// Whether the password is the hashed one, and the turn that this took. The turn moves into the
/// task: a session that ends does not make room for another hash while its own still runs.
/// `None`, which is no match, when the task did not come to its end.
async fn matches(
    threads: &dyn Threads,
    turn: OwnedSemaphorePermit,
    hash: &PasswordHash,
    password: &Password,
) -> Option<(bool, OwnedSemaphorePermit)> {
    let (hash, password) = (hash.clone(), password.clone());
    let hashing = threads.run(move || (hash.matches(&password), turn));
    hashing.await
}

/// Which third hosts a user may meet, as the roll has it at the moment of asking.
#[derive(Clone, Debug)]
pub struct CurrentGrant {
    known: Arc<Mutex<Arc<Known>>>,
    name: String,
}

impl CurrentGrant {
    /// The grant now; `None` when the user has none, or is gone.
    #[must_use]
    pub fn now(&self) -> Option<ThirdPartyGrant> {
        let known = Arc::clone(&lock(&self.known));
        let user = known.users.get(&self.name)?;
        user.account.third_party.clone()
    }
}

/// The roll, made ready for look-up.
#[derive(Debug)]
struct Known {
    users: HashMap<String, User>,
    anonymous: Option<Account>,
    nobody: PasswordHash,
    know_certificates: bool,
    differ: bool,
}

impl From<Roll> for Known {
    fn from(roll: Roll) -> Self {
        let hashes = roll.users.iter().filter_map(|user| user.password.as_ref());
        let costliest = hashes.max_by_key(|hash| hash.work());
        let admissions = || roll.users.iter().map(|user| &user.account.admission);
        Self {
            nobody: PasswordHash::nobody(costliest),
            know_certificates: admissions().any(|user| !user.certificates.is_empty()),
            differ: admissions().any(Admission::matters),
            users: roll
                .users
                .into_iter()
                .map(|user| (user.account.name.clone(), user))
                .collect(),
            anonymous: roll.anonymous,
        }
    }
}

/// Whether a name means the anonymous user, whether or not there is one.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case("anonymous") || name.eq_ignore_ascii_case("ftp")
}

/// Whose failures are counted together: an IPv4 address, or the /64 that one IPv6 host owns.
fn throttled_as(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(host) => host.into(),
        IpAddr::V6(host) => Ipv6Addr::from_bits(host.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// A table is whole after every statement, so that a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
