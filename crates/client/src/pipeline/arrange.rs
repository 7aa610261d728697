//! The one arrangement: LSTN at one server, SOCK at both, in MODE B. RFC 438's example.

use std::net::IpAddr;

use bytes::BytesMut;
use thirdhost_proto::third_party::{BySide, ClientBy, Plan, Protection, Side};
use thirdhost_wire::{
    Command, Reply, SiteCommand, SockArgument, SockHost, TransmissionMode, data_socket,
};

use super::ahead::Ahead;
use super::batch::{leave, switch};
use super::early::{self, Early};
use super::feed::Item;
use super::lane::Lane;
use super::proof::Proof;
use crate::third_party::Prepared;
use crate::{ControlConn, Error, Pair};

/// What the destination is told ahead, while it is found out which files there are.
#[derive(Debug)]
pub(crate) struct Listening(Vec<Command>);

impl Listening {
    /// What would be told; none where files would not go over one arrangement, or where the
    /// source listens, which lists its directories meanwhile over an arrangement of its own.
    pub(crate) fn at_destination(pair: &mut Pair) -> Option<Self> {
        let (prepared, proof) = prepared(pair)?;
        let listener = prepared.plan.listener;
        if listener != Side::Destination {
            return None;
        }
        let setting = setting(pair.destination(), proof);
        Some(Self(setting.chain([lstn(listener)]).collect()))
    }

    /// Tells it, and keeps what it says.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(crate) async fn announce(self, conn: &mut ControlConn) -> Result<(), Error> {
        conn.arrangement_ahead = Ahead::send(conn, self.0).await?;
        heard(conn).await
    }
}

/// Tells the source whom it will call, where the destination listens by now, and asks it for the
/// first of `items`; nobody waits. They have to be given to the pipeline in this order.
///
/// The source sends before the destination has been told who calls: it takes nothing before STOR,
/// which waits for that.
///
/// # Errors
/// When the dialogue breaks.
pub(crate) async fn announce_call(pair: &mut Pair, items: &[Item]) -> Result<(), Error> {
    let ahead = pair.destination().arrangement_ahead.as_ref();
    let listening = ahead.filter(|ahead| ahead.is_complete());
    let listening = listening.and_then(|ahead| ahead.replies.last());
    let listening = listening.and_then(|reply| data_socket(reply).ok());
    // What else it may be is found out when the reply is looked at.
    let Some(listening) = listening.filter(|port| *port >= LOWEST_PORT) else {
        return Ok(());
    };
    let Some((prepared, proof)) = prepared(pair) else {
        return Ok(());
    };
    let call = call(&prepared.plan, listening);
    let fitting = early::fitting(pair, items);
    let source = pair.source();
    let setting = setting(source, proof).chain(call);
    let mut outgoing = BytesMut::new();
    source.arrangement_ahead = Ahead::say(source, setting, &mut outgoing)?;
    // SECURITY: under TLS nothing is asked of a source that has not said that it knows whom it
    // has to meet.
    if prepared.plan.protection == Protection::Clear {
        let early = Early::ask(source, fitting, proof, &mut outgoing)?;
        source.files_ahead = Some(early);
    }
    source.write(&outgoing).await
}

/// Nothing comes of what was announced: back to the usual dialogue.
///
/// # Errors
/// When the dialogue breaks.
pub(crate) async fn withdraw_arrangement(conn: &mut ControlConn) -> Result<(), Error> {
    early::withdraw(conn).await?;
    match conn.arrangement_ahead.take() {
        Some(ahead) => {
            if !ahead.is_complete() {
                conn.ignore_until(ahead.last());
            }
            leave(conn).await
        }
        None => Ok(()),
    }
}

/// How files would go over one arrangement, if they can, and how each is proved.
pub(super) fn prepared(pair: &mut Pair) -> Option<(Prepared, Proof)> {
    let prepared = pair.for_pipeline()?;
    let (source, destination) = pair.both();
    super::depth(source)?;
    super::depth(destination)?;
    let proof = Proof::wanted(prepared.verify, source, destination)?;
    Some((prepared, proof))
}

