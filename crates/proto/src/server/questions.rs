//! Questions that are out, and what their answers do.

use std::net::IpAddr;
use std::time::Duration;

use thirdhost_wire::{AcceptFilter, AddressClass, Direction, address_class};

use super::arrange::{ArrangeRefusal, Arranged, Directions};
use super::effect::{Answer, Refusal};
use super::plan::{PassiveOrigin, Plan};
use super::reply_text as text;
use super::session::{Activity, ServerPi};
use super::verbs::service::{self, Setting};
use super::virtual_path::VirtualPath;

use thirdhost_wire::{HashAlgorithm, HostSocket, PartsKey, Pathname, Reply, Text};

/// What was asked, with all that is needed to act on the answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// USER, where users differ.
    Introduction(Text),
    /// PASS.
    Login,
    /// AUTH, or REIN under TLS.
    Protection,
    /// LSTN.
    Lstn {
        /// The direction named.
        direction: Direction,
    },
    /// PASV, CPSV (227) or EPSV (229), with the filter an earlier SOCK left.
    Pasv {
        /// Whether the reply is EPSV's.
        extended: bool,
        /// What SOCK said before.
        kept: Option<(AcceptFilter, Directions)>,
        /// Whether it was CPSV.
        origin: PassiveOrigin,
    },
    /// SOCK that names whom to call.
    SockTarget(HostSocket),
    /// SOCK that names who may call; 255 tells the listening port again (spec A-5).
    SockFilter(AcceptFilter),
    /// PORT or EPRT.
    Port(HostSocket),
    /// ESTA or ESTP.
    Establish {
        /// Whether we call.
        calls: bool,
        /// Whether ABOR has ended the wait.
        aborted: bool,
    },
    /// CWD or CDUP.
    Enter(VirtualPath),
    /// MKD.
    MakeDirectory(VirtualPath),
    /// RNFR.
    RenameFrom(VirtualPath),
    /// DELE, RMD or RNTO: 250 when done.
    Change,
    /// MFMT, MFF, SITE CHMOD and SITE UTIME: this when done.
    Then(Reply),
    /// HASH, XCRC and their kin: 213.
    Hash(HashReply),
    /// SITE PARTS OPEN: 200 with its key.
    PartsOpened,
    /// SITE PARTS JOIN: 200.
    PartsJoined(PartsKey),
    /// SITE PARTS CLOSE and DROP: this when done.
    PartsOver(Reply),
    /// SITE WHO: 211.
    Who,
    /// MDTM that may be meant to set the time, if nothing has the whole as its name.
    ModifiedOr(Setting),
    /// SIZE or MDTM: 213.
    Value,
    /// MLST: 250 with the line inside.
    Facts,
    /// ALLO: 202.
    Room,
    /// STAT with a pathname: 212 or 213.
    Status,
}

/// The two forms in which a hash is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum HashReply {
    /// HASH's: with algorithm, range and the pathname as it was given.
    Named(HashAlgorithm, Pathname),
    /// The older commands': the hash alone.
    Bare,
}

/// The answer to an [`super::Effect::Arrange`] has come.
pub(super) fn arranged(pi: &mut ServerPi, now: Duration, result: Result<Arranged, ArrangeRefusal>) {
    let Activity::Asking(asked) = std::mem::replace(&mut pi.activity, Activity::Idle) else {
        return;
    };
    match result {
        Err(refusal) => pi.reply(text::arrange_refusal(&refusal)),
        Ok(arranged) => {
            pi.timers.reserved(now);
            pi.pipeline.start_over();
            install(pi, &asked, arranged);
        }
    }
}

/// Puts the new plan in place and replies.
fn install(pi: &mut ServerPi, asked: &Asked, arranged: Arranged) {
    match (asked, arranged) {
        //= rfc438#a.2
        //# sending the user the number of the socket allocated (the 255
        //# FTP server data socket reply could be used for this
        //# purpose).
        (Asked::Lstn { direction }, Arranged::Listening { port, .. }) => {
            pi.plan = Plan::Passive {
                port,
                direction: Some(*direction),
                filter: pi.unpinned_filter(),
                may: Directions::BOTH,
                origin: PassiveOrigin::Lstn,
            };
            pi.reply(text::data_socket(port));
        }
        (
            Asked::Pasv {
                extended,
                kept,
                origin,
            },
            Arranged::Listening { port, host },
        ) => {
            let reply = match extended {
                true if pi.custom_epsv => text::custom_extended_passive(host, port),
                true => Some(text::extended_passive(port)),
                false => text::passive(host, port),
            };
            let Some(reply) = reply else {
                pi.push(super::Effect::Release);
                return pi.reply(text::use_epsv());
            };
            let tells_address = !extended || pi.custom_epsv;
            if tells_address && means_nothing_to(pi.settings.peer, host) {
                pi.push(super::Effect::Release);
                return pi.reply(text::address_is_private());
            }
            // PASV's users know no SOCK, so "refuse" does not stand for it (spec A-24).
            let unpinned = pi.unpinned_filter();
            let unpinned = unpinned.unwrap_or(AcceptFilter::Host(pi.settings.peer));
            let (filter, may) = kept.unwrap_or((unpinned, Directions::BOTH));
            pi.plan = Plan::Passive {
                port,
                direction: None,
                filter: Some(filter),
                may,
                origin: *origin,
            };
            pi.reply(reply);
        }
        //= rfc438#d.1
        //# On success the reply must be the 255 FTP server data socket
        //# reply; that is, the 255 reply can not be deferred until receipt
        //# of a data transfer command.
        (Asked::SockTarget(target), Arranged::Held { port, may }) => {
            pi.plan = Plan::Active {
                target: *target,
                local: Some(port),
                may,
            };
            pi.reply(text::data_socket(port));
        }
        (Asked::Port(target), Arranged::Admitted { may }) => {
            pi.plan = Plan::Active {
                target: *target,
                local: None,
                may,
            };
            pi.reply(text::port_accepted());
        }
        (Asked::SockFilter(pinned), Arranged::Admitted { may }) => pin(pi, *pinned, may),
        // The shell has answered another question than was asked: nothing is in place.
        _ => pi.reply(text::internal_error()),
    }
}

