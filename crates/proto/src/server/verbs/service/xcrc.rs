//! XCRC, XMD5 and XSHA with their kin: hashes as they were asked for before HASH. Spec section 6.

use thirdhost_wire::{ByteRange, ChecksumCommand, Pathname, unquote};

use crate::server::questions::{Asked, HashReply};
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, HashTarget, Permission, Question};

pub(in crate::server) fn checksum(
    pi: &mut ServerPi,
    command: ChecksumCommand,
    argument: &Pathname,
) {
    let Some(whole) = pi.resolve(argument) else {
        return;
    };
    let mut targets = vec![HashTarget {
        path: whole,
        range: None,
    }];
    match other_meanings(argument.as_str()) {
        None => return pi.reply(text::bad_range()),
        Some(meanings) => {
            for (name, range) in meanings {
                let name = Pathname::try_from(name.as_str()).ok();
                // What can be no path is no meaning.
                let path = name.and_then(|name| pi.directory.join(&name).ok());
                targets.extend(path.map(|path| HashTarget { path, range }));
            }
        }
    }
    // Each reading of the argument is a path of its own, with its own permission (spec S-47).
    targets.retain(|target| pi.may(Permission::Read, &target.path));
    if targets.is_empty() {
        return pi.reply(text::no_permission(Permission::Read));
    }
    let algorithm = command.algorithm();
    let question = Question::Hash { algorithm, targets };
    pi.ask(Effect::Ask(question), Asked::Hash(HashReply::Bare));
}

/// What the argument means when nothing has the whole as its name: the quoted name in it, or
/// the name without two numbers behind it. `None` where the numbers are no range.
fn other_meanings(argument: &str) -> Option<Vec<(String, Option<ByteRange>)>> {
    if let Some((name, behind)) = unquote(argument) {
        let range = match behind.trim() {
            "" => None,
            numbers => {
                let (first, end) = numbers.split_once(' ')?;
                Some(range(first, end.trim())?)
            }
        };
        return Some(vec![(name, range)]);
    }
    let mut words = argument.rsplitn(3, ' ');
    let (end, first, name) = (words.next(), words.next(), words.next());
    let (Some(end), Some(first), Some(name)) = (end, first, name) else {
        return Some(Vec::new());
    };
    let meaning = range(first, end).map(|range| (name.to_owned(), Some(range)));
    Some(meaning.into_iter().collect())
}

/// The second number stands behind the last octet, as other servers have it.
fn range(first: &str, end: &str) -> Option<ByteRange> {
    let number = |text: &str| {
        let digits = text.bytes().all(|octet| octet.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    ByteRange::new(number(first)?, number(end)?.checked_sub(1)?)
}
