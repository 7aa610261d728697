//! Every reply the server gives: the one place where codes and words meet. Spec 1.2, Q-16.
//!
//! Error replies name the command's meaning, never its argument (spec S-62).

use std::net::IpAddr;

use thirdhost_wire::{CommandError, HostSocket, NetworkProtocol, Reply, ReplyCode, Verb};

use super::effect::{ArrangeRefusal, Opened, Outcome, Refusal};
use super::permission::Permission;
use super::virtual_path::{PathError, VirtualPath};

pub(super) fn reply(code: u16, text: &str) -> Reply {
    Reply::new(ReplyCode::new(code).unwrap_or(INTERNAL), text)
}

// ---- the session -------------------------------------------------------------------------

/// No name and no version (spec S-72).
pub(super) fn greeting() -> Reply {
    reply(220, "Ready.")
}

pub(super) fn login_timeout() -> Reply {
    reply(421, "No login in time; closing.")
}

pub(super) fn idle_timeout() -> Reply {
    reply(421, "No command for too long; closing.")
}

pub(super) fn shutting_down() -> Reply {
    reply(421, "The server is going down; closing.")
}

pub(super) fn too_many_errors() -> Reply {
    reply(421, "Too many bad lines; closing.")
}

pub(super) fn goodbye() -> Reply {
    reply(221, "Goodbye.")
}

pub(super) fn noop() -> Reply {
    reply(200, "OK.")
}

pub(super) fn internal_error() -> Reply {
    reply(451, "Internal error; the command was not carried out.")
}

/// The reply to a line that is no command we serve.
pub(super) fn malformed(error: &CommandError) -> Reply {
    match error {
        CommandError::Unknown => reply(500, "Unknown command."),
        CommandError::LineTooLong => reply(500, "Line too long."),
        CommandError::ForbiddenOctet => reply(501, "A bare LF or a NUL is not allowed in a line."),
        CommandError::NotImplemented(verb) => reply(502, &format!("{verb} is not implemented.")),
        CommandError::Argument { verb, problem } => reply(501, &format!("{verb}: {problem}.")),
        CommandError::NotSupported { verb, problem } => reply(504, &format!("{verb}: {problem}.")),
        CommandError::NotUtf8(verb) => reply(553, &format!("{verb}: the pathname is not UTF-8.")),
        _ => reply(501, "The line is not a command."),
    }
}

// ---- login -------------------------------------------------------------------------------

pub(super) fn need_password() -> Reply {
    reply(331, "Password, please.")
}

pub(super) fn need_anonymous_password() -> Reply {
    reply(331, "Any password will do; your mail address is customary.")
}

pub(super) fn need_tls() -> Reply {
    reply(530, "Passwords are not taken in clear text here; this connection is not protected.")
}

pub(super) fn logged_in() -> Reply {
    reply(230, "Logged in.")
}

pub(super) fn login_incorrect() -> Reply {
    reply(530, "Login incorrect.")
}

pub(super) fn too_many_login_failures() -> Reply {
    reply(421, "Login incorrect; too many attempts, closing.")
}

pub(super) fn user_first() -> Reply {
    reply(503, "Send USER first.")
}

pub(super) fn not_logged_in() -> Reply {
    reply(530, "Log in with USER and PASS first.")
}

pub(super) fn account_not_needed() -> Reply {
    reply(202, "No account is needed.")
}

pub(super) fn reinitialized() -> Reply {
    reply(220, "Ready for a new user.")
}

// ---- transfer parameters and data connections --------------------------------------------

pub(super) fn parameter_set(what: &str) -> Reply {
    reply(200, what)
}

pub(super) fn port_accepted() -> Reply {
    reply(200, "Will call there.")
}

/// None for an address that is not IPv4, which 227 cannot tell.
pub(super) fn passive(host: IpAddr, port: u16) -> Option<Reply> {
    HostSocket::new(host, port).and_then(thirdhost_wire::passive_reply)
}

pub(super) fn extended_passive(port: u16) -> Reply {
    thirdhost_wire::extended_passive_reply(port)
}

/// Byte-exact `255 SOCK nnnn` (design D7).
pub(super) fn data_socket(port: u16) -> Reply {
    thirdhost_wire::data_socket_reply(port)
}

pub(super) fn epsv_all() -> Reply {
    reply(200, "EPSV only from now on.")
}

pub(super) fn epsv_all_in_force() -> Reply {
    reply(503, "EPSV ALL is in force; only EPSV is taken until REIN.")
}

pub(super) fn use_epsv() -> Reply {
    reply(425, "PASV cannot tell an IPv6 address; use EPSV.")
}

/// RFC 2428 section 2: the list stands in parentheses, and no other parentheses do.
pub(super) fn protocol_not_supported(available: &[NetworkProtocol]) -> Reply {
    let list: Vec<String> = available.iter().map(|p| p.number().to_string()).collect();
    reply(522, &format!("Network protocol not supported, use ({})", list.join(",")))
}

