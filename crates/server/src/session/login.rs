//! A login carried out: password or certificate, home, third-party policy.

use std::net::IpAddr;
use std::sync::Arc;

use thirdhost_proto::server::{ClearLogin, Event, Identity, Introduced, TlsOffer, VirtualPath};
use thirdhost_wire::{Direction, Password, Pathname, Text};

use super::Session;
use crate::accept::Begins;
use crate::accounts::Account;
use crate::config::Config;
use crate::dtp::Pace;
use crate::parts::Held;
use crate::policy::ThirdPartyPolicy;
use crate::server::Shared;
use crate::shares::{Shares, UserSeat};
use crate::store::{Store, bounded};
use crate::tls::TlsSession;

/// A user who has logged in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) account: Arc<Account>,
    pub(super) store: Arc<dyn Store>,
    pub(super) policy: Arc<ThirdPartyPolicy>,
    /// The file of parts that this session opened; made by the first who asks for it.
    pub(super) parts: Option<Arc<Held>>,
    /// The place among the sessions of the user.
    seat: UserSeat,
}

impl LoggedIn {
    /// How fast the user may move octets in one more transfer.
    pub(super) fn pace(&self, direction: Direction) -> Pace {
        let bounds = &self.account.bounds;
        let shared = bounds.rate.of(direction);
        let alone = bounds.rate_per_transfer.of(direction);
        let pace = shared.map_or_else(Pace::default, |rate| {
            Pace::default().and(self.seat.bucket(direction), rate)
        });
        match alone {
            Some(rate) => pace.and(Arc::default(), rate),
            None => pace,
        }
    }
}

/// Why a login did not come about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotLoggedIn {
    /// Nothing is told but that.
    Refused,
    /// The password is right; all sessions of the user are taken.
    TooManySessions,
    /// As many refusals of this host as may be are held back already.
    TooManyFailures,
}

/// Who may log in over a control connection in clear text (design D15).
pub(super) fn clear_login(config: &Config, peer: IpAddr) -> ClearLogin {
    if config.tls.require.password_allowed_in_clear(peer) {
        ClearLogin::Everyone
    } else {
        ClearLogin::Anonymous
    }
}

/// Whether a session that begins like this may be, or is, under TLS.
pub(super) fn tls_offer(tls: Option<&TlsSession>, begins: Begins) -> TlsOffer {
    match (tls, begins) {
        (None, _) => TlsOffer::Absent,
        (Some(_), Begins::InClear) => TlsOffer::Explicit,
        (Some(_), Begins::UnderTls) => TlsOffer::Implicit,
    }
}

/// The connection a login comes over, owned, so that it can run by itself.
pub(super) struct Circumstances {
    shared: Arc<Shared>,
    peer: IpAddr,
    local: IpAddr,
    /// Whether the control connection is under TLS.
    protected: bool,
    /// The certificate that the client has shown there.
    shown: Option<[u8; 32]>,
}

/// What USER has led to, where users differ.
pub(super) enum Welcome {
    /// Nobody is in yet.
    Answer(Introduced),
    /// The certificate was the user's.
    Certificate(Result<Box<LoggedIn>, NotLoggedIn>),
}

impl Session {
    /// Takes stock for a login; whoever logs in anew gives the old place up first.
    pub(super) fn circumstances(&mut self) -> Circumstances {
        self.user = None;
        Circumstances {
            shared: Arc::clone(&self.shared),
            peer: self.control.peer().ip().to_canonical(),
            local: self.control.local().ip().to_canonical(),
            protected: self.control.is_protected(),
            shown: self.shown,
        }
    }

    /// A login is over: `event` tells the server-PI of it, and of whom, unless there are too many.
    pub(super) fn logged_in(
        &mut self,
        user: Result<Box<LoggedIn>, NotLoggedIn>,
        event: impl FnOnce(Option<Identity>) -> Event,
    ) {
        self.logging_in = false;
        self.shared.record.login(user.is_ok());
        let event = match &user {
            Err(NotLoggedIn::TooManySessions) => Event::TooManySessions,
            Err(NotLoggedIn::TooManyFailures) => Event::TooManyFailures,
            Err(NotLoggedIn::Refused) => event(None),
            Ok(user) => event(Some(self.identity(&user.account))),
        };
        self.user = user.ok();
        let name = self.user.as_ref().map(|user| user.account.name.as_str());
        self.ticket.is(name);
        let now = self.now();
        self.pi.handle_event(now, event);
    }

