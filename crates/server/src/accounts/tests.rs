//! Logins: the same refusal for all, later each time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::limits::{FAILURES_UNTIL_HELD_OFF, PENALTY_FIRST};
use crate::policy::ThirdPartyPolicy;

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Chance that always gives the most.
#[derive(Debug)]
struct Most;

impl Random for Most {
    fn below(&self, bound: u32) -> u32 {
        bound.saturating_sub(1)
    }
}

/// Chance that always gives the least.
#[derive(Debug)]
struct Least;

impl Random for Least {
    fn below(&self, _: u32) -> u32 {
        0
    }
}

fn world(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> World {
    World {
        clock,
        random,
        ..World::real()
    }
}

struct Office {
    runtime: Runtime,
    clock: Arc<Hand>,
    accounts: Accounts,
}

impl Office {
    fn new(roll: Roll) -> Self {
        let clock = Arc::new(Hand::default());
        Self {
            runtime: Builder::new_current_thread().build().unwrap(),
            accounts: Accounts::new(roll, &world(clock.clone(), Arc::new(Least))),
            clock,
        }
    }

    fn log_in(&self, name: &str, password: &str, peer: &str) -> Result<Arc<Account>, Refused> {
        let password = Password::try_from(password).unwrap();
        self.runtime.block_on(self.accounts.authenticate(
            name,
            &password,
            None,
            peer.parse().unwrap(),
        ))
    }
}

fn account(name: &str, anonymous: bool) -> Account {
    Account {
        name: name.to_owned(),
        home: String::new(),
        permissions: Permissions::read_only(),
        third_party: None,
        operator: false,
        bounds: Bounds::default(),
        admission: Admission::default(),
        anonymous,
    }
}

/// `alice` with the password `right`, and `carol` without one.
fn roll() -> Roll {
    let alice = User {
        account: account("alice", false),
        password: Some(cheap_hash("right")),
    };
    let carol = User {
        account: account("carol", false),
        password: None,
    };
    Roll {
        users: vec![alice, carol],
        anonymous: None,
    }
}

/// A hash that takes no time, so that tests take none.
fn cheap_hash(password: &str) -> PasswordHash {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hashed: argon2::PasswordHash = argon2.hash_password(password.as_bytes()).unwrap();
    PasswordHash::try_from(hashed.to_string().as_str()).unwrap()
}

const PEER: &str = "192.0.2.1";
const OTHER_PEER: &str = "192.0.2.2";

#[test]
fn the_right_password_opens_the_account() {
    let office = Office::new(roll());
    assert_eq!(office.log_in("alice", "right", PEER).unwrap().name, "alice");
}

//= security#S-28
//= type=test
#[test]
fn unknown_wrong_and_disabled_are_refused_alike() {
    let check = |name: &str, password: &str| {
        let office = Office::new(roll());
        let refused = office.log_in(name, password, PEER).unwrap_err();
        assert_eq!(
            refused,
            Refused {
                answer_after: PENALTY_FIRST
            },
            "{name}"
        );
        assert_eq!(refused.to_string(), "login refused");
    };
    check("alice", "wrong");
    check("alice", "");
    check("Alice", "right");
    check("nobody", "right");
    check("carol", "right");
    check("carol", "");
    check("anonymous", "me@example.org");
    check(&"x".repeat(4000), "right");
}

//= security#S-26
//= type=test
#[test]
fn an_unknown_user_costs_the_work_of_the_costliest_known_one() {
    let mut roll = roll();
    let costly =
        "$argon2id$v=19$m=64,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let costly = PasswordHash::try_from(costly).unwrap();
    roll.users.push(User {
        account: account("bob", false),
        password: Some(costly.clone()),
    });
    assert!(roll.hashes_differ_in_cost());
    assert_eq!(Known::from(roll).nobody.work(), costly.work());
}

//= security#S-26
//= type=test
#[test]
fn each_refusal_takes_one_hash_whoever_is_named() {
    // The permits are taken away: whoever hashes has to wait, and then the attempt is pending.
    let pending = |name: &str| {
        let office = Office::new(roll());
        let hashing = Arc::clone(&office.accounts.hashing);
        let all = hashing
            .try_acquire_many_owned(u32::try_from(HASHES_AT_ONCE).unwrap())
            .unwrap();
        let password = Password::try_from("wrong").unwrap();
        let peer = PEER.parse().unwrap();
        office.runtime.block_on(async {
            let mut attempt = Box::pin(office.accounts.authenticate(name, &password, None, peer));
            let waits = futures_util::poll!(&mut attempt).is_pending();
            drop(all);
            assert!(attempt.await.is_err());
            waits
        })
    };
    assert!(pending("alice") && pending("carol") && pending("nobody"));
}

#[test]
fn who_logs_in_again_costs_no_hash_until_the_users_are_read_anew() {
    let office = Office::new(roll());
    // As above: whoever hashes has to wait.
    let hashes = |password: &str| {
        let hashing = Arc::clone(&office.accounts.hashing);
        let most = u32::try_from(HASHES_AT_ONCE).unwrap();
        let all = hashing.try_acquire_many_owned(most).unwrap();
        let password = Password::try_from(password).unwrap();
        office.runtime.block_on(async {
            let peer = PEER.parse().unwrap();
            let mut attempt =
                Box::pin(office.accounts.authenticate("alice", &password, None, peer));
            let waits = futures_util::poll!(&mut attempt).is_pending();
            drop(all);
            if waits {
                attempt.await.ok();
            }
            waits
        })
    };
    assert!(hashes("right"));
    assert!(!hashes("right"));
    assert!(hashes("wrong"));
    assert!(!hashes("right"));
    office.accounts.replace(roll());
    assert!(hashes("right"));
}

#[test]
fn a_remembered_password_does_not_stand_for_the_certificate_that_is_needed_beside_it() {
    let mut roll = roll();
    let certificate = [7; 32];
    for user in &mut roll.users {
        user.account.admission.certificates = vec![certificate];
        user.account.admission.login = LoginBy::Both;
    }
    let office = Office::new(roll);
    let password = Password::try_from("right").unwrap();
    let gets_in = |shown: Option<&[u8; 32]>| {
        let peer = PEER.parse().unwrap();
        let attempt = office
            .accounts
            .authenticate("alice", &password, shown, peer);
        office.runtime.block_on(attempt).is_ok()
    };
    assert!(gets_in(Some(&certificate)));
    assert!(!gets_in(None));
}

#[test]
fn failures_hold_answers_back_longer_until_a_login() {
    let office = Office::new(roll());
    let wait = |password: &str, peer: &str| {
        office
            .log_in("alice", password, peer)
            .map_err(|refused| refused.answer_after.as_secs())
    };
    assert_eq!(wait("wrong", PEER).unwrap_err(), 1);
    assert_eq!(wait("wrong", PEER).unwrap_err(), 2);
    assert_eq!(wait("wrong", PEER).unwrap_err(), 4);
    assert_eq!(
        wait("wrong", OTHER_PEER).unwrap_err(),
        8,
        "the name is counted, too"
    );
    assert!(wait("right", PEER).is_ok());
    assert_eq!(
        wait("wrong", PEER).unwrap_err(),
        2,
        "what failed elsewhere was not his"
    );
}

#[test]
fn a_password_that_is_remembered_does_not_stand_in_for_a_certificate() {
    let mut roll = roll();
    let admission = &mut roll.users[0].account.admission;
    admission.certificates = vec![[7; 32]];
    admission.login = LoginBy::Both;
    let office = Office::new(roll);
    let log_in = |shown: Option<&[u8; 32]>| {
        let password = Password::try_from("right").unwrap();
        let peer = PEER.parse().unwrap();
        let checked = office
            .accounts
            .authenticate("alice", &password, shown, peer);
        office.runtime.block_on(checked).is_ok()
    };
    assert!(!log_in(None));
    assert!(log_in(Some(&[7; 32])));
    assert!(!log_in(None));
    assert!(!log_in(Some(&[8; 32])));
}

#[test]
fn an_account_of_ones_own_makes_no_guesses_at_others_good() {
    let mut roll = roll();
    roll.users.push(User {
        account: account("mallory", false),
        password: Some(cheap_hash("own")),
    });
    let office = Office::new(roll);
    let guess = |number: u64| {
        let name = format!("user{number}");
        let refused = office.log_in(&name, "guess", PEER).unwrap_err();
        let logged_in = office.log_in("mallory", "own", PEER).is_ok();
        (refused.answer_after.as_secs(), logged_in)
    };
    let guesses: Vec<_> = (0..6).map(guess).collect();
    let (open, shut) = (true, false);
    assert_eq!(
        guesses,
        [
            (1, open),
            (2, open),
            (4, open),
            (8, open),
            (16, shut),
            (16, shut)
        ]
    );
}

#[test]
fn slips_made_good_leave_no_trace() {
    let office = Office::new(roll());
    for _ in 0..20 {
        let refused = office.log_in("alice", "slip", PEER).unwrap_err();
        assert_eq!(refused.answer_after, PENALTY_FIRST);
        assert!(office.log_in("alice", "right", PEER).is_ok());
    }
}

//= security#S-27
//= type=test
#[test]
fn guesses_at_one_name_from_everywhere_are_held_off_and_its_user_is_not() {
    let office = Office::new(roll());
    let log_in = |password: &str, host: u32| {
        let peer = format!("198.51.100.{host}");
        office.log_in("alice", password, &peer).is_ok()
    };
    for host in 0..FAILURES_UNTIL_HELD_OFF {
        assert!(!log_in("wrong", host));
    }
    assert!(!log_in("right", 0), "not even checked");
    assert!(log_in("right", 200));
}

#[test]
fn guesses_that_come_all_at_once_are_counted_one_by_one() {
    let office = Office::new(roll());
    let password = Password::try_from("wrong").unwrap();
    let peer = PEER.parse().unwrap();
    let refusals = office.runtime.block_on(futures_util::future::join_all(
        (0..20).map(|_| office.accounts.authenticate("alice", &password, None, peer)),
    ));
    let longest = refusals.into_iter().map(|refused| refused.unwrap_err());
    let longest = longest.map(|refused| refused.answer_after.as_secs()).max();
    // As many as are hashed at once may be under way when the last that is let through fails.
    let counted = FAILURES_UNTIL_HELD_OFF as usize + HASHES_AT_ONCE;
    let most = PENALTY_FIRST.as_secs() << (counted - 1);
    assert!(longest <= Some(most), "{longest:?}, {most} at most");
}

#[test]
fn failures_of_one_ipv6_network_count_together() {
    let office = Office::new(roll());
    let wait = |name: &str, peer: &str| office.log_in(name, "x", peer).unwrap_err().answer_after;
    assert_eq!(wait("a", "2001:db8::1"), PENALTY_FIRST);
    assert_eq!(wait("b", "2001:db8::ffff:2"), PENALTY_FIRST * 2);
    assert_eq!(wait("c", "2001:db8:0:1::1"), PENALTY_FIRST);
    assert_eq!(wait("d", "192.0.2.7"), PENALTY_FIRST);
    assert_eq!(wait("e", "::ffff:192.0.2.7"), PENALTY_FIRST * 2);
}

//= security#S-27
//= type=test
#[test]
fn a_guesser_who_does_not_wait_is_not_even_checked() {
    let office = Office::new(roll());
    for _ in 0..FAILURES_UNTIL_HELD_OFF {
        assert!(office.log_in("alice", "wrong", PEER).is_err());
    }
    let held_off = office.log_in("alice", "right", PEER).unwrap_err();
    assert_eq!(held_off.answer_after.as_secs(), 16);
    assert!(
        office.log_in("alice", "right", OTHER_PEER).is_ok(),
        "others are not locked out"
    );
    office.clock.0.store(16, Ordering::SeqCst);
    assert!(office.log_in("alice", "right", PEER).is_ok(), "and it ends");
}

//= security#S-26
//= type=test
#[test]
fn the_answer_is_blurred_by_a_sixteenth_at_most() {
    let clock = Arc::new(Hand::default());
    let accounts = Accounts::new(roll(), &world(clock, Arc::new(Most)));
    assert_eq!(
        accounts.blurred(Duration::from_secs(16)),
        Duration::from_millis(16_999)
    );
}

#[test]
fn anonymous_needs_no_password_where_there_is_one() {
    let roll = Roll {
        anonymous: Some(account("anonymous", true)),
        ..roll()
    };
    let office = Office::new(roll);
    for name in ["anonymous", "ftp", "FTP", "Anonymous"] {
        assert!(office.accounts.is_anonymous(name));
        assert!(office.log_in(name, "", PEER).unwrap().anonymous);
    }
    assert!(!office.accounts.is_anonymous("alice"));
    office.accounts.replace(self::roll());
    assert!(!office.accounts.is_anonymous("anonymous"));
    assert!(office.log_in("anonymous", "", PEER).is_err());
}

#[test]
fn a_roll_shows_no_hash() {
    let shown = format!("{:?}", roll());
    assert!(!shown.contains("argon2"), "{shown}");
}

//= security#S-15
//= type=test
#[test]
fn the_policy_of_a_session_follows_the_roll_in_force() {
    let third = "198.51.100.2".parse().unwrap();
    let granting = |third_party| {
        let mut roll = roll();
        roll.users[0].account.third_party = third_party;
        roll
    };
    let grant = ThirdPartyGrant {
        send_to: vec![IpNet::from(third)],
        ..ThirdPartyGrant::default()
    };
    let office = Office::new(granting(Some(grant.clone())));
    let policy = ThirdPartyPolicy::new("192.0.2.1".parse().unwrap(), [], None)
        .following(office.accounts.grant_of("alice"));
    assert!(policy.may_accept(third).send);
    office.accounts.replace(granting(None));
    assert!(!policy.may_accept(third).send);
    office.accounts.replace(granting(Some(grant)));
    assert!(policy.may_accept(third).send);
    office.accounts.replace(Roll::default());
    assert!(!policy.may_accept(third).send, "alice is gone");
}
