//! A data connection made ahead of any transfer: ESTA, ESTP. Spec S-4.

use futures_util::FutureExt;
use thirdhost_proto::server::{Event, Route};
use thirdhost_wire::{Direction, HostSocket};
use tokio_util::sync::CancellationToken;

use super::{Done, Session};

impl Session {
    pub(super) fn establish(&mut self, route: Route, direction: Direction) {
        let now = self.now();
        let refused = Event::Established(None);
        let Some(user) = &self.user else {
            return self.pi.handle_event(now, refused);
        };
        // SECURITY: whether a call is answered is told at once, so it counts among the third hosts
        // of the user, as naming the host has (spec S-4, S-6).
        if let Route::Call { target } = route
            && user.policy.is_third_party(target.host())
            && !self
                .shared
                .targets
                .note(&user.account.name, target.host(), now)
        {
            tracing::warn!(user = user.account.name, %target, "too many third-party targets");
            return self.pi.handle_event(now, refused);
        }
        let line = self.line(user, None, Vec::new());
        let mut sockets = std::mem::take(&mut self.sockets);
        let stop = CancellationToken::new();
        self.waiting = Some(stop.clone());
        let establishing = async move {
            let opening = sockets.establish(&line, route, direction);
            let socket = match stop.run_until_cancelled(opening).await {
                None => None,
                Some(Ok(socket)) => HostSocket::try_from(socket).ok(),
                Some(Err(failure)) => {
                    let cause = std::error::Error::source(&failure).map(ToString::to_string);
                    tracing::warn!(%failure, cause, "no data connection");
                    None
                }
            };
            Done::Established(socket, Box::new(sockets))
        };
        self.operation = Some(establishing.boxed());
    }

    /// ABOR, or the end of the session: what runs or waits is to stop.
    pub(super) fn stop(&self) {
        let running = self.running.as_ref().map(|running| &running.stop);
        for token in running.into_iter().chain(&self.waiting) {
            token.cancel();
        }
    }
}