    fn identity(&self, account: &Account) -> Identity {
        let peer = self.control.peer().ip().to_canonical();
        let own_rule = account.admission.require;
        Identity {
            name: account.name.clone(),
            permissions: account.permissions.clone(),
            operator: account.operator,
            clear_transfers: own_rule.map(|require| require.clear_transfers(peer)),
        }
    }
}

/// What USER is answered, where users differ: by the rule about clear text that holds for the
/// user, and by the certificate that the client has shown.
pub(super) async fn introduce(at: Circumstances, user: Text) -> Welcome {
    let accounts = &at.shared.accounts;
    let known = at
        .shown
        .and_then(|shown| accounts.recognize(user.as_str(), &shown));
    if let Some(account) = known {
        return Welcome::Certificate(admit(&at, account).await);
    }
    Welcome::Answer(if at.may_send_password(user.as_str()) {
        Introduced::Password
    } else {
        Introduced::TlsFirst
    })
}

/// Checks a password; a failure is answered late (design D16).
pub(super) async fn authenticate(
    at: Circumstances,
    user: Text,
    password: Password,
) -> Result<Box<LoggedIn>, NotLoggedIn> {
    let (shared, peer) = (&at.shared, at.peer);
    let accounts = &shared.accounts;
    let checked = accounts.authenticate(user.as_str(), &password, at.shown.as_ref(), peer);
    let account = match checked.await {
        Ok(account) => account,
        Err(refused) => {
            let Some(_held) = accounts.hold(peer) else {
                tracing::warn!(%peer, "login failed; too many of this host");
                return Err(NotLoggedIn::TooManyFailures);
            };
            shared.world.clock.sleep(refused.answer_after).await;
            tracing::warn!(%peer, "login failed");
            return Err(NotLoggedIn::Refused);
        }
    };
    // The server-PI has seen to that, by the rules in force when the session began.
    if !account.anonymous && !at.may_send_password(&account.name) {
        tracing::warn!(user = account.name, %peer, "login refused: it came in clear");
        return Err(NotLoggedIn::Refused);
    }
    admit(&at, account).await
}

impl Circumstances {
    /// Whether the user's password may come over this connection (design D15).
    fn may_send_password(&self, user: &str) -> bool {
        let own_rule = self.shared.accounts.require_of(user);
        let require = own_rule.unwrap_or(self.shared.config().tls.require);
        self.protected || require.password_allowed_in_clear(self.peer)
    }
}

/// A user who has proved who they are: a seat, the home, the policy.
async fn admit(at: &Circumstances, account: Arc<Account>) -> Result<Box<LoggedIn>, NotLoggedIn> {
    let (shared, peer) = (&at.shared, at.peer);
    let Some(seat) = Shares::join(&shared.shares, &account.name, account.bounds.sessions) else {
        tracing::warn!(user = account.name, %peer, "too many sessions of this user");
        return Err(NotLoggedIn::TooManySessions);
    };
    let home = home(&account.home).ok_or(NotLoggedIn::Refused)?;
    let store = match shared.homes.home(&home).await {
        Ok(store) => {
            let least_free = shared.config().sessions.free_space;
            bounded(
                store,
                &account,
                least_free,
                &shared.quotas,
                &shared.world.clock,
            )
        }
        Err(cause) => {
            let (user, home) = (&account.name, &account.home);
            tracing::error!(user, home, %cause, "the home directory cannot be opened");
            return Err(NotLoggedIn::Refused);
        }
    };
    tracing::info!(user = account.name, "logged in");
    let own = shared.own_addresses(at.local);
    // Anonymous users never meet third hosts; no user has their name (spec S-10, S-29).
    let grant = shared.accounts.grant_of(&account.name);
    let policy = Arc::new(
        ThirdPartyPolicy::new(peer, own, None)
            .listening_on(shared.own_listeners())
            .knowing_own(Arc::clone(&shared.world.network))
            .following(grant),
    );
    Ok(Box::new(LoggedIn {
        account,
        store,
        policy,
        parts: None,
        seat,
    }))
}

/// The home as a path beneath the root; an empty one is the root.
fn home(configured: &str) -> Option<VirtualPath> {
    if configured.is_empty() {
        return Some(VirtualPath::root());
    }
    let name = Pathname::try_from(configured).ok()?;
    VirtualPath::root().join(&name).ok()
}
