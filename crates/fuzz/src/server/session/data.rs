//! Data connections from the user's side: what goes in, and how it ends.

use std::sync::{Arc, Mutex, PoisonError};

use thirdhost_sockets::Connection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Input;

/// What happens on the next data connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    octets: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, Debug, Default)]
enum End {
    /// Closes, and reads until the far side has.
    #[default]
    Orderly,
    /// Closes without a look at what comes.
    Deaf,
    Reset,
    /// Neither reads nor closes.
    Stall,
}

/// What everybody follows who is not told otherwise.
pub(super) type Current = Arc<Mutex<Plan>>;

impl Plan {
    pub(super) fn read(input: &mut Input<'_>) -> Self {
        let ends = [
            End::Orderly,
            End::Orderly,
            End::Deaf,
            End::Reset,
            End::Stall,
        ];
        let end = input.pick(&ends).unwrap_or_default();
        let octets = match input.below(4) {
            0 => Vec::new(),
            1 => input.piece().to_vec(),
            2 => block(input.octet(), input.piece()),
            _ => vec![b'x'; 40_000],
        };
        Self { octets, end }
    }

    pub(super) fn of(current: &Current) -> Self {
        current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn put(self, current: &Current) {
        *current.lock().unwrap_or_else(PoisonError::into_inner) = self;
    }

    /// Does it.
    pub(super) async fn follow(self, mut connection: Box<dyn Connection>) {
        if matches!(self.end, End::Orderly) {
            let (mut reader, mut writer) = tokio::io::split(connection);
            let write = async {
                // The far side may be gone at any moment.
                let _gone = writer.write_all(&self.octets).await;
                let _gone = writer.shutdown().await;
            };
            let mut heard = Vec::new();
            let _gone = tokio::join!(write, reader.read_to_end(&mut heard));
            return;
        }
        let _gone = connection.write_all(&self.octets).await;
        match self.end {
            End::Reset => connection.reset(),
            End::Stall => std::future::pending().await,
            End::Orderly | End::Deaf => {}
        }
    }
}

/// A block of MODE B with its header: flags, and as many octets as it says.
fn block(flags: u8, octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap_or_default();
    let mut block = vec![flags];
    block.extend(length.to_be_bytes());
    block.extend(octets);
    block
}
