//! Sending a file without copying it through the process (design D9). Linux only.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Advice, sendfile};
use rustix::io::Errno;
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::copy_file;
use crate::memory::Memory;

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
    let memory = Memory::of(file);
    let mut sent = 0;
    while sent < length {
        let at = offset.saturating_add(sent);
        match send_chunk(stream, file, memory, at, length - sent).await {
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
    memory: Memory,
    offset: u64,
    left: u64,
) -> io::Result<u64> {
    let count = usize::try_from(left)
        .unwrap_or(CHUNK_BYTES)
        .min(CHUNK_BYTES);
    let last = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX) - 1);
    let sent = if memory.holds(file, offset) && memory.holds(file, last) {
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
    let socket: Socket = SockRef::from(stream).try_clone()?;
    let file = Arc::clone(file);
    by_a_thread(stream, move || send_now(&socket, &file, offset, count)).await
}

/// Has `send` done by a blocking thread as soon as the socket has room, again and again until it
/// has sent something.
async fn by_a_thread(
    stream: &TcpStream,
    send: impl Fn() -> io::Result<usize> + Send + Sync + 'static,
) -> io::Result<usize> {
    let send = Arc::new(send);
    loop {
        // The system is asked, and not the thread believed: that the socket is full was so when it
        // tried, and room may have come before the runtime would make a note of it. What wakes the
        // runtime comes once.
        let room = || has_room(stream);
        stream.async_io(Interest::WRITABLE, room).await?;
        let send = Arc::clone(&send);
        let sending = spawn_blocking(move || send());
        match sending.await.map_err(io::Error::other)? {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
    }
}

fn has_room(stream: &TcpStream) -> io::Result<()> {
    let mut socket = [PollFd::new(stream, PollFlags::OUT)];
    match poll(&mut socket, Some(&NOT_AT_ALL))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
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

/// How long is waited where only the state is asked for.
const NOT_AT_ALL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::Mutex;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::runtime::Handle;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_full_socket_has_no_room() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        near.set_nonblocking(true).unwrap();
        let mut socket = near.try_clone().unwrap();
        let near = TcpStream::from_std(near).unwrap();
        has_room(&near).unwrap();
        while socket.write(&[7; 64 * 1024]).is_ok() {}
        let full = has_room(&near).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }

    /// The far end reads all between the moment in which the thread finds the socket full and the
    /// moment in which the runtime hears of that.
    #[tokio::test]
    async fn room_that_came_while_a_thread_said_that_there_is_none_is_not_missed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut socket = near.try_clone().unwrap();
        let near = TcpStream::from_std(near).unwrap();
        let runtime = Handle::current();
        let mut full = move || {
            let mut sent = 0;
            let full = loop {
                match socket.write(&[7; 64 * 1024]) {
                    Ok(count) => sent += count,
                    Err(error) => break error,
                }
            };
            far.read_exact(&mut vec![0; sent]).unwrap();
            poll(&mut [PollFd::new(&socket, PollFlags::OUT)], None).unwrap();
            // The runtime has looked at its sockets once it has come to this.
            let (tell, told) = mpsc::channel();
            runtime.spawn(async move { tell.send(()).unwrap() });
            told.recv().unwrap();
            full
        };
        let mut is_first = true;
        let send = Mutex::new(move || {
            if std::mem::take(&mut is_first) {
                Err(full())
            } else {
                Ok(1)
            }
        });
        let send = move || (send.lock().unwrap())();
        let sent = timeout(Duration::from_secs(10), by_a_thread(&near, send)).await;
        assert_eq!(sent.expect("it goes on").unwrap(), 1);
    }

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
