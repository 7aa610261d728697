//! What of a configuration takes effect at SIGHUP, and what a restart has to bring.

use super::{Config, explain};

impl Config {
    /// The keys that differ in `new` and take effect after a restart alone: what is bound, opened
    /// or begun once.
    #[must_use]
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let (before, after) = (explain::rows(self), explain::rows(new));
        let pairs = before.into_iter().zip(after);
        pairs
            .filter(|((key, before), (_, after))| AT_START.contains(key) && before != after)
            .map(|((key, _), _)| key)
            .collect()
    }

    /// Takes from `before` what only a restart changes.
    pub(crate) fn stays(&mut self, before: &Self) {
        self.listen.clone_from(&before.listen);
        self.root.clone_from(&before.root);
        self.uploads = before.uploads;
        self.durability = before.durability;
        self.partial = before.partial;
        self.data_sockets.ports = before.data_sockets.ports.clone();
        self.tls
            .implicit_listen
            .clone_from(&before.tls.implicit_listen);
        self.tls.session_reuse = before.tls.session_reuse;
        self.tls.peer_verify = before.tls.peer_verify;
        self.tls
            .close_notify_waived
            .clone_from(&before.tls.close_notify_waived);
        self.log.clone_from(&before.log);
        self.metrics = before.metrics;
    }
}

/// As in CONFIGURATION.md.
const AT_START: [&str; 15] = [
    "listen",
    "root",
    "uploads",
    "durability",
    "partial_hours",
    "data.ports",
    "tls.implicit_listen",
    "tls.session_reuse",
    "tls.peer_verify",
    "tls.close_notify_waived",
    "log.format",
    "log.level",
    "log.hash",
    "log.xferlog",
    "metrics.listen",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(&format!("root = \"/\"\n{text}"), Path::new("t.toml")).unwrap()
    }

    #[test]
    fn what_waits_for_a_restart_is_told_and_stays_and_the_rest_is_taken() {
        let old = parse("");
        let mut new = parse(
            "listen = [\"127.0.0.1:1\"]\nuploads = \"resumable\"\nmdtm_set = true\n\
             [data]\nports = \"50000-50001\"\naccept_seconds = 20\n\
             [limits]\nsessions = 3\n[log]\nlevel = \"debug\"\n",
        );
        let waiting = ["listen", "uploads", "data.ports", "log.level"];
        assert_eq!(old.needs_restart(&new), waiting);
        new.stays(&old);
        assert_eq!(old.needs_restart(&new), [""; 0]);
        assert_eq!(new.sessions.most, 3);
        assert_eq!(new.data_sockets.accept.as_secs(), 20);
        assert!(new.mdtm_set);
    }

    #[test]
    fn every_key_that_waits_is_one() {
        let rows = explain::rows(&parse(""));
        for key in AT_START {
            assert!(rows.iter().any(|(row, _)| *row == key), "{key}");
        }
    }
}
