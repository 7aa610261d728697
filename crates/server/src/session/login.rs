//! A login carried out: password, home, third-party policy.

use std::net::IpAddr;
use std::sync::Arc;

use thirdhost_proto::server::{ClearLogin, VirtualPath};
use thirdhost_wire::{Password, Pathname, Text};

use crate::accounts::Account;
use crate::config::Config;
use crate::policy::ThirdPartyPolicy;
use crate::server::Shared;
use crate::store::Store;

/// A user who has logged in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) account: Account,
    pub(super) store: Arc<dyn Store>,
    pub(super) policy: Arc<ThirdPartyPolicy>,
}

/// Who may log in over a control connection in clear text (design D15).
pub(super) fn clear_login(config: &Config, peer: IpAddr) -> ClearLogin {
    if config.tls.require.password_allowed_in_clear(peer) {
        ClearLogin::Everyone
    } else {
        ClearLogin::Anonymous
    }
}

/// Checks a password; a failure is answered late (design D16).
pub(super) async fn authenticate(
    shared: Arc<Shared>,
    user: Text,
    password: Password,
    peer: IpAddr,
    local: IpAddr,
) -> Option<LoggedIn> {
    let account = match shared
        .accounts
        .authenticate(user.as_str(), &password, peer)
        .await
    {
        Ok(account) => account,
        Err(refused) => {
            shared.world.clock.sleep(refused.answer_after).await;
            tracing::warn!(%peer, "login failed");
            return None;
        }
    };
    let home = home(&account.home)?;
    let store = match shared.homes.home(&home).await {
        Ok(store) => store,
        Err(cause) => {
            let (user, home) = (&account.name, &account.home);
            tracing::error!(user, home, %cause, "the home directory cannot be opened");
            return None;
        }
    };
    tracing::info!(user = account.name, "logged in");
    let own = shared.own_addresses(local);
    // Anonymous users never meet third hosts; no user has their name (spec S-10, S-29).
    let grant = shared.accounts.grant_of(&account.name);
    let policy = Arc::new(ThirdPartyPolicy::new(peer, own, None).following(grant));
    Some(LoggedIn {
        account,
        store,
        policy,
    })
}

/// The home as a path beneath the root; an empty one is the root.
fn home(configured: &str) -> Option<VirtualPath> {
    if configured.is_empty() {
        return Some(VirtualPath::root());
    }
    let name = Pathname::try_from(configured).ok()?;
    VirtualPath::root().join(&name).ok()
}
