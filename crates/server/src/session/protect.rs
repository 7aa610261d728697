//! TLS on the control connection: begun by AUTH, ended by REIN; and asked for on data.

use std::sync::Arc;

use futures_util::FutureExt;
use thirdhost_proto::server::{Event, Outcome, Protection, Route, TlsFailure};
use thirdhost_sockets::{Clock, Connection};
use thirdhost_wire::{AcceptFilter, Direction};

use super::begin::named_host;
use super::stream::ControlStream;
use super::{Done, Session};
use crate::limits::HANDSHAKE_TIMEOUT;
use crate::tls::{DataHandshake, TlsError, TlsSession};

/// What is to happen to the control connection once all replies have gone out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    StartTls,
    EndTls,
}

impl Session {
    /// Begins the change that is due. False when the session has to end instead.
    pub(super) fn begin_change(&mut self, change: Change) -> bool {
        // SECURITY: what came before the change is not served after it: whoever could write into
        // the clear connection would speak with the voice of the one behind TLS (spec S-30, S-32).
        if self.control.has_input() {
            tracing::warn!(
                ?change,
                "commands came before TLS had begun or ended; closing"
            );
            return false;
        }
        let (Some(stream), Some(tls)) = (self.control.take_stream(), self.tls.clone()) else {
            return false;
        };
        let clock = Arc::clone(&self.shared.world.clock);
        let asks = self.shared.accounts.know_certificates();
        let changing = async move {
            match (change, stream) {
                (Change::StartTls, ControlStream::Clear(connection)) => {
                    start(&tls, connection, asks, &*clock).await
                }
                (Change::EndTls, ControlStream::Protected(connection)) => {
                    tokio::select! {
                        biased;
                        ended = connection.end_tls() => Ok(ControlStream::Clear(ended?)),
                        () = clock.sleep(HANDSHAKE_TIMEOUT) => Err(TlsError::TimedOut {
                            after: HANDSHAKE_TIMEOUT,
                        }),
                    }
                }
                // The server-PI never asks for what is so already.
                (_, stream) => Ok(stream),
            }
        };
        self.operation = Some(changing.map(Done::Changed).boxed());
        true
    }

    /// The change is over; a failed one ends the session.
    pub(super) fn changed(&mut self, changed: Result<ControlStream, TlsError>) {
        match changed {
            Ok(stream) => {
                let (tls, indicated) = (stream.is_protected(), stream.indicated());
                self.shown = stream.shown();
                tracing::debug!(
                    tls,
                    certificate = self.shown.is_some(),
                    "control connection"
                );
                self.control.put_stream(stream);
                let now = self.now();
                self.pi
                    .handle_event(now, Event::Protected { tls, indicated });
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "no TLS on the control connection; closing");
                self.closing = true;
            }
        }
    }

    /// What the data connection of a transfer has to go through before the file; none in clear.
    pub(super) fn handshake(
        &self,
        protection: Protection,
        route: Route,
        direction: Direction,
    ) -> Result<Option<DataHandshake>, Outcome> {
        let Protection::Tls { role, peer } = protection else {
            return Ok(None);
        };
        let session = self.tls.clone();
        let session = session.ok_or(Outcome::TlsFailed(TlsFailure::Handshake))?;
        let pinned = matches!(
            route,
            Route::Accept {
                filter: AcceptFilter::HostPort(_)
            }
        );
        let handshake = DataHandshake {
            session,
            role,
            peer,
            pinned,
            direction,
            control_host: self.control.peer().ip().to_canonical(),
            clock: Arc::clone(&self.shared.world.clock),
            cut: Arc::default(),
        };
        // Both ends would find it only once they have met, and the one whose far end was quicker
        // to hang up would tell its user that nobody is there.
        if route != Route::Open && handshake.is_unnamed(named_host(route)) {
            let unnamed = TlsError::Unnamed;
            tracing::warn!(%unnamed, "no data connection");
            return Err(Outcome::TlsFailed(unnamed.failure()));
        }
        Ok(Some(handshake))
    }
}

/// The handshake of a control connection; with `asks` the client may show a certificate.
pub(super) async fn start(
    tls: &TlsSession,
    connection: Box<dyn Connection>,
    asks: bool,
    clock: &dyn Clock,
) -> Result<ControlStream, TlsError> {
    let protected = tls.accept_control(connection, asks, clock).await?;
    Ok(ControlStream::Protected(Box::new(protected)))
}
