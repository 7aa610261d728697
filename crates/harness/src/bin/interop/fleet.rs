//! The servers of a run: every one twice, at the address of sources and at that of destinations.

use std::net::Ipv4Addr;

use thirdhost_harness::peers::{self, Peer, Running, Setting, StartError, ThirdParty, TlsEnd};

/// Servers that are allowed to take part in third-party transfers.
pub(crate) struct Fleet {
    pub(crate) sources: Vec<Running>,
    pub(crate) destinations: Vec<Running>,
}

impl Fleet {
    /// Starts every peer that is installed; with `tls`, those that have it.
    pub(crate) fn start(tls: bool) -> Result<Self, StartError> {
        let at = |host: Ipv4Addr| {
            let candidates = peers::ALL.into_iter();
            let candidates = candidates.filter(|peer| !tls || peer.tls() != TlsEnd::None);
            let started = candidates.filter_map(|peer| start(peer, host, tls).transpose());
            started.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            sources: at(SOURCE)?,
            destinations: at(DESTINATION)?,
        })
    }
}

fn start(
    peer: &'static dyn Peer,
    host: Ipv4Addr,
    tls: bool,
) -> Result<Option<Running>, StartError> {
    let setting = Setting {
        host,
        third_party: ThirdParty::Allowed,
        tls,
    };
    peers::start(peer, setting)
}

/// Neither is the user's address, 127.0.0.1: for both servers the other is a third party.
pub(crate) const SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const DESTINATION: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
