//! A far end that has gone without a word: TCP by itself asks after hours, or never.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How long a far end may answer nothing at all. 45 s: with what it takes to tell the others and
/// to clear up, a session is over within a minute of the network's death; yet a route that takes
/// half a minute to be found anew costs no transfer.
pub const SILENCE_MAX: Duration = Duration::from_secs(45);

/// Makes the system ask an idle far end, and give up one that does not acknowledge.
pub(crate) fn end_on_silence(socket: &SockRef<'_>) {
    let keepalive = TcpKeepalive::new().with_time(QUIET);
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        windows
    ))]
    let keepalive = keepalive.with_interval(BETWEEN);
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    let keepalive = keepalive.with_retries(QUESTIONS);
    // Where the system refuses, its own, longer times hold.
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(SILENCE_MAX));
}

/// After how long without a word it is asked.
const QUIET: Duration = Duration::from_secs(20);

/// How long each answer is waited for.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    windows
))]
const BETWEEN: Duration = Duration::from_secs(5);

/// How often it is asked: `QUIET` and this many times `BETWEEN` are `SILENCE_MAX`.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
const QUESTIONS: u32 = 5;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn an_idle_and_a_busy_connection_end_after_the_same_silence() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = SockRef::from(&stream);
        end_on_silence(&socket);
        assert!(socket.keepalive().unwrap());
        let idle = socket.tcp_keepalive_time().unwrap()
            + socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(idle, SILENCE_MAX);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(SILENCE_MAX));
    }
}
