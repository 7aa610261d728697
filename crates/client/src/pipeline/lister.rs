//! Many directories listed over one data connection in MODE B, MLSD sent ahead.

use bytes::{Buf as _, BytesMut};
use thirdhost_sockets::Connection;
use thirdhost_wire::{
    BlockDecoder, BlockEvent, Command, EpsvArgument, Pathname, Reply, Structure, TransmissionMode,
    extended_passive,
};
use tokio::io::AsyncReadExt as _;

use super::ahead::Ahead;
use super::batch::{leave, option, switch};
use super::lane::Lane;
use crate::control::facts;
use crate::{ControlConn, Error, Listing};

/// One server's directories, asked for ahead and listed in that order.
#[derive(Debug)]
pub(crate) struct Lister<'a> {
    lane: Lane<'a, ()>,
    depth: usize,
    connection: Box<dyn Connection>,
    received: BytesMut,
    decoder: BlockDecoder,
    /// The listing that is being read.
    frame: Frame,
    /// The number it has to have.
    number: u64,
    reply: Option<Reply>,
}

/// What stands for one listing on the data connection.
#[derive(Debug, Default)]
struct Frame {
    number: Option<u64>,
    text: Vec<u8>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Whole,
    Failed,
    /// The connection ended, or what came is no listing.
    Lost,
}

impl<'a> Lister<'a> {
    /// Begins with `first`. None where the server knows no pipeline, or no data connection for
    /// one comes about.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(crate) async fn open(
        conn: &'a mut ControlConn,
        first: Option<&Pathname>,
    ) -> Result<Option<Self>, Error> {
        let Some(depth) = listing_depth(conn) else {
            return Ok(None);
        };
        let ahead = conn.listing_ahead.take();
        let mut lane = Lane::new(conn);
        let replies = match ahead {
            // What was sent since has been answered, and so these are.
            Some(ahead) => ahead.replies,
            None => {
                for command in setting(lane.conn) {
                    lane.say(&command, ())?;
                }
                let mut replies = Vec::new();
                while lane.owed() > 0 {
                    replies.push(lane.soon().await?.1);
                }
                replies
            }
        };
        let is_refused = replies.iter().any(|reply| !reply.code().is_completion());
        let port = replies.last().and_then(|last| extended_passive(last).ok());
        let port = port.map(|told| told.port);
        let Some(port) = port.filter(|_| !is_refused) else {
            leave(lane.conn).await?;
            return Ok(None);
        };
        lane.say(&Command::Mlsd(first.cloned()), ())?;
        lane.push_out().await?;
        let connection = match data(&mut lane, port).await {
            Ok(connection) => connection,
            Err(error @ Error::Misbehaved { .. }) => return Err(error),
            // Why not, the usual dialogue finds out.
            Err(_) => {
                stop(&mut lane).await?;
                return Ok(None);
            }
        };
        Ok(Some(Self {
            lane,
            depth,
            connection,
            received: BytesMut::new(),
            decoder: BlockDecoder::new(Structure::File),
            frame: Frame::default(),
            number: 1,
            reply: None,
        }))
    }

    /// Whether another directory may be asked for.
    pub(crate) fn has_room(&self) -> bool {
        self.lane.owed() < self.depth
    }

    /// Asks for another directory.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(crate) fn ask(&mut self, directory: Option<&Pathname>) -> Result<(), Error> {
        self.lane.say(&Command::Mlsd(directory.cloned()), ())
    }

    /// The next listing, or why this one directory cannot be listed.
    ///
    /// # Errors
    /// When control or data connection break; then [`Lister::give_up`].
    pub(crate) async fn next(&mut self) -> Result<Result<Listing, Error>, Error> {
        let environment = self.lane.conn.environment.clone();
        let limit = environment.limits.data_stall;
        loop {
            self.decode()?;
            if let Some(end) = self.frame.end
                && let Some(reply) = self.reply.take()
            {
                return self.listed(end, reply);
            }
            let wants_data = self.frame.end.is_none();
            self.received.reserve(LISTING_READ_BYTES);
            let wants_reply = self.reply.is_none();
            tokio::select! {
                biased;
                found = self.lane.next(), if wants_reply => {
                    let ((), reply) = found?;
                    self.reply = Some(reply);
                }
                read = self.connection.read_buf(&mut self.received), if wants_data => {
                    let read = read.unwrap_or(0);
                    self.lane.conn.data_bytes += read as u64;
                    if read == 0 {
                        self.frame.end = Some(End::Lost);
                    }
                }
                () = environment.interrupt.tripped() => return Err(self.lane.conn.stopped()),
                () = environment.world.clock.sleep(limit) => {
                    return Err(self.lane.conn.silent(limit));
                }
            }
        }
    }

    /// All is listed: back to the usual dialogue.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(crate) async fn close(self) -> Result<(), Error> {
        drop(self.connection);
        leave(self.lane.conn).await
    }

    /// The listings that are still owed are given up: back to the usual dialogue.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(crate) async fn give_up(mut self) -> Result<(), Error> {
        drop(self.connection);
        stop(&mut self.lane).await
    }

    /// Takes from what has been received what belongs to the listing in hand.
    fn decode(&mut self) -> Result<(), Error> {
        let whole = self.received.len();
        let mut rest = &self.received[..];
        while self.frame.end.is_none() {
            match self.decoder.decode(&mut rest) {
                Ok(None) => break,
                Ok(Some(BlockEvent::Marker(marker))) if self.frame.number.is_none() => {
                    self.frame.number = marker.as_str().parse().ok();
                }
                Ok(Some(BlockEvent::Data(octets))) => self.frame.text.extend_from_slice(octets),
                Ok(Some(BlockEvent::EndOfFile { suspect: false })) => {
                    self.frame.end = Some(End::Whole);
                }
                Ok(Some(BlockEvent::EndOfFile { suspect: true })) => {
                    self.frame.end = Some(End::Failed);
                }
                Ok(Some(_)) => {}
                Err(_) => self.frame.end = Some(End::Lost),
            }
        }
        let taken = whole - rest.len();
        self.received.advance(taken);
        let limit = self.lane.conn.environment.limits.listing_bytes;
        if self.frame.text.len() > limit {
            return Err(self
                .lane
                .conn
                .misbehaved(format!("it sends more than {limit} bytes")));
        }
        Ok(())
    }

    fn listed(&mut self, end: End, reply: Reply) -> Result<Result<Listing, Error>, Error> {
        let frame = std::mem::take(&mut self.frame);
        let expected = self.number;
        self.number += 1;
        if end == End::Lost || frame.number != Some(expected) {
            return Err(self.lane.conn.unusable_listing(reply));
        }
        if reply.code().is_completion() && end == End::Whole {
            return Ok(Ok(facts(&frame.text)));
        }
        Ok(Err(self.lane.conn.refused("MLSD", reply, "")))
    }
}

