//! PASS: the password; superfluous for whoever is in. RFC 959 section 4.1.1.

use thirdhost_wire::Password;

use crate::server::Effect;
use crate::server::login::Login;
use crate::server::questions::Asked;
use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn pass(pi: &mut ServerPi, password: Password) {
    match std::mem::replace(&mut pi.login, Login::Out) {
        Login::Named(user) => {
            pi.ask(Effect::Authenticate { user, password }, Asked::Login);
        }
        before => {
            let reply = match &before {
                // A client that sends PASS whatever USER was answered (232).
                Login::In(_) => text::password_not_needed(),
                Login::Out | Login::Named(_) => text::user_first(),
            };
            pi.login = before;
            pi.reply(reply);
        }
    }
}
