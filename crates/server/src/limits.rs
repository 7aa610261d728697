//! Every bound of the server: its name, its value and the reason for it (spec S-51 to S-57).
//!
//! What an operator may set is in [`crate::config`]; what is here is fixed. What bounds one room
//! alone is in that room: line and reply lengths in `wire`, queued commands in `proto`, rejected
//! peers in `sockets`, batches and buffers in `store` and `dtp`.

use std::time::Duration;

use thirdhost_proto::server::Limits;

use crate::config::Config;

/// The bounds of one session, as its server-PI takes them.
#[must_use]
pub fn session(config: &Config) -> Limits {
    Limits {
        login: LOGIN_TIMEOUT,
        idle: config.sessions.idle,
        reservation: RESERVATION_IDLE,
        login_failures: LOGIN_FAILURES_MAX,
        protocol_errors: PROTOCOL_ERRORS_MAX,
        unknown_before_login: UNKNOWN_BEFORE_LOGIN_MAX,
    }
}

/// The malformed lines in a row after which a session is closed with 421 (spec S-57): a user-PI
/// that has lost the thread does not find it again.
pub const PROTOCOL_ERRORS_MAX: u32 = 10;

/// The unknown commands before a login after which a session is closed with 421 (spec S-38):
/// whoever speaks here, it is not FTP.
pub const UNKNOWN_BEFORE_LOGIN_MAX: u32 = 3;

/// The failed PASS commands after which a session is closed with 421 (spec S-25).
pub const LOGIN_FAILURES_MAX: u32 = 3;

/// How long a session may stay without a login (spec S-53).
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How long replies may wait for a user-PI that reads none of them; then the session is closed.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long replies wait for those to commands that are there already, to go out in one packet:
/// long enough for a few dozen that take no waiting, not felt on any way that is long.
pub const GATHERING: Duration = Duration::from_millis(2);

/// How often a session that reads no more commands, because it holds as many as it may, looks
/// whether its user is still there: half of the second in which all is to be released (spec S-51).
pub const DEAF: Duration = Duration::from_millis(500);

/// How long a session that is over waits for its user to take what has been answered, and the end
/// of TLS behind it: with [`DEAF`] less than the second in which all is to be released (S-51).
pub const FAREWELL: Duration = Duration::from_millis(400);

/// How much that a user who is gone had sent, and nobody read, is read before his connection is
/// closed: with some of it unread, the system would throw away replies that are on their way.
pub const UNREAD_BYTES_MAX: usize = 1024 * 1024;

/// How long a transfer may move no byte (spec S-53).
pub const STALL_TIMEOUT: Duration = Duration::from_secs(300);

/// How long after the end of a file from the user's own host the control connection may still
/// tell that the user's process has died (spec M-14, S-51): Linux closes the sockets of a killed
/// process within microseconds, often the data connection first; a busy machine takes longer. Each
/// such upload takes that much longer.
pub const LAST_WORD: Duration = Duration::from_millis(5);

/// How long a reserved data socket may stay unused (spec A-23, `listen_idle_timeout`).
pub const RESERVATION_IDLE: Duration = Duration::from_secs(300);

/// How long a TLS handshake may take (spec S-39a, S-53).
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

/// Sessions with commands sent ahead that have a thread of their own at the same time; others
/// share the threads for work that blocks, of which the runtime has 512.
pub const BUSY_SESSIONS: usize = 64;

/// Directories that a session with commands sent ahead finds open from the command before: a tree
/// is copied one directory after the other, and commands of two are in flight where one ends.
pub const HELD_DIRECTORIES_MAX: usize = 2;

/// Descriptors held back, so that a caller can be told 421 when there are no others (spec S-52):
/// more callers at a time than that wait in the backlog until others have read why.
pub const SPARE_DESCRIPTORS: usize = 16;

/// Connection requests the control listener queues.
pub const CONTROL_BACKLOG: u32 = 1024;

/// Stars in one listing pattern (spec S-54).
pub const PATTERN_STARS_MAX: usize = 3;

/// Names that one pattern may match (spec S-54).
pub const PATTERN_MATCHES_MAX: usize = 10_000;

/// Files hashed at the same time (spec S-58). Each keeps a core and the disk busy: more at once
/// would starve the sessions that move files.
pub const FILE_HASHES_AT_ONCE: usize = 4;

/// The octets that one HASH may read (spec S-58): a few minutes of a disk's time. RANG lets a
/// user go on with the next part of a larger file.
pub const HASH_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// The largest file that SIZE counts in TYPE A (spec S-58): it is read whole for the line ends,
/// while the session waits; a larger one is refused.
pub const ASCII_SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Passwords hashed at the same time. Each takes about 20 MiB and a core for tens of
/// milliseconds: more at once would starve the sessions that move files.
pub const HASHES_AT_ONCE: usize = 2;