pub(super) fn host_not_literal() -> Reply {
    reply(504, "SOCK: the host must be an IPv4 or a bracketed IPv6 address.")
}

pub(super) fn socket_zero() -> Reply {
    reply(504, "SOCK: socket 0 means any socket and is for a peer that calls us, after LSTN.")
}

pub(super) fn arrange_refusal(refusal: &ArrangeRefusal) -> Reply {
    match refusal {
        ArrangeRefusal::NotPermitted => {
            reply(504, "Data connections with that host are not permitted to you here.")
        }
        ArrangeRefusal::PrivilegedPort => {
            reply(504, "Data connections to ports below 1024 are not permitted.")
        }
        ArrangeRefusal::NoSocket => reply(425, "No data port is free; try again later."),
        ArrangeRefusal::TooManyTargets => {
            reply(425, "Too many different hosts in a short time; try again later.")
        }
        ArrangeRefusal::Protocol(available) => protocol_not_supported(available),
    }
}

// ---- transfers ---------------------------------------------------------------------------

/// Spec A-4: silence would hide a bug.
pub(super) fn wrong_direction() -> Reply {
    reply(503, "LSTN named the other direction; the socket stays reserved.")
}

pub(super) fn sock_first() -> Reply {
    reply(503, "Name the peer with SOCK first; the socket stays reserved.")
}

pub(super) fn nothing_arranged() -> Reply {
    reply(425, "No data connection arranged; send EPSV, PASV, PORT, EPRT, LSTN or SOCK first.")
}

pub(super) fn direction_not_permitted() -> Reply {
    reply(504, "Transfers in that direction with that host are not permitted to you here.")
}

pub(super) fn records_need_text() -> Reply {
    reply(504, "STRU R is for TYPE A here; send STRU F or TYPE A.")
}

pub(super) fn restart_in_text() -> Reply {
    reply(554, "REST needs TYPE I and STRU F.")
}

pub(super) fn restart_does_not_fit_mode() -> Reply {
    reply(503, "The restart point was given for another MODE; send REST again.")
}

pub(super) fn bad_restart_point() -> Reply {
    reply(554, "That is not a restart marker of this server.")
}

pub(super) fn restart_with_unique() -> Reply {
    reply(503, "REST does not go with STOU.")
}

pub(super) fn restart_form() -> Reply {
    reply(501, "REST: MODE S wants an offset in octets, MODE B a marker of this server.")
}

pub(super) fn restart_pending() -> Reply {
    reply(350, "The next transfer begins there.")
}

/// 125 on a connection that is open, else 150; the forms that curl and RFC 1123 4.1.2.9 read.
pub(super) fn started(on_open_connection: bool, opened: &Opened) -> Reply {
    let code = if on_open_connection { 125 } else { 150 };
    match (&opened.name, opened.octets) {
        (Some(name), _) => reply(code, &format!("FILE: {name}")),
        (None, Some(octets)) => reply(code, &format!("Beginning the transfer ({octets} bytes).")),
        (None, None) => reply(code, "Beginning the transfer."),
    }
}

/// Closed is 226, kept open is 250 (RFC 959 sections 3.4 and 4.2).
pub(super) fn completed(kept: bool) -> Reply {
    if kept {
        reply(250, "Transfer complete; the data connection stays open.")
    } else {
        reply(226, "Transfer complete.")
    }
}

/// The final reply of a transfer that did not complete.
pub(super) fn failed(outcome: Outcome, started: bool, wanted_directory: bool) -> Reply {
    match outcome {
        // RFC 3659 section 7.2.1: MLSD of something that is no directory.
        Outcome::Refused(Refusal::NotDirectory) if wanted_directory => {
            reply(501, "Not a directory.")
        }
        Outcome::Refused(why) if started => refusal_in_transfer(why),
        Outcome::Refused(why) => refusal(why),
        // One text whatever the reason, so that nobody scans ports with it (spec S-5).
        Outcome::NotConnected | Outcome::NotAdmitted => reply(425, "Can't open data connection."),
        Outcome::ConnectionLost => reply(426, "The data connection broke; transfer aborted."),
        Outcome::Malformed => reply(451, "What arrived does not fit MODE and STRU; aborted."),
        Outcome::Stopped => reply(426, "Transfer aborted."),
        Outcome::Completed { kept, .. } => completed(kept),
    }
}

fn refusal_in_transfer(why: Refusal) -> Reply {
    match why {
        Refusal::NoSpace => reply(552, "No room; transfer aborted."),
        Refusal::Exists => reply(451, "The name was taken meanwhile; transfer aborted."),
        Refusal::NotPermitted => reply(451, "Not permitted; transfer aborted."),
        _ => reply(451, "Reading or writing the file failed; transfer aborted."),
    }
}

