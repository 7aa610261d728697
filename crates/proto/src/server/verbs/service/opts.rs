//! OPTS: options of HASH, MLST, PIPELINE and UTF8. RFC 2389 section 4, RFC 3659 section 7.9.

use thirdhost_wire::{FactSet, Text, UnknownHash};

use crate::server::session::ServerPi;
use crate::server::{pipeline, reply_text as text};

pub(in crate::server) fn opts(pi: &mut ServerPi, command: &Text, options: Option<&Text>) {
    let options = options.map_or("", Text::as_str);
    let reply = match command.as_str().to_ascii_uppercase().as_str() {
        "UTF8" | "UTF-8" if options.eq_ignore_ascii_case("OFF") => text::always_utf8(),
        "UTF8" | "UTF-8" if matches!(options.to_ascii_uppercase().as_str(), "" | "ON") => {
            text::options_set("UTF8 is on.")
        }
        "HASH" if options.is_empty() => text::hash_chosen(pi.hash),
        "HASH" => match options.parse() {
            Ok(algorithm) => {
                pi.hash = algorithm;
                text::hash_chosen(algorithm)
            }
            Err(UnknownHash) => text::unknown_hash(),
        },
        "MLST" => match FactSet::from_options(options) {
            Ok(facts) => {
                pi.facts = facts;
                text::options_set(format!("MLST OPTS {facts}").trim_end())
            }
            Err(_) => text::bad_options(),
        },
        "PIPELINE" => match options.to_ascii_uppercase().as_str() {
            "ON" => return pipeline::set(pi, true),
            "OFF" => return pipeline::set(pi, false),
            _ => text::bad_options(),
        },
        _ => text::bad_options(),
    };
    pi.reply(reply);
}
