//! Sending a file without copying it through the process (design D9). Linux only.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{Advice, sendfile};
use rustix::io::Errno;
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::copy_file;
use crate::memory::is_in_memory;

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

async fn send_chunk(
    stream: &TcpStream,
    file: &Arc<File>,
    offset: u64,
    left: u64,
) -> io::Result<u64> {
    let count = usize::try_from(left)
        .unwrap_or(CHUNK_BYTES)
        .min(CHUNK_BYTES);
    let last = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX) - 1);
    let sent = if is_in_memory(file, offset) && is_in_memory(file, last) {
        let send = || send_now(stream, file, offset, count);
        stream.async_io(Interest::WRITABLE, send).await?
    } else {
        send_from_disk(stream, file, offset, count).await?
    };
    Ok(u64::try_from(sent).unwrap_or(u64::MAX))
}

/// Sends where waiting for a disk holds nobody up; for the far end, nobody waits there.
async fn send_from_disk(
    stream: &TcpStream,
    file: &Arc<File>,
    offset: u64,
    count: usize,
) -> io::Result<usize> {
    let socket: Arc<Socket> = Arc::new(SockRef::from(stream).try_clone()?);
    loop {
        stream.writable().await?;
        let (socket, file) = (Arc::clone(&socket), Arc::clone(file));
        let sending = spawn_blocking(move || send_now(&*socket, &file, offset, count));
        let sent = sending.await.map_err(io::Error::other)?;
        // The runtime learns so that the socket is full.
        match stream.try_io(Interest::WRITABLE, || sent) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
    }
}

fn send_now(to: impl AsFd, file: &File, offset: u64, count: usize) -> io::Result<usize> {
    loop {
        let mut position = offset;
        match sendfile(&to, file, Some(&mut position), count) {
            Err(Errno::INTR) => {}
            sent => return Ok(sent?),
        }
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// How much one call may send: should some of it not be in memory after all, the other transfers
/// of the thread are held up for no longer than it takes to read this much.
const CHUNK_BYTES: usize = 1024 * 1024;
