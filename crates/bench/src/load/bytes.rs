//! Bytes of a transfer, taken and given at less cost than any server has with them.

use std::fs::File;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustix::fs::sendfile;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, recv};
use rustls::ClientConnection;

use crate::failure::{Failure, Result, While};

/// Takes all that comes, up to the end, and returns how many bytes that was. The kernel throws
/// them away (MSG_TRUNC): nothing is copied to us.
pub(crate) fn drain(from: &TcpStream) -> Result<u64> {
    let mut scratch = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match take(from, &mut scratch) {
            Ok(0) => return Ok(bytes),
            Ok(more) => bytes += more,
            Err(error) => return Err(error).during(READING),
        }
    }
}

/// As [`drain`], under TLS: nothing is decrypted. Some servers wait for our close_notify before
/// they close; they get it when all has come and nothing follows for a while. Returns when the
/// last bytes came as well, so that this while is no part of what is measured.
pub(crate) fn drain_sealed(
    from: &mut TcpStream,
    connection: &mut ClientConnection,
    size: u64,
) -> Result<(u64, Instant)> {
    let patience = from.read_timeout().during(READING)?;
    let mut scratch = vec![0; PIECE_BYTES];
    // The first records may have come with the end of the handshake.
    let mut bytes = HANDSHAKE_BYTES;
    let mut last = Instant::now();
    loop {
        match take(from, &mut scratch) {
            Ok(0) => break,
            Ok(more) => {
                bytes += more;
                last = Instant::now();
            }
            Err(Errno::AGAIN) if bytes >= size && !connection.wants_write() => {
                connection.send_close_notify();
                connection.write_tls(from).during(READING)?;
                from.set_read_timeout(patience).during(READING)?;
                break;
            }
            Err(error) => return Err(error).during(READING),
        }
        if bytes >= size {
            from.set_read_timeout(Some(MOMENT)).during(READING)?;
        }
    }
    Ok((bytes, last))
}

fn take(from: &TcpStream, scratch: &mut [u8]) -> std::result::Result<u64, Errno> {
    let (_, bytes) = retry_on_intr(|| recv(from, &mut *scratch, RecvFlags::TRUNC))?;
    Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
}

/// Gives a whole file from the page cache without copying it, and ends the connection.
pub(crate) fn feed(to: &TcpStream, file: &File, bytes: u64) -> Result<()> {
    let mut offset = 0;
    while offset < bytes {
        let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
        match sendfile(to, file, Some(&mut offset), left) {
            Ok(0) => return Err(Failure::new("the file became shorter")),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).during("writing the data connection"),
        }
    }
    to.shutdown(Shutdown::Write)
        .during("ending the data connection")
}

/// Encrypts `bytes` zeros ahead, all of them, and only then sends: returns when sending began,
/// so that our own encryption is no part of what is measured.
pub(crate) fn feed_sealed(
    to: &mut TcpStream,
    connection: &mut ClientConnection,
    bytes: u64,
) -> Result<Instant> {
    let step = "writing the data connection";
    connection.set_buffer_limit(None);
    let piece = vec![0; PIECE_BYTES];
    let mut left = bytes;
    while left > 0 {
        let next = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let piece = piece.get(..next).unwrap_or(&piece);
        connection.writer().write_all(piece).during(step)?;
        left -= u64::try_from(next).unwrap_or(u64::MAX);
    }
    connection.send_close_notify();
    let began = Instant::now();
    while connection.wants_write() {
        match connection.write_tls(to) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).during(step),
        }
    }
    to.shutdown(Shutdown::Write).during(step)?;
    Ok(began)
}

/// As much as fits a connection's buffers; more saves nothing.
const PIECE_BYTES: usize = 1024 * 1024;

/// The most that can have come with the handshake.
const HANDSHAKE_BYTES: u64 = 64 * 1024;

/// How long a server on loopback is silent only if it has nothing more to send, however busy the
/// machine is.
const MOMENT: Duration = Duration::from_millis(300);

const READING: &str = "reading the data connection";
