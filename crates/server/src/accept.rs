//! Accepting callers: from which listener, which errors pass, and how one too many is told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use thirdhost_sockets::{Clock, Connection, Listener};
use tokio::io::AsyncWriteExt;

/// How a session begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Begins {
    /// With the greeting.
    InClear,
    /// With a TLS handshake.
    UnderTls,
}

pub(crate) async fn accept_either(
    listeners: &[Box<dyn Listener>],
    implicit: &[Box<dyn Listener>],
) -> (io::Result<Box<dyn Connection>>, Begins) {
    tokio::select! {
        biased;
        connection = accept(listeners) => (connection, Begins::InClear),
        connection = accept(implicit) => (connection, Begins::UnderTls),
    }
}

/// Accepts from whichever listener has a caller first.
async fn accept(listeners: &[Box<dyn Listener>]) -> io::Result<Box<dyn Connection>> {
    if listeners.is_empty() {
        return std::future::pending().await;
    }
    let (connection, _, _) = select_all(listeners.iter().map(|listener| listener.accept())).await;
    connection
}

/// 421 for a session too many (spec S-52); bounded, because the peer may not read.
pub(crate) async fn refuse(
    clock: Arc<dyn Clock>,
    mut connection: Box<dyn Connection>,
    why: &'static str,
) {
    let line = format!("421 Sorry, {why}; try again later.\r\n");
    let say = async {
        connection.write_all(line.as_bytes()).await?;
        connection.shutdown().await
    };
    tokio::select! {
        biased;
        said = say => if let Err(error) = said {
            tracing::debug!(%error, "421 was not heard");
        },
        () = clock.sleep(REFUSAL_TIMEOUT) => {}
    }
}

/// Whether the listener itself is gone. Every other error of accept(2) passes: Linux reports
/// there what happened to one caller, its network down or its route lost, too.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(error);
        matches!(errno, Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::InvalidInput
    }
}

/// Whether this process, or the system, has no descriptor left.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(error);
        matches!(errno, Some(Errno::MFILE | Errno::NFILE))
    }
    #[cfg(not(unix))]
    {
        let _unknown = error;
        false
    }
}

/// How long a caller who is refused may take to read why.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn only_a_listener_that_is_gone_ends_the_server() {
        let check = |errno: Errno, expected: bool| {
            assert_eq!(is_gone(&errno.into()), expected, "{errno:?}");
        };
        check(Errno::BADF, true);
        check(Errno::INVAL, true);
        check(Errno::NOTSOCK, true);
        // accept(2): to be treated like EAGAIN by retrying.
        check(Errno::NETDOWN, false);
        check(Errno::PROTO, false);
        check(Errno::NOPROTOOPT, false);
        check(Errno::HOSTDOWN, false);
        check(Errno::HOSTUNREACH, false);
        check(Errno::OPNOTSUPP, false);
        check(Errno::NETUNREACH, false);
        check(Errno::CONNABORTED, false);
        check(Errno::PERM, false);
        check(Errno::MFILE, false);
        check(Errno::NFILE, false);
        check(Errno::NOBUFS, false);
        check(Errno::NOMEM, false);
        assert!(!is_gone(&io::Error::other("of no number")));
    }
}
