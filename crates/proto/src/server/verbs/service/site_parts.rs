//! SITE PARTS: a file that several sessions store at once, each a part of it.

use thirdhost_wire::PartsCommand;

use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, PartsQuestion, Permission, Question};

pub(in crate::server) fn parts(pi: &mut ServerPi, command: PartsCommand) {
    let (question, asked) = match command {
        PartsCommand::Open { octets, name } => {
            let Some(path) = pi.permitted_path(Permission::Write, Some(&name)) else {
                return;
            };
            (PartsQuestion::Open { path, octets }, Asked::PartsOpened)
        }
        PartsCommand::Join(key) => (PartsQuestion::Join(key), Asked::PartsJoined(key)),
        PartsCommand::Size(key) => (PartsQuestion::Size(key), Asked::Value),
        PartsCommand::Close(proof) => {
            let closed = Asked::PartsOver(text::parts_closed());
            (PartsQuestion::Close { proof }, closed)
        }
        PartsCommand::Drop => {
            let dropped = Asked::PartsOver(text::parts_dropped());
            (PartsQuestion::Drop, dropped)
        }
    };
    pi.ask(Effect::Ask(Question::Parts(question)), asked);
}
