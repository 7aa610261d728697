//! Sending a file without copying it through the process (design D9). Linux only.

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustix::fs::Advice;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::copy_file;

/// As [`copy_file`], but the bytes stay in the kernel. A file that cannot be sent this way, such
/// as one of `/proc`, is copied.
pub(crate) async fn send_file(
    stream: &mut TcpStream,
    file: &Arc<File>,
    offset: u64,
    length: u64,
) -> io::Result<u64> {
    // Reading ahead keeps the disk busy while the network is; a file that takes no advice is
    // sent all the same.
    let _ = rustix::fs::fadvise(file, offset, None, Advice::Sequential);
    let mut sent = 0;
    while sent < length {
        let at = offset.saturating_add(sent);
        match send_chunk(stream, file, at, length - sent).await {
            Ok(0) => break,
            Ok(count) => sent += count,
            Err(error) if sent == 0 && is_unsupported(&error) => {
                return copy_file(stream, file, offset, length).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

async fn send_chunk(stream: &TcpStream, file: &File, offset: u64, left: u64) -> io::Result<u64> {
    let count = usize::try_from(left)
        .unwrap_or(CHUNK_BYTES)
        .min(CHUNK_BYTES);
    let send = || {
        let mut position = offset;
        let sent = rustix::fs::sendfile(stream, file, Some(&mut position), count)?;
        Ok(u64::try_from(sent).unwrap_or(u64::MAX))
    };
    loop {
        match stream.async_io(Interest::WRITABLE, send).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// How much one call may send: a slow disk holds up the other transfers of the thread for no
/// longer than it takes to read this much.
const CHUNK_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever is gone is not sent the same again.
    #[test]
    fn only_a_file_that_cannot_be_sent_so_is_copied() {
        for (errno, expected) in [
            (Errno::INVAL, true),
            (Errno::NOSYS, true),
            (Errno::OPNOTSUPP, true),
            (Errno::PIPE, false),
            (Errno::CONNRESET, false),
            (Errno::IO, false),
        ] {
            assert_eq!(is_unsupported(&errno.into()), expected, "{errno:?}");
        }
    }
}
