//! The one arrangement: LSTN at one server, SOCK at both, in MODE B. RFC 438's example.

use std::net::IpAddr;

use thirdhost_proto::third_party::{BySide, ClientBy, Plan, Protection, Side};
use thirdhost_wire::{
    Command, Direction, Reply, SiteCommand, SockArgument, SockHost, TransmissionMode, data_socket,
};

use super::batch::switch;
use super::lane::Lane;
use super::proof::Proof;
use crate::Error;

/// Brings both servers to the point where files can be sent.
pub(super) async fn arrange<T>(
    lanes: &mut BySide<Lane<'_, Option<T>>>,
    plan: &Plan,
    proof: Proof,
) -> Result<(), Error> {
    let (listener, hosts) = (plan.listener, plan.hosts);
    let caller = listener.opposite();
    let direction = match listener {
        Side::Source => Direction::Send,
        Side::Destination => Direction::Receive,
    };
    for side in Side::BOTH {
        let lane = lanes.of_mut(side);
        let select = proof.selection(lane.conn);
        let mode = Command::Mode(TransmissionMode::Block);
        for command in switch(true).into_iter().chain([mode]).chain(select) {
            lane.say(&command, None)?;
        }
    }
    let lstn = Command::Lstn {
        direction,
        protocol: None,
    };
    lanes.of_mut(listener).say(&lstn, None)?;
    let listening = socket(lanes.of_mut(listener), "LSTN").await?;
    let call = sock(*hosts.of(listener), listening);
    lanes.of_mut(caller).say(&call, None)?;
    let calling = socket(lanes.of_mut(caller), "SOCK").await?;
    // SECURITY: no file is asked for before the listener knows who may call, and both know
    // which certificate the other has to show.
    let pin = sock(*hosts.of(caller), calling);
    lanes.of_mut(listener).say(&pin, None)?;
    let pinned = socket(lanes.of_mut(listener), "SOCK").await?;
    protect(lanes, plan).await?;
    if pinned != listening {
        let problem = "SOCK names another socket than the one it listens on";
        return Err(lanes.of_mut(listener).conn.misbehaved(problem));
    }
    Ok(())
}

/// Who is the TLS client, and whom each has to meet.
async fn protect<T>(lanes: &mut BySide<Lane<'_, Option<T>>>, plan: &Plan) -> Result<(), Error> {
    let Protection::Tls(roles) = plan.protection else {
        return Ok(());
    };
    for side in Side::BOTH {
        let lane = lanes.of_mut(side);
        let is_client = roles.client == side && roles.by == ClientBy::Sscn;
        if is_client || *roles.knows_sscn.of(side) {
            lane.say(&Command::Sscn(Some(is_client)), None)?;
        }
        if let Some(sha256) = *roles.told.of(side) {
            lane.say(&Command::Site(SiteCommand::PeerCert { sha256 }), None)?;
        }
    }
    for side in Side::BOTH {
        let lane = lanes.of_mut(side);
        while lane.owed() > 0 {
            let (_, reply) = lane.soon().await?;
            lane.conn.completed("SITE PEERCERT", reply, "")?;
        }
    }
    Ok(())
}

/// The socket in the 255 that is due behind whatever was set before.
async fn socket<T>(lane: &mut Lane<'_, Option<T>>, step: &'static str) -> Result<u16, Error> {
    let mut last: Option<Reply> = None;
    while lane.owed() > 0 {
        let (_, reply) = lane.soon().await?;
        if !reply.code().is_completion() {
            return Err(lane.conn.refused(step, reply, ""));
        }
        last = Some(reply);
    }
    let told = last.as_ref().and_then(|reply| data_socket(reply).ok());
    match told {
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
