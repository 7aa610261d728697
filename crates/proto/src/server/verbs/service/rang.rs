//! RANG: which octets the next RETR, STOR, APPE or HASH is about. Draft bryan-ftp-range.

use thirdhost_wire::{ByteRange, RepresentationType};

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn rang(pi: &mut ServerPi, range: Option<ByteRange>) {
    if range.is_some() && pi.parameters.representation == RepresentationType::Ascii {
        return pi.reply(text::range_in_text());
    }
    pi.range = range;
    pi.reply(text::range_pending(range));
}
