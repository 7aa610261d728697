//! A login carried out: password, home, third-party policy.

use std::net::IpAddr;
use std::sync::Arc;

use thirdhost_proto::server::{ClearLogin, TlsOffer, VirtualPath};
use thirdhost_wire::{Direction, Password, Pathname, Text};

use crate::accept::Begins;
use crate::accounts::Account;
use crate::config::Config;
use crate::dtp::Pace;
use crate::policy::ThirdPartyPolicy;
use crate::server::Shared;
use crate::shares::{Shares, UserSeat};
use crate::store::{Store, bounded};
use crate::tls::TlsSession;

/// A user who has logged in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) account: Account,
    pub(super) store: Arc<dyn Store>,
    pub(super) policy: Arc<ThirdPartyPolicy>,
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

/// Checks a password; a failure is answered late (design D16).
pub(super) async fn authenticate(
    shared: Arc<Shared>,
    user: Text,
    password: Password,
    peer: IpAddr,
    local: IpAddr,
) -> Result<Box<LoggedIn>, NotLoggedIn> {
    let account = match shared
        .accounts
        .authenticate(user.as_str(), &password, peer)
        .await
    {
        Ok(account) => account,
        Err(refused) => {
            let Some(_held) = shared.accounts.hold(peer) else {
                tracing::warn!(%peer, "login failed; too many of this host");
                return Err(NotLoggedIn::TooManyFailures);
            };
            shared.world.clock.sleep(refused.answer_after).await;
            tracing::warn!(%peer, "login failed");
            return Err(NotLoggedIn::Refused);
        }
    };
    let Some(seat) = Shares::join(&shared.shares, &account.name, account.bounds.sessions) else {
        tracing::warn!(user = account.name, %peer, "too many sessions of this user");
        return Err(NotLoggedIn::TooManySessions);
    };
    let home = home(&account.home).ok_or(NotLoggedIn::Refused)?;
    let store = match shared.homes.home(&home).await {
        Ok(store) => bounded(store, &account, &shared.quotas, &shared.world.clock),
        Err(cause) => {
            let (user, home) = (&account.name, &account.home);
            tracing::error!(user, home, %cause, "the home directory cannot be opened");
            return Err(NotLoggedIn::Refused);
        }
    };
    tracing::info!(user = account.name, "logged in");
    let own = shared.own_addresses(local);
    // Anonymous users never meet third hosts; no user has their name (spec S-10, S-29).
    let grant = shared.accounts.grant_of(&account.name);
    let policy = Arc::new(
        ThirdPartyPolicy::new(peer, own, None)
            .knowing_own(Arc::clone(&shared.world.network))
            .following(grant),
    );
    Ok(Box::new(LoggedIn {
        account,
        store,
        policy,
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
