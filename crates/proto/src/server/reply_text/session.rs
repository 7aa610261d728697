//! Replies about the session: greeting, login, status, errors.

use thirdhost_wire::{CommandError, Reply, Verb};

use super::{multi, reply};

/// No name and no version (spec S-72).
pub(in crate::server) fn greeting() -> Reply {
    reply(220, "Ready.")
}

pub(in crate::server) fn login_timeout() -> Reply {
    reply(421, "No login in time; closing.")
}

pub(in crate::server) fn idle_timeout() -> Reply {
    reply(421, "No command for too long; closing.")
}

pub(in crate::server) fn shutting_down() -> Reply {
    reply(421, "The server is going down; closing.")
}

pub(in crate::server) fn too_many_errors() -> Reply {
    reply(421, "Too many bad lines; closing.")
}

pub(in crate::server) fn other_protocol() -> Reply {
    reply(421, "FTP is spoken here, and nothing else; closing.")
}

pub(in crate::server) fn goodbye() -> Reply {
    reply(221, "Goodbye.")
}

pub(in crate::server) fn noop() -> Reply {
    reply(200, "OK.")
}

pub(in crate::server) fn internal_error() -> Reply {
    reply(451, "Internal error; the command was not carried out.")
}

/// The reply to a line that is no command we serve.
pub(in crate::server) fn malformed(error: &CommandError) -> Reply {
    match error {
        CommandError::Unknown => reply(500, "Unknown command."),
        CommandError::UnknownSubcommand => reply(500, "SITE: unknown subcommand."),
        CommandError::LineTooLong => reply(500, "Line too long."),
        CommandError::ForbiddenOctet => reply(501, "A bare LF or a NUL is not allowed in a line."),
        CommandError::NotImplemented(verb) => reply(502, &format!("{verb} is not implemented.")),
        CommandError::Argument { verb, problem } => reply(501, &format!("{verb}: {problem}.")),
        CommandError::NotSupported { verb, problem } => reply(504, &format!("{verb}: {problem}.")),
        CommandError::NotUtf8(verb) => reply(553, &format!("{verb}: the pathname is not UTF-8.")),
        _ => reply(501, "The line is not a command."),
    }
}

pub(in crate::server) fn need_password() -> Reply {
    reply(331, "Password, please.")
}

pub(in crate::server) fn need_anonymous_password() -> Reply {
    reply(331, "Any password will do; your mail address is customary.")
}

/// Spec 1.2: 530 to USER where policy wants TLS first.
pub(in crate::server) fn need_tls(offered: bool) -> Reply {
    reply(
        530,
        if offered {
            "Send AUTH TLS first; passwords are not taken in clear text here."
        } else {
            "Passwords are not taken in clear text here; this connection is not protected."
        },
    )
}

pub(in crate::server) fn logged_in() -> Reply {
    reply(230, "Logged in.")
}

/// RFC 2228 section 5.1: authorized by the security exchange.
pub(in crate::server) fn logged_in_by_certificate() -> Reply {
    reply(232, "Logged in by certificate; no password is needed.")
}

pub(in crate::server) fn password_not_needed() -> Reply {
    reply(202, "You are logged in; no password is needed.")
}

pub(in crate::server) fn login_incorrect() -> Reply {
    reply(530, "Login incorrect.")
}

pub(in crate::server) fn too_many_login_failures() -> Reply {
    reply(421, "Login incorrect; too many attempts, closing.")
}

pub(in crate::server) fn too_many_sessions() -> Reply {
    reply(
        421,
        "Too many sessions of this user; try again later, closing.",
    )
}

pub(in crate::server) fn user_first() -> Reply {
    reply(503, "Send USER first.")
}

pub(in crate::server) fn not_logged_in() -> Reply {
    reply(530, "Log in with USER and PASS first.")
}

pub(in crate::server) fn account_not_needed() -> Reply {
    reply(202, "No account is needed.")
}

pub(in crate::server) fn reinitialized() -> Reply {
    reply(220, "Ready for a new user.")
}

pub(in crate::server) fn host_accepted() -> Reply {
    reply(220, "Host accepted.")
}

pub(in crate::server) fn host_after_login() -> Reply {
    reply(503, "HOST comes before the login.")
}

pub(in crate::server) fn unknown_host() -> Reply {
    reply(504, "HOST: this server has another name.")
}

pub(in crate::server) fn language_set() -> Reply {
    reply(200, "Replies are in English.")
}

pub(in crate::server) fn unknown_language() -> Reply {
    reply(504, "LANG: replies are in English (EN) only.")
}

pub(in crate::server) fn server_identity() -> Reply {
    reply(200, "Name=thirdhostd; CaseSensitive=1;")
}

pub(in crate::server) fn no_gateway() -> Reply {
    reply(202, "ALGS: there is no gateway on the way.")
}

/// Clients switch parsers by it: exactly this.
pub(in crate::server) fn system() -> Reply {
    reply(215, "UNIX Type: L8")
}

pub(in crate::server) fn status<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(211, "Status of this session", lines, "End of status")
}

pub(in crate::server) fn features<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(211, "Extensions supported:", lines, "End")
}

pub(in crate::server) fn help<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(214, "Commands:", lines, "End of help")
}

pub(in crate::server) fn help_on(verb: Verb, usage: &str) -> Reply {
    reply(214, format!("Syntax: {verb} {usage}").trim_end())
}

pub(in crate::server) fn unknown_topic() -> Reply {
    reply(502, "HELP: unknown command.")
}

pub(in crate::server) fn nothing_to_allocate() -> Reply {
    reply(202, "No need to allocate.")
}

pub(in crate::server) fn options_set(text: &str) -> Reply {
    reply(200, text)
}

pub(in crate::server) fn bad_options() -> Reply {
    reply(501, "OPTS: unknown command or option.")
}

pub(in crate::server) fn always_utf8() -> Reply {
    reply(504, "Pathnames are always UTF-8 here.")
}
