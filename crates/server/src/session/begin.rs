//! A transfer begins: everything it needs is put together, owned, so that it can run by itself.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use thirdhost_proto::server::{
    Event, Operation, Outcome, Refusal, Route, Skip, Transfer, VirtualPath, pinned_host,
};
use tokio_util::sync::CancellationToken;

use super::login::LoggedIn;
use super::pipeline::{self, SkipJob};
use super::running::RunningTransfer;
use super::transfer::{self, Job};
use super::{Done, Session, sockets};
use crate::dtp::Progress;
use crate::limits;
use crate::tls::DataHandshake;

impl Session {
    pub(super) fn begin_transfer(&mut self, transfer: Transfer) {
        let now = self.now();
        let announced = self.announced.take();
        let Some(user) = &self.user else {
            let refused = Outcome::Refused(Refusal::NotPermitted);
            return self.pi.handle_event(now, Event::Finished(refused));
        };
        let direction = transfer.operation.direction();
        let handshake = self.handshake(transfer.protection, transfer.route, direction);
        let handshake = match handshake {
            Ok(handshake) => handshake,
            Err(failed) => return self.pi.handle_event(now, Event::Finished(failed)),
        };
        let protected = handshake.is_some();
        let is_followed = self.pi.has_queued();
        if transfer.number.is_some() && is_followed && user.store.blocks() {
            self.wish.ask();
        }
        let paths: Vec<_> = transfer.operation.paths().cloned().collect();
        if let Err(refused) = admit(user, transfer.route, &paths, protected) {
            return self.pi.handle_event(now, Event::Finished(refused));
        }
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let data_peer = Arc::new(OnceLock::new());
        let hashed = Arc::new(OnceLock::new());
        let control_peer = self.control.peer().ip().to_canonical();
        let part_of = match transfer.operation {
            Operation::Store {
                part_of: Some(key), ..
            } => self.shared.parts.find(key, &user.account).ok(),
            _ => None,
        };
        let job = Job {
            transfer: transfer.clone(),
            store: Arc::clone(&user.store),
            permissions: user.account.permissions.clone(),
            sockets: std::mem::take(&mut self.sockets),
            line: self.line(user, handshake, paths),
            clock: Arc::clone(&self.shared.world.clock),
            progress: Arc::clone(&progress),
            pace: user.pace(direction),
            data_peer: Arc::clone(&data_peer),
            control_peer,
            is_followed,
            part_of,
            announced,
            hash: self.shared.config().log.hash,
            hashed: Arc::clone(&hashed),
            stall: limits::STALL_TIMEOUT,
            stop: stop.clone(),
        };
        self.running = Some(RunningTransfer {
            transfer,
            arranged: self.arranged.how(),
            control_peer,
            data_peer,
            hashed,
            began: now,
            octets: None,
            marks: progress.marks(),
            progress,
            stop,
        });
        self.operation = Some(transfer::open(job).map(Done::Step).boxed());
    }

    /// The place of a refused command in a pipeline is filled.
    pub(super) fn begin_skip(&mut self, skip: Skip) {
        let now = self.now();
        let Some(user) = &self.user else {
            let refused = Outcome::Refused(Refusal::NotPermitted);
            return self.pi.handle_event(now, Event::Finished(refused));
        };
        let handshake = self.handshake(skip.protection, skip.route, skip.direction);
        let handshake = match handshake {
            Ok(handshake) => handshake,
            Err(failed) => return self.pi.handle_event(now, Event::Finished(failed)),
        };
        if let Err(refused) = admit(user, skip.route, &[], handshake.is_some()) {
            return self.pi.handle_event(now, Event::Finished(refused));
        }
        let line = self.line(user, handshake, Vec::new());
        let stop = CancellationToken::new();
        let job = SkipJob {
            pace: user.pace(skip.direction),
            skip,
            sockets: std::mem::take(&mut self.sockets),
            line,
            clock: Arc::clone(&self.shared.world.clock),
            stall: limits::STALL_TIMEOUT,
            stop: stop.clone(),
        };
        self.waiting = Some(stop);
        self.operation = Some(pipeline::skip(job).map(Done::Step).boxed());
    }

    /// What opening a data connection depends on.
    pub(super) fn line(
        &self,
        user: &LoggedIn,
        handshake: Option<DataHandshake>,
        paths: Vec<VirtualPath>,
    ) -> sockets::Line {
        sockets::Line {
            paths,
            allocator: self.shared.allocator.clone(),
            policy: Arc::clone(&user.policy),
            local: self.control.local().ip().to_canonical(),
            timeout: self.shared.config().data_sockets.accept,
            handshake,
        }
    }
}

/// Whether what may be at `paths` may be moved with the host that is named, if one is.
fn admit(
    user: &LoggedIn,
    route: Route,
    paths: &[VirtualPath],
    protected: bool,
) -> Result<(), Outcome> {
    let Some(host) = named_host(route) else {
        return Ok(());
    };
    let admitted = user.policy.admit_files(host, paths, protected);
    admitted.map_err(|denied| {
        tracing::warn!(user = user.account.name, %denied, "transfer refused");
        Outcome::Refused(Refusal::ThirdHost)
    })
}

/// The host that a transfer will meet, where it is known before it does.
pub(super) fn named_host(route: Route) -> Option<IpAddr> {
    match route {
        Route::Open => None,
        Route::Call { target } => Some(target.host()),
        Route::Accept { filter } => pinned_host(filter),
    }
}