/// Brings both servers to the point where the caller can be told to call; the listener has been
/// told who will, and has not said yes. Gives the socket it listens on.
pub(super) async fn arrange<T>(
    lanes: &mut BySide<Lane<'_, Option<T>>>,
    plan: &Plan,
    proof: Proof,
) -> Result<u16, Error> {
    let (listener, caller) = (plan.listener, plan.listener.opposite());
    let lane = lanes.of_mut(listener);
    let select = setting(lane.conn, proof).chain([lstn(listener)]);
    let listening = said(lane, "LSTN", select).await?;
    let listening = socket(lane, listening.last())?;
    let lane = lanes.of_mut(caller);
    let commands = setting(lane.conn, proof).chain(call(plan, listening));
    let mut replies = said(lane, "SOCK", commands).await?;
    // SECURITY: the caller knows from here on which certificate the other has to show.
    let behind = protection(plan, caller).count();
    let calling = replies.len().checked_sub(behind + 1);
    let calling = calling.map(|at| replies.swap_remove(at));
    let calling = socket(lane, calling.as_ref())?;
    let lane = lanes.of_mut(listener);
    let pin = sock(*plan.hosts.of(caller), calling);
    for command in [pin].into_iter().chain(protection(plan, listener)) {
        lane.say(&command, None)?;
    }
    Ok(listening)
}

/// The listener's word that it knows who may call.
pub(super) async fn pinned<T>(lane: &mut Lane<'_, Option<T>>, listening: u16) -> Result<(), Error> {
    let replies = answers(lane, "SOCK").await?;
    if socket(lane, replies.first())? == listening {
        return Ok(());
    }
    let problem = "SOCK names another socket than the one it listens on";
    Err(lane.conn.misbehaved(problem))
}

/// What makes a server take files one behind the other, and tell their hash.
fn setting(conn: &ControlConn, proof: Proof) -> impl Iterator<Item = Command> + use<> {
    let mode = Command::Mode(TransmissionMode::Block);
    let select = proof.selection(conn);
    switch(true).into_iter().chain([mode]).chain(select)
}

fn lstn(listener: Side) -> Command {
    Command::Lstn {
        direction: listener.direction(),
        protocol: None,
    }
}

/// Whom the caller calls, and how it is protected.
fn call(plan: &Plan, listening: u16) -> impl Iterator<Item = Command> + use<> {
    let sock = sock(*plan.hosts.of(plan.listener), listening);
    [sock]
        .into_iter()
        .chain(protection(plan, plan.listener.opposite()))
}

/// Who is the TLS client, and whom this one has to meet.
fn protection(plan: &Plan, side: Side) -> impl Iterator<Item = Command> + use<> {
    let roles = match plan.protection {
        Protection::Tls(roles) => Some(roles),
        _ => None,
    };
    let sscn = roles.and_then(|roles| {
        let is_client = roles.client == side && roles.by == ClientBy::Sscn;
        let is_told = is_client || *roles.knows_sscn.of(side);
        is_told.then_some(Command::Sscn(Some(is_client)))
    });
    let certificate = roles.and_then(|roles| *roles.told.of(side));
    let certificate = certificate.map(|sha256| Command::Site(SiteCommand::PeerCert { sha256 }));
    sscn.into_iter().chain(certificate)
}

/// The replies to `commands`, or to what was said ahead in their place.
async fn said<T>(
    lane: &mut Lane<'_, Option<T>>,
    step: &'static str,
    commands: impl Iterator<Item = Command>,
) -> Result<Vec<Reply>, Error> {
    heard(lane.conn).await?;
    if let Some(ahead) = lane.conn.arrangement_ahead.take() {
        let granted = ahead
            .replies
            .into_iter()
            .map(|reply| lane.conn.completed(step, reply, ""));
        return granted.collect();
    }
    for command in commands {
        lane.say(&command, None)?;
    }
    answers(lane, step).await
}

/// All that was said ahead is answered.
async fn heard(conn: &mut ControlConn) -> Result<(), Error> {
    let is_complete = |conn: &ControlConn| {
        let ahead = conn.arrangement_ahead.as_ref();
        ahead.is_none_or(Ahead::is_complete)
    };
    conn.read_until(is_complete).await
}

/// Whatever is due; each has to say 2yz.
async fn answers<T>(
    lane: &mut Lane<'_, Option<T>>,
    step: &'static str,
) -> Result<Vec<Reply>, Error> {
    let mut replies = Vec::new();
    while lane.owed() > 0 {
        let (_, reply) = lane.soon().await?;
        replies.push(lane.conn.completed(step, reply, "")?);
    }
    Ok(replies)
}

/// The socket in a 255.
fn socket<T>(lane: &mut Lane<'_, Option<T>>, reply: Option<&Reply>) -> Result<u16, Error> {
    match reply.and_then(|reply| data_socket(reply).ok()) {
        Some(port) if port >= LOWEST_PORT || lane.conn.server.low_ports && port > 0 => Ok(port),
        _ => Err(lane.conn.misbehaved("it names no socket that may be used")),
    }
}

fn sock(host: IpAddr, socket: u16) -> Command {
    Command::Sock(SockArgument {
        host: SockHost::Address(host),
        socket,
    })
}

/// RFC 2577 section 3: ports below are those of system services (spec S-22).
const LOWEST_PORT: u16 = 1024;
