//! Replies about transfer parameters, data connections and transfers.

use std::net::IpAddr;

use thirdhost_wire::{HostSocket, NetworkProtocol, Reply, Text};

use super::files::refusal;
use super::reply;
use super::security::tls_failed;
use crate::server::arrange::ArrangeRefusal;
use crate::server::effect::Refusal;
use crate::server::operation::{Opened, Outcome};

pub(in crate::server) fn parameter_set(what: &str) -> Reply {
    reply(200, what)
}

pub(in crate::server) fn port_accepted() -> Reply {
    reply(200, "Will call there.")
}

/// None for an address that is not IPv4, which 227 cannot tell.
pub(in crate::server) fn passive(host: IpAddr, port: u16) -> Option<Reply> {
    HostSocket::new(host, port).and_then(thirdhost_wire::passive_reply)
}

pub(in crate::server) fn extended_passive(port: u16) -> Reply {
    thirdhost_wire::extended_passive_reply(port)
}

/// None for port 0, which no listener has.
pub(in crate::server) fn custom_extended_passive(host: IpAddr, port: u16) -> Option<Reply> {
    HostSocket::new(host, port).map(thirdhost_wire::custom_extended_passive_reply)
}

/// Byte-exact `255 SOCK nnnn` (design D7).
pub(in crate::server) fn data_socket(port: u16) -> Reply {
    thirdhost_wire::data_socket_reply(port)
}

pub(in crate::server) fn epsv_all() -> Reply {
    reply(200, "EPSV only from now on.")
}

pub(in crate::server) fn epsv_all_in_force() -> Reply {
    reply(503, "EPSV ALL is in force; only EPSV is taken until REIN.")
}

pub(in crate::server) fn use_epsv() -> Reply {
    reply(425, "PASV cannot tell an IPv6 address; use EPSV.")
}

/// RFC 2428 section 2: the list stands in parentheses, and no other parentheses do.
pub(in crate::server) fn protocol_not_supported(available: &[NetworkProtocol]) -> Reply {
    let list: Vec<String> = available.iter().map(|p| p.number().to_string()).collect();
    reply(
        522,
        &format!("Network protocol not supported, use ({})", list.join(",")),
    )
}

pub(in crate::server) fn host_not_literal() -> Reply {
    reply(
        504,
        "SOCK: the host must be an IPv4 or a bracketed IPv6 address.",
    )
}

pub(in crate::server) fn socket_zero() -> Reply {
    reply(
        504,
        "SOCK: socket 0 means any socket and is for a peer that calls us, after LSTN.",
    )
}

/// The operator reads it too: `data.public_address` is what is missing.
pub(in crate::server) fn address_is_private() -> Reply {
    reply(
        425,
        "This server knows no public address of its own to tell; use EPSV.",
    )
}

pub(in crate::server) fn arrange_refusal(refusal: &ArrangeRefusal) -> Reply {
    match refusal {
        ArrangeRefusal::NotPermitted => reply(
            504,
            "Data connections with that host are not permitted to you here.",
        ),
        ArrangeRefusal::PrivilegedPort => reply(
            504,
            "Data connections to ports below 1024 are not permitted.",
        ),
        ArrangeRefusal::NoSocket => reply(425, "No data port is free; try again later."),
        ArrangeRefusal::TooManyTargets => reply(
            425,
            "Too many different hosts in a short time; try again later.",
        ),
        ArrangeRefusal::Protocol(available) => protocol_not_supported(available),
    }
}

/// Spec A-4: silence would hide a bug.
pub(in crate::server) fn wrong_direction() -> Reply {
    reply(
        503,
        "LSTN named the other direction; the socket stays reserved.",
    )
}

pub(in crate::server) fn sock_first() -> Reply {
    reply(
        503,
        "Name the peer with SOCK first; the socket stays reserved.",
    )
}

pub(in crate::server) fn nothing_arranged() -> Reply {
    reply(
        425,
        "No data connection arranged; send EPSV, PASV, PORT, EPRT, LSTN or SOCK first.",
    )
}

pub(in crate::server) fn direction_not_permitted() -> Reply {
    reply(
        504,
        "Transfers in that direction with that host are not permitted to you here.",
    )
}

/// RFC 4217 section 10.2: before any 1yz.
pub(in crate::server) fn protection_needed() -> Reply {
    reply(
        521,
        "Data connections must be protected here; send PROT P, under TLS.",
    )
}

pub(in crate::server) fn records_need_text() -> Reply {
    reply(504, "STRU R is for TYPE A here; send STRU F or TYPE A.")
}

/// RFC 1123 section 4.1.3.4: the marker of the source, then ours.
pub(in crate::server) fn restart_marker(theirs: &Text, octets: u64) -> Reply {
    reply(110, &format!("MARK {theirs} = o{octets}"))
}

/// The octets that a marker of ours stands for, as [`restart_marker`] and the sender of files
/// write it (spec M-33).
pub(in crate::server) fn offset_of_marker(marker: &Text) -> Option<u64> {
    let digits = marker.as_str().strip_prefix('o')?;
    let canonical = digits.bytes().all(|digit| digit.is_ascii_digit());
    canonical.then(|| digits.parse().ok()).flatten()
}