/// Whether `host` is an address that a peer elsewhere takes for one of its own network, as when
/// this server is behind NAT and was not told its public address (spec S-23).
fn means_nothing_to(peer: IpAddr, host: IpAddr) -> bool {
    address_class(peer) == AddressClass::Global && address_class(host) != AddressClass::Global
}

/// SOCK after LSTN, PASV or EPSV has been admitted.
fn pin(pi: &mut ServerPi, pinned: AcceptFilter, admitted: Directions) {
    //= rfc438#d.2
    //# After a LSTN command the SOCK command is to be interpreted by
    //# the server as specification of the acceptable RFC for
    //# subsequent data transfer command that use the allocated socket.
    if let Plan::Passive {
        port, filter, may, ..
    } = &mut pi.plan
    {
        *filter = Some(pinned);
        *may = admitted;
        let reply = text::data_socket(*port);
        pi.reply(reply);
    } else {
        pi.reply(text::internal_error());
    }
}

/// ABOR while ESTA or ESTP waits; its own reply follows theirs.
pub(super) fn stop_waiting(pi: &mut ServerPi) {
    if let Activity::Asking(Asked::Establish { aborted, .. }) = &mut pi.activity
        && !std::mem::replace(aborted, true)
    {
        pi.push(super::Effect::StopTransfer);
    }
}

/// The answer to an [`super::Effect::Establish`] has come.
pub(super) fn established(pi: &mut ServerPi, now: Duration, socket: Option<HostSocket>) {
    let Activity::Asking(Asked::Establish { calls, .. }) = pi.activity else {
        return;
    };
    pi.activity = Activity::Idle;
    match socket {
        None => {
            pi.release_plan();
            pi.reply(text::not_connected());
        }
        Some(socket) => {
            pi.open = pi.plan.terms();
            pi.timers.reserved(now);
            pi.reply(text::connected(calls, socket));
        }
    }
}

/// The answer to an [`super::Effect::Ask`] has come.
pub(super) fn answered(pi: &mut ServerPi, result: Result<Answer, Refusal>) {
    let Activity::Asking(asked) = std::mem::replace(&mut pi.activity, Activity::Idle) else {
        return;
    };
    let answer = match result {
        Ok(answer) => answer,
        Err(Refusal::NotFound) if let Asked::ModifiedOr(setting) = asked => {
            return service::mdtm_set(pi, setting);
        }
        Err(refusal) if matches!(asked, Asked::Hash(HashReply::Named(..))) => {
            return pi.reply(text::hash_refusal(refusal));
        }
        Err(refusal) => return pi.reply(text::refusal(refusal)),
    };
    let reply = match (asked, answer) {
        (Asked::Enter(path), Answer::Done) => {
            pi.directory = path;
            text::directory_changed()
        }
        (Asked::MakeDirectory(path), Answer::Done) => text::directory_made(&path),
        (Asked::RenameFrom(path), Answer::Done) => {
            pi.rename_from = Some(path);
            text::rename_pending()
        }
        (Asked::Change, Answer::Done) => text::changed(),
        (Asked::Room, Answer::Done) => text::nothing_to_allocate(),
        (Asked::Value, Answer::Size(octets)) => text::value(&octets.to_string()),
        (Asked::Then(reply), Answer::Done) => reply,
        (Asked::PartsOpened, Answer::Parts(key)) => {
            pi.part_of = Some(key);
            text::parts_opened(key)
        }
        (Asked::PartsJoined(key), Answer::Done) => {
            pi.part_of = Some(key);
            text::parts_joined()
        }
        (Asked::PartsOver(reply), Answer::Done) => {
            pi.part_of = None;
            reply
        }
        (Asked::Who, Answer::Lines { lines, .. }) => text::who(lines),
        (Asked::Hash(HashReply::Bare), Answer::Hash { digest, .. }) => text::checksum(&digest),
        (Asked::Hash(HashReply::Named(algorithm, name)), Answer::Hash { digest, first, end }) => {
            text::hash(algorithm, (first, end), &digest, &name)
        }
        (Asked::Value | Asked::ModifiedOr(_), Answer::Text(value)) => text::value(&value),
        (Asked::Facts, Answer::Text(line)) => text::facts(&line),
        (Asked::Status, Answer::Lines { directory, lines }) => {
            text::status_of_path(directory, lines)
        }
        _ => text::internal_error(),
    };
    pi.reply(reply);
}
