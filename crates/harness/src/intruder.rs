//! Somebody who calls a data socket that is not meant for him.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use thirdhost_sockets::{Connection, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A caller that has been let into the queue of a listening socket and has sent
/// [`Intruder::WORDS`], which must never be stored.
#[derive(Debug)]
pub struct Intruder {
    connection: Box<dyn Connection>,
}

/// What became of an intruder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    /// A reset, and not a byte: what the RFC's clause c comes to on TCP.
    Reset,
    /// An orderly end and not a byte.
    Closed,
    /// He was sent something.
    Heard(Vec<u8>),
}

impl Intruder {
    /// What he sends at once.
    pub const WORDS: &[u8] = b"these are the words of an intruder\n";

    /// Calls `target` from a socket of `host`.
    ///
    /// # Errors
    /// Whatever the system says; a listening socket queues everybody at first.
    pub async fn call(
        network: &Arc<dyn Network>,
        host: IpAddr,
        target: SocketAddr,
    ) -> io::Result<Self> {
        let from = SocketAddr::new(host, 0);
        let mut connection = network.call(Some(from), target).await?;
        connection.write_all(Self::WORDS).await?;
        Ok(Self { connection })
    }

    /// Waits for the end.
    pub async fn fate(mut self) -> Fate {
        let mut heard = vec![0; 4096];
        match self.connection.read(&mut heard).await {
            Err(_) => Fate::Reset,
            Ok(0) => Fate::Closed,
            Ok(bytes) => {
                heard.truncate(bytes);
                Fate::Heard(heard)
            }
        }
    }
}
