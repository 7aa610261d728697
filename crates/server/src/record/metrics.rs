//! Counts for Prometheus. No label holds anything a user chose: the series are bounded.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use thirdhost_proto::server::ArrangeRefusal;

use super::{Finished, outcome};

/// The counts of one server since its start.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    sessions: Gauge,
    draining: Gauge,
    ports_reserved: Gauge,
    sessions_begun: Counter,
    logins: Family<Login, Counter>,
    transfers: Family<Transfer, Counter>,
    octets: Family<Moved, Counter>,
    refusals: Family<Refused, Counter>,
}

/// What is so at the moment of asking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) sessions: usize,
    pub(crate) ports_reserved: usize,
    pub(crate) draining: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("thirdhost"),
            sessions: Gauge::default(),
            draining: Gauge::default(),
            ports_reserved: Gauge::default(),
            sessions_begun: Counter::default(),
            logins: Family::default(),
            transfers: Family::default(),
            octets: Family::default(),
            refusals: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("sessions", "Sessions now", self.sessions.clone());
        registry.register(
            "draining",
            "Whether the server takes no new sessions and ends when transfers have",
            self.draining.clone(),
        );
        registry.register(
            "data_ports_reserved",
            "Data ports reserved now",
            self.ports_reserved.clone(),
        );
        registry.register(
            "sessions_begun",
            "Sessions since the start",
            self.sessions_begun.clone(),
        );
        registry.register("logins", "Logins by outcome", self.logins.clone());
        registry.register(
            "transfers",
            "Transfers that are over",
            self.transfers.clone(),
        );
        registry.register(
            "transferred_bytes",
            "Bytes over data connections of transfers that are over",
            self.octets.clone(),
        );
        registry.register(
            "refusals",
            "What policy and limits refused, by rule",
            self.refusals.clone(),
        );
    }

    pub(super) fn session(&self) {
        self.sessions_begun.inc();
    }

    pub(super) fn login(&self, ok: bool) {
        let outcome = Word(if ok { "ok" } else { "failed" });
        self.logins.get_or_create(&Login { outcome }).inc();
    }

    pub(super) fn transfer(&self, finished: &Finished<'_>) {
        let direction = Word(finished.direction());
        let transfer = Transfer {
            direction,
            outcome: Word(outcome(finished.outcome)),
            arranged: Word(finished.arranged()),
            third_party: Word(if finished.is_third_party() {
                "yes"
            } else {
                "no"
            }),
        };
        self.transfers.get_or_create(&transfer).inc();
        let moved = Moved { direction };
        self.octets.get_or_create(&moved).inc_by(finished.octets);
    }

    pub(super) fn refused(&self, rule: &'static str) {
        let rule = Word(rule);
        self.refusals.get_or_create(&Refused { rule }).inc();
    }

    /// The text of OpenMetrics 1.0.
    pub(super) fn text(&self, now: Now) -> Result<String, fmt::Error> {
        let whole = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.sessions.set(whole(now.sessions));
        self.ports_reserved.set(whole(now.ports_reserved));
        self.draining.set(now.draining.into());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The rule behind a refused arrangement.
pub(super) fn rule(refusal: &ArrangeRefusal) -> &'static str {
    match refusal {
        ArrangeRefusal::NotPermitted => "third_party",
        ArrangeRefusal::PrivilegedPort => "privileged_port",
        ArrangeRefusal::NoSocket => "no_socket",
        ArrangeRefusal::TooManyTargets => "too_many_targets",
        ArrangeRefusal::Protocol(_) => "network_protocol",
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Login {
    outcome: Word,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Transfer {
    direction: Word,
    outcome: Word,
    arranged: Word,
    third_party: Word,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Moved {
    direction: Word,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Refused {
    rule: Word,
}

/// A word of ours, never of a user.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}
