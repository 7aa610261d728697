//! RFC 438's steps one command at a time, for dialogues that no well-made client holds.

use std::net::IpAddr;

use thirdhost_client::{ControlConn, Error};
use thirdhost_wire::{Command, Direction, Reply, SockArgument, SockHost, data_socket};

use crate::Failed;
use crate::check::Mismatch;

/// LSTN: the number of the socket that listens.
///
/// # Errors
/// When the answer is not `255 SOCK nnnn`.
pub async fn listen(site: &mut ControlConn, direction: Direction) -> Result<u16, Failed> {
    let protocol = None;
    let command = Command::Lstn {
        direction,
        protocol,
    };
    socket(site, command, "LSTN").await
}

/// SOCK: the number of this site's own socket.
///
/// # Errors
/// When the answer is not `255 SOCK nnnn`.
pub async fn sock(site: &mut ControlConn, host: IpAddr, port: u16) -> Result<u16, Failed> {
    let host = SockHost::Address(host);
    let argument = SockArgument { host, socket: port };
    socket(site, Command::Sock(argument), "SOCK").await
}

/// Sends step 4 to both sites at once and waits for the final reply of both.
///
/// # Errors
/// When a dialogue breaks.
pub async fn both(
    source: &mut ControlConn,
    retrieve: Command,
    destination: &mut ControlConn,
    store: Command,
) -> Result<(Reply, Reply), Error> {
    let (sent, stored) = tokio::join!(source.command(retrieve), destination.command(store));
    Ok((sent?, stored?))
}

/// A reply has this code.
///
/// # Errors
/// If it has another.
pub fn expect(site: &ControlConn, step: &str, code: u16, reply: &Reply) -> Result<(), Mismatch> {
    if reply.code().number() == code {
        return Ok(());
    }
    let what = format!("the reply of {} to {step}", site.name());
    Err(Mismatch::new(what, code.to_string(), reply.to_string()))
}

async fn socket(site: &mut ControlConn, command: Command, step: &str) -> Result<u16, Failed> {
    let reply = site.command(command).await?;
    match data_socket(&reply) {
        Ok(port) => Ok(port),
        Err(_) => {
            let what = format!("the reply of {} to {step}", site.name());
            Err(Mismatch::new(what, "255 SOCK and a number", reply.to_string()).into())
        }
    }
}
