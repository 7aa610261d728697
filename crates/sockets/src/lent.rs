//! A connection in the hands of one thread that may block, while octets flow.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A connection that [`Connection::lend`](crate::Connection::lend) gave: nobody else reads or
/// writes it meanwhile, and nothing that happens to it wakes the runtime. Dropping it gives up
/// the connection.
#[derive(Debug)]
pub struct Lent {
    /// Its calls do not block: waiting has to have an end.
    stream: TcpStream,
    since: Instant,
    _permit: SemaphorePermit<'static>,
}

impl Lent {
    /// `None` while too many are lent.
    pub(crate) fn permit() -> Option<SemaphorePermit<'static>> {
        LENDING.try_acquire().ok()
    }

    pub(crate) fn new(stream: TcpStream, permit: SemaphorePermit<'static>) -> Self {
        Self {
            stream,
            since: Instant::now(),
            _permit: permit,
        }
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Reads what has come, and waits a moment for it. 0 is the orderly end; `None` says that
    /// nothing came, or that others wait for the thread: then the connection is to be given back.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        while self.since.elapsed() < TURN {
            match (&self.stream).read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.becomes_readable()? {
                        return Ok(None);
                    }
                }
                read => return read.map(Some),
            }
        }
        Ok(None)
    }

    fn becomes_readable(&self) -> io::Result<bool> {
        loop {
            match poll(
                &mut [PollFd::new(&self.stream, PollFlags::IN)],
                Some(&PATIENCE),
            ) {
                Err(Errno::INTR) => {}
                ready => return Ok(ready? > 0),
            }
        }
    }
}

/// How many are lent at the same time: each keeps a thread, which is worth it for as many as the
/// machine has cores. The others are served by the runtime.
const LENT_MAX: usize = 16;

static LENDING: Semaphore = Semaphore::const_new(LENT_MAX);

/// How long one may be kept: what the runtime knows of a transfer is that old, and so late is an
/// ABOR obeyed.
const TURN: Duration = Duration::from_millis(50);

/// How long nothing may come: a sender that is slower does not keep a thread.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 2_000_000,
};

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use socket2::SockRef;

    use super::*;

    fn pair() -> (Lent, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (near, _) = listener.accept().unwrap();
        near.set_nonblocking(true).unwrap();
        (Lent::new(near, Lent::permit().unwrap()), far)
    }

    #[test]
    fn octets_and_the_end_are_readable_and_silence_is_not() {
        let (lent, mut far) = pair();
        assert!(!lent.becomes_readable().unwrap());
        far.write_all(b"x").unwrap();
        assert!(lent.becomes_readable().unwrap());
        let (lent, far) = pair();
        drop(far);
        assert!(lent.becomes_readable().unwrap());
    }

    /// A file that was cut off must not look whole.
    #[test]
    fn a_reset_is_an_error_and_no_orderly_end() {
        let (lent, far) = pair();
        SockRef::from(&far)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(far);
        let error = lent.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    /// A machine with much to do may be late with one, and not with all of them.
    #[test]
    fn silence_is_given_back_before_the_turn_is_over() {
        let is_early = || {
            let (lent, _far) = pair();
            let read = lent.read(&mut [0; 9]).unwrap();
            assert_eq!(read, None);
            lent.since.elapsed() < TURN
        };
        assert!((0..50).any(|_| is_early()));
    }
}
