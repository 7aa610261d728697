//! How long a round trip takes.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::{Host, Lab};

/// How long it takes from `from` to `to` and back: the kernel there refuses a connection, so that
/// no program has to wake up for it.
///
/// # Errors
/// When anything but a refusal comes.
pub fn round_trip(lab: &Lab, from: Host, to: Host) -> io::Result<Duration> {
    let address = SocketAddr::from((to.address(), NOBODY));
    lab.within(from, || {
        let began = Instant::now();
        match TcpStream::connect_timeout(&address, TIME_MAX) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(began.elapsed()),
            Err(error) => Err(error),
            Ok(_) => Err(io::Error::other(format!("somebody listens at {address}"))),
        }
    })?
}

/// `tcpmux`, where nobody listens.
const NOBODY: u16 = 1;
const TIME_MAX: Duration = Duration::from_secs(10);
