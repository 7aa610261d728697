//! Every spelling of a way out, by every verb that takes a path: nothing outside the home is read,
//! made, changed or told of. Spec S-44, S-46, S-47, S-50.

use std::io::Write;

use super::canary::{Guarded, is_innocent};
use super::rounds;
use super::spellings::spellings;
use crate::support::peer;
use crate::support::user::User;

//= security#S-44
//= type=test
//= security#S-46
//= type=test
//= security#S-47
//= type=test
#[test]
fn no_spelling_of_a_path_leads_out_of_the_home() {
    let guarded = Guarded::start();
    let names = spellings(NAMES, guarded.outside.to_str().unwrap());
    // In a short run each name is tried by a few verbs, and each verb with many names.
    let each = rounds(3, QUIET.len());
    let mut user = guarded.user();
    let mut lines = 0;
    for (number, batch) in names.chunks(BATCH).enumerate() {
        for turn in 0..each {
            let template = QUIET[(number * each + turn) % QUIET.len()];
            guarded.lay_traps();
            lines += ask_all(&mut user, template, batch);
        }
    }
    guarded.is_untouched("the verbs without a data connection");
    assert!(lines >= NAMES * each, "{lines}");
}

//= security#S-44
//= type=test
//= security#S-47
//= type=test
#[test]
fn no_spelling_of_a_path_leads_a_transfer_out_of_the_home() {
    let guarded = Guarded::start();
    let names = spellings(NAMES, guarded.outside.to_str().unwrap());
    let each = rounds(1, MOVING.len());
    let mut mover = Mover {
        user: guarded.user(),
        tried: 0,
        moved: 0,
    };
    for (number, batch) in names.chunks(BATCH).enumerate() {
        for turn in 0..each {
            let template = MOVING[(number * each + turn) % MOVING.len()];
            guarded.lay_traps();
            for name in batch {
                mover.try_to(template, name);
            }
        }
    }
    guarded.is_untouched("the verbs with a data connection");
    assert_eq!(mover.tried, NAMES * each);
    assert!(mover.moved > 0, "nothing was ever transferred");
}

/// Sends the lines of a template with each of the names, then reads all that is answered.
fn ask_all(user: &mut User, template: &[&str], names: &[Vec<u8>]) -> usize {
    let mut sent = Vec::new();
    for name in names {
        for line in template.iter().chain(&["CWD /"]) {
            sent.extend(filled(line, name));
        }
    }
    user.send_bytes(&sent);
    for name in names {
        let shown = String::from_utf8_lossy(name);
        let replies: Vec<_> = template.iter().map(|_| user.reply()).collect();
        let end = user.reply();
        assert_eq!(
            end.code, 250,
            "{template:?} {shown:?}: {replies:?} {}",
            end.raw
        );
        for reply in replies {
            assert!((2..=5).contains(&(reply.code / 100)), "{}", reply.raw);
            is_innocent(reply.raw.as_bytes(), &format!("{template:?} {shown:?}"));
        }
    }
    names.len()
}

/// One who takes, or brings, whatever is let through.
struct Mover {
    user: User,
    tried: usize,
    moved: usize,
}

impl Mover {
    fn try_to(&mut self, template: &str, name: &[u8]) {
        let case = format!("{template} {:?}", String::from_utf8_lossy(name));
        self.tried += 1;
        let at = self.user.pasv();
        self.user.send_bytes(&filled(template, name));
        let first = self.user.reply();
        is_innocent(first.raw.as_bytes(), &case);
        if first.code != 150 {
            assert!(
                matches!(first.code, 200 | 450..600),
                "{case}: {}",
                first.raw
            );
            return;
        }
        self.moved += 1;
        let mut data = peer::call("127.0.0.1", at);
        if IN.iter().any(|verb| template.starts_with(verb)) {
            data.write_all(b"overwritten").unwrap();
            drop(data);
        } else {
            is_innocent(&peer::receive_all(data), &case);
        }
        let last = self.user.reply();
        is_innocent(last.raw.as_bytes(), &case);
    }
}

/// The line, with a name in the place of its braces, if it has any.
fn filled(template: &str, name: &[u8]) -> Vec<u8> {
    match template.split_once("{}") {
        Some((before, after)) => [before.as_bytes(), name, after.as_bytes(), b"\r\n"].concat(),
        None => format!("{template}\r\n").into_bytes(),
    }
}

const NAMES: usize = 10_000;

/// Names that are tried between two times that the home is made anew.
const BATCH: usize = 20;

/// Verbs that are answered at once. What `crates/server/tests/verbs/paths.rs` knows of verbs is
/// checked against the table of all; here are those that can do something.
const QUIET: [&[&str]; 25] = [
    &["CWD {}", "PWD", "MLST"],
    &["DELE {}"],
    &["RMD {}"],
    &["MKD {}"],
    &["SIZE {}"],
    &["MDTM {}"],
    &["MDTM 20200102030405 {}"],
    &["MLST {}"],
    &["STAT {}"],
    &["STAT -a {}"],
    &["HASH {}"],
    &["XCRC {}"],
    &["XMD5 \"{}\""],
    &["XSHA {}"],
    &["XSHA256 {}"],
    &["XSHA512 {} 0 9"],
    &["MFMT 20200102030405 {}"],
    &["MFCT 20200102030405 {}"],
    &["MFF Modify=20200102030405;UNIX.mode=0777; {}"],
    &["SITE CHMOD 777 {}"],
    &["SITE UTIME 20200102030405 {}"],
    &["SITE SYMLINK {} link"],
    &["SITE SYMLINK f {}"],
    &["RNFR {}", "RNTO moved"],
    &["RNFR f", "RNTO {}"],
];

/// Verbs that send or take bytes.
const MOVING: [&str; 10] = [
    "RETR {}",
    "STOR {}",
    "APPE {}",
    "STOU {}",
    "LIST {}",
    "LIST -a {}",
    "NLST {}",
    "MLSD {}",
    "ERET P 0 9 {}",
    "ESTO A 0 {}",
];

const IN: [&str; 4] = ["STOR", "APPE", "STOU", "ESTO"];
