//! The service manager: sockets it hands over, and what it is told. Silent without one.

use std::io;
use std::net::TcpListener;

/// The listening sockets that the service manager opened for this process; none without one.
/// Has to be called before there are threads, since it takes them out of the environment.
///
/// # Errors
/// When what was handed over is no TCP socket that listens.
#[cfg(target_os = "linux")]
pub(crate) fn sockets() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::with_capacity(passed.len());
    for index in 0..passed.len() {
        listeners.extend(passed.take_tcp_listener(index)?);
    }
    Ok(listeners)
}

/// The service manager is told what is the case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// Connections are accepted.
    Ready,
    /// Users and policy are being read again; [`State::Ready`] follows.
    Reloading,
    /// The server drains.
    Stopping,
}

/// Tells the service manager, if there is one that wants to know.
#[cfg(target_os = "linux")]
pub(crate) fn tell(state: State) {
    use sd_notify::NotifyState;
    let told = match state {
        State::Ready => sd_notify::notify(&[NotifyState::Ready]),
        State::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        State::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = told {
        tracing::warn!(%error, ?state, "the service manager cannot be told");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn sockets() -> io::Result<Vec<TcpListener>> {
    Ok(Vec::new())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn tell(_: State) {}
