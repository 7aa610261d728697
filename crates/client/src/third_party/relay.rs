//! The last rung: the file comes to this host and goes on, a buffer at a time. Spec U-3 (5).

use thirdhost_proto::third_party::{BySide, Job, Operation};
use thirdhost_wire::Command;

use crate::data::{BUFFER_BYTES, Half, Link};
use crate::{ControlConn, Error};

/// Moves the file; returns how many bytes passed.
///
/// No more is read than the destination has taken, so memory is one buffer. The destination is
/// not touched before the source has sent something or said that an empty file is complete; it
/// sees an orderly end only after the source's 2yz, for the end is what commits a file there.
pub(super) async fn run(conns: &mut BySide<ControlConn>, job: &Job) -> Result<u64, Error> {
    let BySide {
        source,
        destination,
    } = conns;
    source.ensure_image().await?;
    destination.ensure_image().await?;
    let command = Command::Retr(job.from.clone());
    let mut incoming = source.begin("RETR", command, job.offset).await?;
    incoming.connection.reset_on_death(false);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut count = match source.moved(&mut incoming, Half::Read(&mut buffer)).await {
        Ok(count) => count,
        Err(error) => return Err(source.halted(incoming, error).await),
    };
    // Closed before its reply is waited for: a server may wait for that in turn.
    let incoming = match count {
        0 => {
            source.close_incoming(incoming).await?;
            None
        }
        _ => Some(incoming),
    };
    let (step, command) = match job.operation {
        Operation::Copy => ("STOR", Command::Stor(job.to.clone())),
        Operation::Append => ("APPE", Command::Appe(job.to.clone())),
    };
    let mut outgoing = match destination.begin(step, command, job.offset).await {
        Ok(outgoing) => outgoing,
        Err(error) => {
            if let Some(incoming) = incoming {
                source.abort(incoming).await;
            }
            return Err(error);
        }
    };
    // Whatever ends this before the file does must not look like the end of the file.
    outgoing.connection.reset_on_death(true);
    let mut bytes = 0;
    if let Some(mut incoming) = incoming {
        while count > 0 {
            let read = buffer.get(..count).unwrap_or_default();
            if let Err(error) = write(destination, &mut outgoing, read).await {
                let error = destination.halted(outgoing, error).await;
                source.abort(incoming).await;
                return Err(error);
            }
            bytes += count as u64;
            count = match source.moved(&mut incoming, Half::Read(&mut buffer)).await {
                Ok(count) => count,
                Err(error) => {
                    destination.abort(outgoing).await;
                    return Err(source.halted(incoming, error).await);
                }
            };
        }
        if let Err(error) = source.close_incoming(incoming).await {
            destination.abort(outgoing).await;
            return Err(error);
        }
    }
    destination.close_outgoing(outgoing).await?;
    Ok(bytes)
}

async fn write(
    destination: &mut ControlConn,
    outgoing: &mut Link,
    mut rest: &[u8],
) -> Result<(), Error> {
    while !rest.is_empty() {
        let sent = destination.moved(outgoing, Half::Write(rest)).await?;
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(())
}
