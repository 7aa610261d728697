//! STAT when no transfer runs: this session, or a path. RFC 959 section 4.1.3.

use thirdhost_wire::Pathname;

use crate::server::login::Login;
use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{Effect, Permission, Question, TransferParameters};

pub(in crate::server) fn stat(pi: &mut ServerPi, name: Option<&Pathname>) {
    let Some(name) = name else {
        let lines = describe(pi);
        return pi.reply(text::status(lines));
    };
    if let Some(path) = pi.permitted_path(Permission::Read, Some(name)) {
        pi.ask(Effect::Ask(Question::Status(path)), Asked::Status);
    }
}

fn describe(pi: &ServerPi) -> [String; 5] {
    let user = match &pi.login {
        Login::In(identity) => format!("Logged in as {}", identity.name),
        Login::Out | Login::Named(_) => "Not logged in".to_owned(),
    };
    let TransferParameters {
        representation,
        structure,
        mode,
    } = pi.parameters;
    let control = if pi.security.control {
        "protected by TLS"
    } else {
        "in clear text"
    };
    let (representation, structure, mode) =
        (representation.letter(), structure.letter(), mode.letter());
    [
        format!("User at {}", pi.settings.peer),
        user,
        format!("TYPE {representation}, STRU {structure}, MODE {mode}"),
        format!(
            "Control connection {control}, PROT {}",
            pi.security.level.letter()
        ),
        pi.plan.describe(pi.open.is_some()),
    ]
}
