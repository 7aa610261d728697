//! MFF: facts that a file is to have, all checked before any is set. Draft somers-ftp-mfxx-03.

use thirdhost_wire::{FactsLine, Reply};

use crate::server::changes::change;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn mff(pi: &mut ServerPi, line: &FactsLine) {
    let FactsLine { facts, name } = line;
    if let Some(problem) = check(line) {
        return pi.reply(problem);
    }
    let reply = text::facts_set(&facts.to_string(), name);
    change(pi, name, facts.modified(), facts.unix_mode(), reply);
}

/// The reply for the first fact that cannot be set.
fn check(line: &FactsLine) -> Option<Reply> {
    let facts = &line.facts;
    let mut names: Vec<String> = Vec::new();
    for (name, _) in facts.iter() {
        let name = name.to_ascii_lowercase();
        let sound = match name.as_str() {
            "modify" => facts.modified().is_some(),
            "unix.mode" => match facts.unix_mode() {
                Some(mode) if mode > text::PERMISSION_BITS => return Some(text::set_id_bits()),
                mode => mode.is_some(),
            },
            _ => return Some(text::unknown_fact()),
        };
        if !sound || names.contains(&name) {
            return Some(text::bad_fact());
        }
        names.push(name);
    }
    names.is_empty().then(text::bad_fact)
}