/// Users whose password is remembered as right; the oldest makes room.
pub const VERIFIED_MAX: usize = 4096;

/// How long a password is remembered as right after it was hashed in full.
pub const VERIFIED_KEPT: Duration = Duration::from_secs(15 * 60);

/// The memory one password hash may ask for, in KiB: 256 MiB, so that a line in the users file
/// cannot take the machine.
pub const HASH_MEMORY_KIB_MAX: u32 = 256 * 1024;

/// The passes one password hash may ask for.
pub const HASH_PASSES_MAX: u32 = 16;

/// The answer to the first failed PASS is held back this long; each further failure doubles it
/// (design D16: with the third come about the 5 s of RFC 2577 section 5).
pub const PENALTY_FIRST: Duration = Duration::from_secs(1);

/// The longest an answer is held back (spec S-27): never a permanent lock-out.
pub const PENALTY_MAX: Duration = Duration::from_secs(15 * 60);

/// How long after the last failure one is forgotten, and after how long again the next one: who
/// guesses for ever gets a dozen guesses an hour.
pub const FAILURE_FADES: Duration = Duration::from_secs(5 * 60);

/// More failures than these are not counted: the penalty is the longest already, and so all are
/// forgotten within the hour.
pub const FAILURES_COUNTED_MAX: u32 = 11;

/// Refusals of one host that are held back at the same time; each holds a session, and who has
/// more is told 421 at once.
pub const REFUSALS_HELD_MAX: usize = 8;

/// The failures after which attempts made before the penalty is over are not even checked: a
/// guesser who does not wait for the answer would otherwise pay nothing.
pub const FAILURES_UNTIL_HELD_OFF: u32 = 5;

/// Addresses, user names, and pairs of both, whose failures are remembered; the oldest make room.
pub const PENALTIES_MAX: usize = 4096;

/// The longest user name that is looked at, in bytes.
pub const USER_NAME_BYTES_MAX: usize = 64;

/// Third hosts that one user may name in a minute (spec S-6).
pub const THIRD_HOSTS_PER_MINUTE: usize = 20;

/// Users whose third hosts are remembered; the one least lately active makes room.
pub const TARGET_USERS_MAX: usize = 4096;

/// The default of `limits.sessions`.
pub const SESSIONS: usize = 10_000;

/// The default of `limits.sessions_per_host`.
pub const SESSIONS_PER_HOST: usize = 100;

/// The default of `limits.idle_seconds` (spec S-53).
pub const IDLE: Duration = Duration::from_secs(300);

/// The default of `data.accept_seconds`. 45 s, as long as a silent host is borne: then a server
/// that waits for one that was cut off is free within the minute. (Spec A-23 and S-53 have 60 s.)
pub const ACCEPT: Duration = thirdhost_sockets::SILENCE_MAX;

/// The least `data.accept_seconds`: RFC 614 item 3 asks for at least 15 seconds (spec A-23).
pub const ACCEPT_SECONDS_MIN: u64 = 15;

/// The default of `partial_hours`: over a weekend.
pub const PARTIAL: Duration = Duration::from_secs(72 * 60 * 60);

/// The default of `drain_seconds`: what service managers wait for before they kill.
pub const DRAIN: Duration = Duration::from_secs(30);

/// Parts of one file that are being stored or have come, one behind the other, at the same time:
/// more connections do not fill a path better, and each part is looked for among all.
pub const PARTS_MAX: usize = 64;

/// How many octets of an upload come between two looks at the free space (spec S-59): each asks
/// the system, and uploads that run at once may overshoot by that much each. A file that is shorter
/// is looked at when it begins and not again: another question for each small file is felt.
pub const FREE_SPACE_INTERVAL: u64 = 8 * 1024 * 1024;

/// How long the count of a home with a quota is believed (spec S-59): what comes there by other
/// ways than ours is found that late.
pub const USAGE_KEPT: Duration = Duration::from_secs(60 * 60);

/// How long a home that is full is not counted anew, at least: a user who tries again and again
/// does not keep the disk busy.
pub const USAGE_PAUSE_MIN: Duration = Duration::from_millis(500);

/// How many times the time it took to count a home must pass before it is counted anew.
pub const USAGE_PAUSE_RATIO: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_bounded_as_the_specification_says() {
        let mut config = Config::quick_start(".");
        assert_eq!(session(&config), Limits::default());
        config.sessions.idle = Duration::from_secs(7);
        assert_eq!(session(&config).idle, Duration::from_secs(7));
    }
}