/// Says that a listing is likely to follow what is asked next. Where the server takes no commands
/// ahead, nothing is said.
///
/// # Errors
/// When the dialogue breaks.
pub(crate) async fn announce_listing(conn: &mut ControlConn) -> Result<(), Error> {
    // Without MLST a look may be a listing of its own.
    let is_alone = conn.listing_ahead.is_none() && conn.features().has("MLST");
    if !is_alone || listing_depth(conn).is_none() {
        return Ok(());
    }
    let setting = setting(conn);
    conn.listing_ahead = Ahead::send(conn, setting).await?;
    Ok(())
}

/// No listing follows: back to the usual dialogue.
///
/// # Errors
/// When the dialogue breaks.
pub(crate) async fn withdraw_listing(conn: &mut ControlConn) -> Result<(), Error> {
    match conn.listing_ahead.take() {
        Some(_) => leave(conn).await,
        None => Ok(()),
    }
}

fn listing_depth(conn: &ControlConn) -> Option<usize> {
    let has_facts = conn.features().has("MLST") || conn.features().has("MLSD");
    super::depth(conn).filter(|_| has_facts)
}

/// What makes the data connection: the last of them names its socket.
fn setting(conn: &ControlConn) -> impl Iterator<Item = Command> + use<> {
    let mode = Command::Mode(TransmissionMode::Block);
    let epsv = Command::Epsv(EpsvArgument::Default);
    let facts = conn.features().has("MLST").then(|| option("MLST", FACTS));
    let setting = facts.flatten().into_iter().chain(switch(true));
    setting.chain([mode, epsv])
}

/// The data connection, under TLS as the control connection is.
async fn data(lane: &mut Lane<'_, ()>, port: u16) -> Result<Box<dyn Connection>, Error> {
    let mut connection = lane.conn.call("EPSV", port).await?;
    connection.reset_on_death(false);
    let Some(tls) = lane.conn.tls.clone() else {
        return Ok(connection);
    };
    let environment = lane.conn.environment.clone();
    let limit = environment.limits.handshake;
    let server = lane.conn.name().to_owned();
    let failed = |source| Error::DataConnection {
        server,
        step: "MLSD",
        source,
    };
    match environment.within(limit, tls.on_data(connection)).await {
        Some(made) => made.map_err(failed),
        None => Err(failed(std::io::ErrorKind::TimedOut.into())),
    }
}

/// ABOR, the answers to all that is under way, and back to the usual dialogue.
async fn stop(lane: &mut Lane<'_, ()>) -> Result<(), Error> {
    lane.say(&Command::Abor, ())?;
    while lane.owed() > 0 {
        lane.soon().await?;
    }
    leave(lane.conn).await
}

/// What is read of a listing: with the others hundreds of files do not fit into what a new
/// connection may send before it hears from its peer.
const FACTS: &str = "type;size;modify;X.partial;X.partial-modify;";

/// How much of a listing there is room for at each read: a hundred lines and more.
const LISTING_READ_BYTES: usize = 16 * 1024;
