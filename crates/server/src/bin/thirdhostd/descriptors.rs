//! How many descriptors the process may have: as many as the system lets it.

/// Raises the limit as far as it goes, and warns where `sessions` need more.
#[cfg(unix)]
pub(crate) fn raise(sessions: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            current
        }
    };
    let needed = u64::try_from(sessions)
        .unwrap_or(u64::MAX)
        .saturating_mul(PER_SESSION)
        .saturating_add(BESIDES);
    // No limit at all is none to warn of.
    if let Some(limit) = limit.filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            "limits.sessions: the system allows too few open files for that many; further \
             sessions are refused with 421"
        );
    }
}

#[cfg(not(unix))]
pub(crate) fn raise(_: usize) {}

/// A control connection, a data connection and a file.
#[cfg(unix)]
const PER_SESSION: u64 = 3;

/// Listeners, the root, the log, the runtime's own, and what is held back to refuse callers.
#[cfg(unix)]
const BESIDES: u64 = 16 + thirdhost_server::limits::SPARE_DESCRIPTORS as u64;
