//! The tables `[log]` and `[metrics]`: what an operator sees of a running server.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use thirdhost_wire::HashAlgorithm;
use toml::Spanned;
use tracing::level_filters::LevelFilter;

use super::ConfigError;
use super::values::{Word, Worded};

/// The table `[log]`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// Which events are logged, where the environment's `RUST_LOG` does not say.
    pub level: LevelFilter,
    /// What uploads are hashed with as they come; `None`: they are not.
    pub hash: Option<HashAlgorithm>,
    /// A file that gets a line per transfer as wu-ftpd wrote it.
    pub xferlog: Option<PathBuf>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: LevelFilter::INFO,
            hash: None,
            xferlog: None,
        }
    }
}

/// How the lines of the log look. Key `log.format`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// `"text"`: for people.
    #[default]
    Text,
    /// `"json"`: one object per line.
    Json,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogTable {
    format: Option<Worded<LogFormat>>,
    level: Option<Worded<LevelFilter>>,
    hash: Option<Worded<HashAlgorithm>>,
    xferlog: Option<PathBuf>,
}

impl LogTable {
    pub(super) fn resolve(self, beside: impl Fn(PathBuf) -> PathBuf) -> Log {
        let defaults = Log::default();
        Log {
            format: self.format.map_or(defaults.format, |Worded(format)| format),
            level: self.level.map_or(defaults.level, |Worded(level)| level),
            hash: self.hash.map(|Worded(algorithm)| algorithm),
            xferlog: self.xferlog.map(beside),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsTable {
    listen: Option<Spanned<Worded<SocketAddr>>>,
    #[serde(default)]
    beyond_loopback: bool,
}

impl MetricsTable {
    // SECURITY: metrics tell who uses the server and when, to whoever asks.
    pub(super) fn resolve(
        self,
        wrong: impl Fn(Range<usize>, &str) -> ConfigError,
    ) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(listen) = self.listen else {
            return Ok(None);
        };
        let (span, Worded(address)) = (listen.span(), listen.into_inner());
        if !address.ip().to_canonical().is_loopback() && !self.beyond_loopback {
            let problem = "no loopback address, and whoever reaches it can read who transfers \
                what; expected 127.0.0.1 or [::1], or beyond_loopback = true beside it";
            return Err(wrong(span, problem));
        }
        Ok(Some(address))
    }
}

impl Word for LogFormat {
    const EXPECTED: &'static str = "\"text\" or \"json\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Word for LevelFilter {
    const EXPECTED: &'static str = "\"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Self::OFF),
            "error" => Some(Self::ERROR),
            "warn" => Some(Self::WARN),
            "info" => Some(Self::INFO),
            "debug" => Some(Self::DEBUG),
            "trace" => Some(Self::TRACE),
            _ => None,
        }
    }
}
