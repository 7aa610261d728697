//! PASS: the password. RFC 959 section 4.1.1.

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
            pi.login = before;
            pi.reply(text::user_first());
        }
    }
}
