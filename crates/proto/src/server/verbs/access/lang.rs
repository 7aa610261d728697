//! LANG: the language of replies, which is English. RFC 2640 section 4.

use thirdhost_wire::Text;

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn lang(pi: &mut ServerPi, tag: Option<&Text>) {
    let primary = tag.map(|tag| tag.as_str().split('-').next().unwrap_or_default());
    let known = primary.is_none_or(|primary| primary.eq_ignore_ascii_case("EN"));
    pi.reply(if known {
        text::language_set()
    } else {
        text::unknown_language()
    });
}
