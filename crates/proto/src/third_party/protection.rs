//! TLS between the two servers: who plays the TLS client, and which certificate each has to see.
//! Design, "RFC 438 on the wire"; spec D-20 to D-23.
//!
//! FTP servers are TLS servers (RFC 4217 section 7), so exactly one of the two is told to be the
//! TLS client. Each is told the fingerprint that the user saw on the other's control connection.

use thirdhost_wire::{Command, Reply, SiteCommand};

use super::outcome::{Cause, Step};
use super::steps::Phase;
use super::{BySide, Side, ThirdParty};
use crate::user::Class;

/// How the data connection between the two servers is protected.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protection {
    /// Not at all, as both control connections are in clear text.
    #[default]
    Clear,
    /// By TLS; PROT P is in force at both.
    Tls(Roles),
}

/// Who plays which part in TLS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Roles {
    /// The TLS client.
    pub client: Side,
    /// How it is told.
    pub by: ClientBy,
    /// Who knows SSCN: what an earlier arrangement said by it is taken back.
    pub knows_sscn: BySide<bool>,
    /// The SHA-256 of the certificate that each server is told the other has; `None` where it is
    /// told nothing.
    pub told: BySide<Option<[u8; 32]>>,
}

/// How a server is told to be the TLS client.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ClientBy {
    /// `SSCN ON`, whoever listens.
    Sscn,
    /// `CPSV` in the place of PASV, so it has to be the one that listens.
    Cpsv,
}

impl Protection {
    /// What this server is told of its part, with the transfer parameters.
    pub(super) fn role_command(self, side: Side) -> Option<Command> {
        let Self::Tls(roles) = self else {
            return None;
        };
        let is_client = roles.client == side && roles.by == ClientBy::Sscn;
        (is_client || *roles.knows_sscn.of(side)).then_some(Command::Sscn(Some(is_client)))
    }

    /// What takes the place of PASV.
    pub(super) fn passive_command(self) -> Command {
        match self {
            Self::Tls(Roles {
                by: ClientBy::Cpsv, ..
            }) => Command::Cpsv,
            _ => Command::Pasv,
        }
    }

    fn told(self) -> BySide<Option<[u8; 32]>> {
        match self {
            Self::Clear => BySide::default(),
            Self::Tls(roles) => roles.told,
        }
    }
}

impl ThirdParty {
    /// The sockets are arranged; both learn whom they will meet. The fingerprint holds as long
    /// as the arrangement it belongs to, so it comes after it.
    pub(super) fn name_or_transfer(&mut self) {
        let told = self.plan.protection.told();
        let owed = BySide {
            source: told.source.is_some(),
            destination: told.destination.is_some(),
        };
        self.phase = Phase::Naming { owed };
        for side in Side::BOTH {
            if let Some(sha256) = *told.of(side) {
                self.send(side, Command::Site(SiteCommand::PeerCert { sha256 }));
            }
        }
        self.named_all();
    }

    pub(super) fn name_answered(&mut self, side: Side, reply: Reply, class: Class) {
        if class != Class::Completion {
            self.fail(side, Step::Name, Cause::Reply(reply));
            return;
        }
        if let Phase::Naming { owed } = &mut self.phase {
            *owed.of_mut(side) = false;
        }
        self.named_all();
    }

    fn named_all(&mut self) {
        if matches!(&self.phase, Phase::Naming { owed } if !owed.source && !owed.destination) {
            self.restart_or_transfer();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(by: ClientBy, client: Side, knows_sscn: BySide<bool>) -> Protection {
        Protection::Tls(Roles {
            client,
            by,
            knows_sscn,
            told: BySide::default(),
        })
    }

    #[test]
    fn cpsv_takes_the_place_of_pasv_where_it_names_the_tls_client() {
        let knows = BySide::default();
        for (protection, expected) in [
            (Protection::Clear, Command::Pasv),
            (tls(ClientBy::Sscn, Side::Source, knows), Command::Pasv),
            (tls(ClientBy::Cpsv, Side::Source, knows), Command::Cpsv),
        ] {
            assert_eq!(protection.passive_command(), expected, "{protection:?}");
        }
    }

    #[test]
    fn sscn_is_said_to_its_client_and_taken_back_at_whoever_knows_it() {
        let knows = |source, destination| BySide {
            source,
            destination,
        };
        let (on, off) = (Command::Sscn(Some(true)), Command::Sscn(Some(false)));
        use ClientBy::{Cpsv, Sscn};
        use Side::{Destination, Source};
        for (protection, source, destination) in [
            (Protection::Clear, None, None),
            (tls(Sscn, Source, knows(true, true)), Some(&on), Some(&off)),
            (tls(Sscn, Source, knows(true, false)), Some(&on), None),
            (tls(Sscn, Destination, knows(false, true)), None, Some(&on)),
            (tls(Cpsv, Source, knows(true, false)), Some(&off), None),
            (tls(Cpsv, Source, knows(false, false)), None, None),
        ] {
            let said = |side| protection.role_command(side);
            assert_eq!(said(Source).as_ref(), source, "{protection:?}");
            assert_eq!(said(Destination).as_ref(), destination, "{protection:?}");
        }
    }
}