pub(in crate::server) fn restart_in_text() -> Reply {
    reply(554, "REST needs STRU F, and in MODE S TYPE I.")
}

pub(in crate::server) fn restart_does_not_fit_mode() -> Reply {
    reply(
        503,
        "The restart point was given for another MODE; send REST again.",
    )
}

pub(in crate::server) fn bad_restart_point() -> Reply {
    reply(554, "That is not a restart marker of this server.")
}

pub(in crate::server) fn restart_with_unique() -> Reply {
    reply(503, "REST does not go with STOU.")
}

pub(in crate::server) fn restart_form() -> Reply {
    reply(
        501,
        "REST: MODE S wants an offset in octets, MODE B a marker of this server.",
    )
}

pub(in crate::server) fn restart_pending() -> Reply {
    reply(350, "The next transfer begins there.")
}

/// 125 on a connection that is open, else 150; the forms that curl and RFC 1123 4.1.2.9 read.
pub(in crate::server) fn started(on_open_connection: bool, opened: &Opened) -> Reply {
    let code = if on_open_connection { 125 } else { 150 };
    match (&opened.name, opened.octets) {
        (Some(name), _) => reply(code, &format!("FILE: {name}")),
        (None, Some(octets)) => reply(code, &format!("Beginning the transfer ({octets} bytes).")),
        (None, None) => reply(code, "Beginning the transfer."),
    }
}

/// Closed is 226, kept open is 250 (RFC 959 sections 3.4 and 4.2).
pub(in crate::server) fn completed(kept: bool) -> Reply {
    if kept {
        reply(250, "Transfer complete; the data connection stays open.")
    } else {
        reply(226, "Transfer complete.")
    }
}

/// The final reply of a transfer that did not complete.
pub(in crate::server) fn failed(outcome: Outcome, started: bool, wanted_directory: bool) -> Reply {
    match outcome {
        // RFC 3659 section 7.2.1: MLSD of something that is no directory.
        Outcome::Refused(Refusal::NotDirectory) if wanted_directory => {
            reply(501, "Not a directory.")
        }
        Outcome::Refused(why) if started => refusal_in_transfer(why),
        Outcome::Refused(why) => refusal(why),
        Outcome::NotConnected | Outcome::NotAdmitted => not_connected(),
        Outcome::ConnectionLost => reply(426, "The data connection broke; transfer aborted."),
        Outcome::TlsFailed(failure) => tls_failed(failure),
        Outcome::Isolated(why) => refusal_in_transfer(why),
        Outcome::SourceFailed => reply(
            451,
            "The source could not send the file; nothing is stored.",
        ),
        Outcome::OutOfStep => reply(
            426,
            "Another file arrived than the one expected; arrange the data connection anew.",
        ),
        Outcome::Malformed => reply(451, "What arrived does not fit MODE and STRU; aborted."),
        Outcome::Stopped => reply(426, "Transfer aborted."),
        Outcome::Completed { kept, .. } => completed(kept),
    }
}

/// One text whatever the reason, so that nobody scans ports with it (spec S-5).
pub(in crate::server) fn not_connected() -> Reply {
    reply(425, "Can't open data connection.")
}

/// ESTA tells from where we called, ESTP who came.
pub(in crate::server) fn connected(calls: bool, socket: HostSocket) -> Reply {
    thirdhost_wire::connected_reply(if calls { "from" } else { "to" }, socket)
}

pub(in crate::server) fn connected_already() -> Reply {
    reply(503, "The data connection is open already.")
}

pub(in crate::server) fn not_active() -> Reply {
    reply(
        520,
        "ESTA is for a server that calls; send PORT, EPRT or SOCK first.",
    )
}

pub(in crate::server) fn not_passive() -> Reply {
    reply(
        520,
        "ESTP is for a server that listens; send PASV, EPSV or LSTN first.",
    )
}

fn refusal_in_transfer(why: Refusal) -> Reply {
    match why {
        Refusal::NoSpace => reply(552, "No room; transfer aborted."),
        Refusal::TooLarge => reply(552, "Your files may not be that large; transfer aborted."),
        Refusal::Exists => reply(451, "The name was taken meanwhile; transfer aborted."),
        Refusal::PatternTooWide => reply(451, "Too many names match; listing cut off."),
        Refusal::Incomplete => reply(451, "Fewer octets came than RANG says."),
        Refusal::NotPermitted => reply(451, "Not permitted; transfer aborted."),
        _ => reply(451, "Reading or writing the file failed; transfer aborted."),
    }
}

pub(in crate::server) fn aborted() -> Reply {
    reply(226, "ABOR done.")
}

pub(in crate::server) fn nothing_to_abort(open: bool) -> Reply {
    if open {
        reply(225, "Nothing to abort; the data connection is open.")
    } else {
        reply(226, "Nothing to abort.")
    }
}

pub(in crate::server) fn dropped_by_abort() -> Reply {
    reply(426, "Dropped by ABOR.")
}

/// The first number on the line is the count of bytes (spec 5.2: lftp reads it).
pub(in crate::server) fn progress(moved: u64, total: Option<u64>) -> Reply {
    match total {
        Some(total) => reply(
            213,
            &format!("Status: {moved} of {total} bytes transferred"),
        ),
        None => reply(213, &format!("Status: {moved} bytes transferred")),
    }
}