pub(super) fn aborted() -> Reply {
    reply(226, "ABOR done.")
}

pub(super) fn nothing_to_abort(open: bool) -> Reply {
    if open {
        reply(225, "Nothing to abort; the data connection is open.")
    } else {
        reply(226, "Nothing to abort.")
    }
}

pub(super) fn dropped_by_abort() -> Reply {
    reply(426, "Dropped by ABOR.")
}

/// The first number on the line is the count of bytes (spec 5.2: lftp reads it).
pub(super) fn progress(moved: u64, total: Option<u64>) -> Reply {
    match total {
        Some(total) => reply(213, &format!("Status: {moved} of {total} bytes transferred")),
        None => reply(213, &format!("Status: {moved} bytes transferred")),
    }
}

// ---- files and directories ---------------------------------------------------------------

pub(super) fn no_permission(permission: Permission) -> Reply {
    reply(550, &format!("You may not do that here; it needs the permission {permission}."))
}

pub(super) fn bad_path(error: PathError) -> Reply {
    reply(553, &format!("Name not allowed: {error}."))
}

pub(super) fn refusal(why: Refusal) -> Reply {
    match why {
        Refusal::NotFound => reply(550, "No such file or directory."),
        Refusal::NotPermitted => reply(550, "Not permitted."),
        Refusal::Exists => reply(550, "It exists already."),
        Refusal::NotDirectory => reply(550, "Not a directory."),
        Refusal::NotFile => reply(550, "Not a regular file."),
        Refusal::NotEmpty => reply(550, "The directory is not empty."),
        Refusal::NameNotAllowed => reply(553, "Name not allowed."),
        Refusal::Busy => reply(450, "Another transfer holds the file; try again later."),
        Refusal::BadOffset => reply(554, "The restart point lies beyond the end of the file."),
        Refusal::NoSpace => reply(452, "No room."),
        Refusal::TooLargeToCount => reply(550, "Too large to count in TYPE A; send TYPE I first."),
        Refusal::NotSupported => reply(504, "Not possible on this store."),
        Refusal::Failed => reply(451, "Reading or writing failed."),
    }
}

pub(super) fn directory_changed() -> Reply {
    reply(250, "Directory changed.")
}

pub(super) fn working_directory(path: &VirtualPath) -> Reply {
    thirdhost_wire::pathname_reply(path.as_str(), "is the current directory.")
}

pub(super) fn directory_made(path: &VirtualPath) -> Reply {
    thirdhost_wire::pathname_reply(path.as_str(), "created.")
}

pub(super) fn rename_pending() -> Reply {
    reply(350, "Now the new name, with RNTO.")
}

pub(super) fn rename_from_first() -> Reply {
    reply(503, "Send RNFR directly before RNTO.")
}

pub(super) fn changed() -> Reply {
    reply(250, "Done.")
}

pub(super) fn value(value: &str) -> Reply {
    reply(213, value)
}

pub(super) fn facts(line: &str) -> Reply {
    multi(250, "Listing", [line], "End")
}

pub(super) fn status_of_path(directory: bool, lines: Vec<String>) -> Reply {
    multi(if directory { 212 } else { 213 }, "Status follows", lines, "End of status")
}

// ---- telling about ourselves -------------------------------------------------------------

/// Clients switch parsers by it: exactly this.
pub(super) fn system() -> Reply {
    reply(215, "UNIX Type: L8")
}

pub(super) fn status<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(211, "Status of this session", lines, "End of status")
}

pub(super) fn features<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(211, "Extensions supported:", lines, "End")
}

pub(super) fn help<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Reply {
    multi(214, "Commands:", lines, "End of help")
}

pub(super) fn help_on(verb: Verb, usage: &str) -> Reply {
    reply(214, &format!("Syntax: {verb} {usage}").trim_end().to_owned())
}

pub(super) fn unknown_topic() -> Reply {
    reply(502, "HELP: unknown command.")
}

pub(super) fn nothing_to_allocate() -> Reply {
    reply(202, "No need to allocate.")
}

pub(super) fn options_set(text: &str) -> Reply {
    reply(200, text)
}

pub(super) fn bad_options() -> Reply {
    reply(501, "OPTS: unknown command or option.")
}

pub(super) fn always_utf8() -> Reply {
    reply(504, "Pathnames are always UTF-8 here.")
}


fn multi<S: AsRef<str>>(
    code: u16,
    first: &str,
    inner: impl IntoIterator<Item = S>,
    last: &str,
) -> Reply {
    Reply::multi(ReplyCode::new(code).unwrap_or(INTERNAL), first, inner, last)
}

/// For a code outside 100 to 599, which no line above gives.
const INTERNAL: ReplyCode = match ReplyCode::new(451) {
    Some(code) => code,
    None => ReplyCode::DATA_SOCKET,
};
