//! Commands of one kind sent ahead, and the way back from a pipeline to the usual dialogue.

use bytes::BytesMut;
use thirdhost_wire::{Command, Pathname, Text, TransmissionMode};

use super::lane::Lane;
use crate::{ControlConn, Error};

/// MKD for each, parents first; what came of each, in order.
///
/// # Errors
/// When the dialogue breaks.
pub(crate) async fn make_directories(
    conn: &mut ControlConn,
    depth: usize,
    paths: &[Pathname],
) -> Result<Vec<Result<(), Error>>, Error> {
    let mut lane = Lane::new(conn);
    let mut made = Vec::new();
    let mut left = paths.iter();
    while made.len() < paths.len() {
        while lane.owed() < depth
            && let Some(path) = left.next()
        {
            lane.say(&Command::Mkd(path.clone()), ())?;
        }
        let ((), reply) = lane.soon().await?;
        made.push(lane.conn.completed("MKD", reply, "").map(drop));
    }
    Ok(made)
}

/// The switch of the pipeline.
pub(super) fn switch(on: bool) -> Option<Command> {
    option("PIPELINE", if on { "ON" } else { "OFF" })
}

/// OPTS.
pub(super) fn option(command: &str, options: &str) -> Option<Command> {
    Some(Command::Opts {
        command: Text::try_from(command).ok()?,
        options: Some(Text::try_from(options).ok()?),
    })
}

/// Back to MODE S and one file at a time; nobody waits for the answers.
///
/// # Errors
/// When the dialogue breaks.
pub(super) async fn leave(conn: &mut ControlConn) -> Result<(), Error> {
    if !conn.is_usable() {
        return Ok(());
    }
    let mut outgoing = BytesMut::new();
    let mode = Command::Mode(TransmissionMode::Stream);
    let mut last = None;
    for command in switch(false).iter().chain([&mode]) {
        last = Some(conn.send_ahead(command, &mut outgoing)?);
    }
    if let Some(last) = last {
        conn.ignore_until(last);
    }
    conn.write(&outgoing).await
}
