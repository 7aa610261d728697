//! Session tickets: given out on control connections, taken back on data connections (D-25).

use std::sync::Arc;

use rustls::crypto::ring::Ticketer;
use rustls::server::{NoServerSessionStorage, ProducesTickets, ServerConfig};

/// The keys that seal tickets, one set for the server; they roll by themselves.
#[derive(Clone, Debug)]
pub(super) struct Tickets(Option<Arc<dyn ProducesTickets>>);

impl Tickets {
    /// None of them, where resumption is off.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Fresh keys.
    ///
    /// # Errors
    /// When the system gives no random octets.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        Ticketer::new().map(|ticketer| Self(Some(ticketer)))
    }

    /// A control connection gives tickets and takes none: its TLS session is always its own.
    pub(super) fn for_control(&self, config: &mut ServerConfig) {
        let give = |inner: &Arc<_>| Arc::new(GiveOnly(Arc::clone(inner))) as Arc<_>;
        self.put(config, give, CONTROL_TICKETS);
    }

    /// A data connection takes tickets, and gives `count` for those that follow.
    pub(super) fn for_data(&self, config: &mut ServerConfig, count: usize) {
        self.put(config, Arc::clone, count);
    }

    fn put(
        &self,
        config: &mut ServerConfig,
        ticketer: impl Fn(&Arc<dyn ProducesTickets>) -> Arc<dyn ProducesTickets>,
        count: usize,
    ) {
        // Tickets serve both TLS 1.2 and 1.3; a cache would be a second, smaller one.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match &self.0 {
            None => config.send_tls13_tickets = 0,
            Some(inner) => {
                config.ticketer = ticketer(inner);
                config.send_tls13_tickets = count;
            }
        }
    }
}

#[derive(Debug)]
struct GiveOnly(Arc<dyn ProducesTickets>);

impl ProducesTickets for GiveOnly {
    fn enabled(&self) -> bool {
        self.0.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.encrypt(plain)
    }

    fn decrypt(&self, _cipher: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Clients use a TLS 1.3 ticket once: two for the listing and the file of a short session, and
/// each data connection gives another.
const CONTROL_TICKETS: usize = 2;
