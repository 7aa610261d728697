//! Who is logged in, and what PASS's answer does. RFC 959 section 4.1.1, spec S-25 to S-28.

use thirdhost_wire::{Reply, Text};

use super::effect::{Identity, Introduced};
use super::permission::Permissions;
use super::protection::TlsOffer;
use super::questions::Asked;
use super::reply_text as text;
use super::session::{Activity, ServerPi};
use super::virtual_path::VirtualPath;

/// How far the login has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Login {
    /// Nobody is logged in.
    Out,
    /// USER has come, PASS is awaited.
    Named(Text),
    /// Somebody is logged in.
    In(Identity),
}

impl Login {
    pub(super) fn is_in(&self) -> bool {
        matches!(self, Self::In(_))
    }

    /// Whether the one who is in needed no password.
    pub(super) fn is_anonymous(&self) -> bool {
        let name = match self {
            Self::In(identity) => Text::try_from(identity.name.as_str()).ok(),
            Self::Out | Self::Named(_) => None,
        };
        name.is_some_and(|name| is_anonymous(&name))
    }

    /// What the user may do; nothing before login.
    pub(super) fn permissions(&self) -> Permissions {
        let identity = self.identity();
        identity.map_or_else(Permissions::default, |user| user.permissions.clone())
    }

    /// Who is in.
    pub(super) fn identity(&self) -> Option<&Identity> {
        match self {
            Self::In(identity) => Some(identity),
            Self::Out | Self::Named(_) => None,
        }
    }
}

impl Activity {
    /// Whether a login is under way.
    pub(super) fn is_login(&self) -> bool {
        matches!(self, Self::Asking(Asked::Login | Asked::Introduction(_)))
    }
}

impl ServerPi {
    /// Whether the time for a login runs: nobody is in, and what is under way, if anything, is a
    /// password being checked, whose answer may be held back for longer (spec S-27, S-53).
    pub(super) fn is_logging_in(&self) -> bool {
        let waits = self.activity == Activity::Idle || self.activity.is_login();
        waits && !self.login.is_in()
    }
}

/// The answer to a USER has come, where users differ.
pub(super) fn introduced(pi: &mut ServerPi, introduced: Introduced) {
    let Activity::Asking(Asked::Introduction(name)) = &pi.activity else {
        return;
    };
    let name = name.clone();
    pi.activity = Activity::Idle;
    match introduced {
        Introduced::Password => {
            pi.login = Login::Named(name);
            pi.reply(text::need_password());
        }
        Introduced::TlsFirst => {
            let offered = pi.settings.tls != TlsOffer::Absent;
            pi.reply(text::need_tls(offered));
        }
        Introduced::Known(identity) => admit(pi, identity, text::logged_in_by_certificate()),
    }
}

/// The answer to a PASS has come.
pub(super) fn authenticated(pi: &mut ServerPi, identity: Option<Identity>) {
    if pi.activity != Activity::Asking(Asked::Login) {
        return;
    }
    pi.activity = Activity::Idle;
    match identity {
        Some(identity) => admit(pi, identity, text::logged_in()),
        None => {
            pi.login = Login::Out;
            pi.login_failures += 1;
            if pi.login_failures >= pi.settings.limits.login_failures {
                pi.close(text::too_many_login_failures());
            } else {
                pi.reply(text::login_incorrect());
            }
        }
    }
}

/// The password was right, but the user has as many sessions as it may have: temporary, and
/// whoever waits for a place does not take one of a host (spec S-52).
pub(super) fn too_many_sessions(pi: &mut ServerPi) {
    if pi.activity.is_login() {
        pi.close(text::too_many_sessions());
    }
}

/// The login failed, and its host has too many answers held back already.
pub(super) fn too_many_failures(pi: &mut ServerPi) {
    if pi.activity == Activity::Asking(Asked::Login) {
        pi.close(text::too_many_login_failures());
    }
}

fn admit(pi: &mut ServerPi, identity: Identity, welcome: Reply) {
    pi.directory = VirtualPath::root();
    pi.reply(welcome);
    pi.login = Login::In(identity);
    pi.login_failures = 0;
}

/// Whether a user name means the anonymous user.
pub(super) fn is_anonymous(name: &Text) -> bool {
    ["anonymous", "ftp"]
        .iter()
        .any(|anonymous| name.as_str().eq_ignore_ascii_case(anonymous))
}
