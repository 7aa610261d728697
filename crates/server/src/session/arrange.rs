//! Arranging a data connection: the rate of third hosts, policy, then the sockets. Spec S-6, S-10.

use std::net::IpAddr;

use thirdhost_proto::server::{Arrange, ArrangeRefusal, Arranged, pinned_host};

use super::Session;
use super::sockets::Site;

impl Session {
    pub(super) fn arrange(&mut self, what: Arrange) -> Result<Arranged, ArrangeRefusal> {
        let Some(user) = &self.user else {
            return Err(ArrangeRefusal::NotPermitted);
        };
        if let Some(host) = arranged_host(what).filter(|&host| user.policy.is_third_party(host)) {
            let now = self.now();
            if !self.shared.targets.note(&user.account.name, host, now) {
                let command = named(what).0;
                tracing::warn!(
                    user = user.account.name,
                    command,
                    %host,
                    "too many third-party targets"
                );
                let refusal = ArrangeRefusal::TooManyTargets;
                self.shared.record.arrangement_refused(&refusal);
                return Err(refusal);
            }
        }
        let third_host = arranged_host(what).filter(|&host| user.policy.is_third_party(host));
        let control_peer = self.control.peer().ip().to_canonical();
        let site = Site {
            allocator: &self.shared.allocator,
            policy: &user.policy,
            local: self.control.local().ip().to_canonical(),
            public: self.shared.config().data_sockets.public_address,
        };
        let result = self.sockets.arrange(&site, what);
        match &result {
            Ok(arranged) => {
                self.arranged.by(what);
                tracing::debug!(?what, ?arranged, "data connection arranged");
                if let Some(third_host) = third_host {
                    let (command, target) = named(what);
                    tracing::info!(
                        user = user.account.name,
                        %control_peer,
                        %third_host,
                        command,
                        target,
                        "third host admitted"
                    );
                }
            }
            Err(why) => {
                self.shared.record.arrangement_refused(why);
                let (command, target) = named(what);
                tracing::warn!(
                    user = user.account.name,
                    %control_peer,
                    third_host = third_host.map(tracing::field::display),
                    command,
                    target,
                    ?why,
                    "data connection refused"
                );
            }
        }
        result
    }
}

/// The command that asks for an arrangement, and whom it names, for the log (spec S-12).
fn named(what: Arrange) -> (&'static str, Option<String>) {
    match what {
        Arrange::Listen { direction, .. } if direction.is_some() => ("LSTN", None),
        Arrange::Listen { .. } => ("PASV or EPSV", None),
        Arrange::Hold { target } => ("SOCK", Some(target.to_string())),
        Arrange::Target { target } => ("PORT or EPRT", Some(target.to_string())),
        Arrange::Pin { filter } => ("SOCK", Some(filter.to_string())),
    }
}

/// The host an arrangement names, if it names one.
fn arranged_host(what: Arrange) -> Option<IpAddr> {
    match what {
        Arrange::Listen { .. } => None,
        Arrange::Hold { target } | Arrange::Target { target } => Some(target.host()),
        Arrange::Pin { filter } => pinned_host(filter),
    }
}
