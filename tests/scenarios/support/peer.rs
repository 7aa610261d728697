//! The other end of a data connection, played by the test.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::patience::{LONG, until};

/// A socket that is bound and neither listens nor calls: a number of one's own.
pub(crate) fn bound(host: &str) -> Socket {
    bound_at(SocketAddr::new(ip(host), 0))
}

/// Where a bound socket is.
pub(crate) fn place(socket: &Socket) -> SocketAddr {
    socket.local_addr().unwrap().as_socket().unwrap()
}

/// Calls `to` from `host`, from any port.
pub(crate) fn call(host: &str, to: SocketAddr) -> TcpStream {
    call_with(bound(host), to).unwrap()
}

/// Calls `to` from exactly `from`.
pub(crate) fn call_from(from: SocketAddr, to: SocketAddr) -> TcpStream {
    call_with(bound_at(from), to).unwrap()
}

/// Calls `to` from a bound socket.
pub(crate) fn call_with(socket: Socket, to: SocketAddr) -> io::Result<TcpStream> {
    socket.connect_timeout(&to.into(), LONG)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LONG))?;
    stream.set_write_timeout(Some(LONG))?;
    Ok(stream)
}

/// Listens at `host`, on any port.
pub(crate) fn listen(host: &str) -> TcpListener {
    let listener = TcpListener::bind((ip(host), 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

/// The next caller.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let stream = until("a caller", || accept_now(listener));
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

/// A caller, if one waits.
pub(crate) fn accept_now(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept() {
        Ok((stream, _)) => Some(stream),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("accept: {error}"),
    }
}

/// Sends a whole file in stream mode: bytes, then the end.
pub(crate) fn send_all(mut stream: TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}

/// Receives to the end.
pub(crate) fn receive_all(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Whether the other end reset the connection, and said nothing before.
pub(crate) fn is_reset_unread(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

/// Whether a call from `host` to a listener that waits for somebody else is reset. The reset may
/// be there before the call is known to have been answered.
pub(crate) fn is_rejected(host: &str, to: SocketAddr) -> bool {
    is_rejected_from(bound(host), to)
}

/// As [`is_rejected`], from exactly `from`.
pub(crate) fn is_rejected_at(from: SocketAddr, to: SocketAddr) -> bool {
    is_rejected_from(bound_at(from), to)
}

/// Closes with RST.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// Whether nobody listens at `address`.
pub(crate) fn is_refused(address: SocketAddr) -> bool {
    let socket = bound(&address.ip().to_string());
    match socket.connect_timeout(&address.into(), LONG) {
        // A caller whom the system gave that very port has met itself, and nobody else.
        Ok(()) => place(&socket) == address,
        Err(error) => error.kind() == ErrorKind::ConnectionRefused,
    }
}

/// A host by its literal.
pub(crate) fn ip(host: &str) -> IpAddr {
    host.parse().unwrap()
}

fn is_rejected_from(socket: Socket, to: SocketAddr) -> bool {
    match call_with(socket, to) {
        Ok(mut stream) => is_reset_unread(&mut stream),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn bound_at(from: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(from), Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&from.into()).unwrap();
    socket
}
