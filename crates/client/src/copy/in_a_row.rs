//! When the way to a server is broken, every file fails alike, each after its own long wait: after
//! some of them the others are not tried.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::worker::may_pass;
use crate::Error;

/// Attempts that failed one behind the other, with no file done between them.
#[derive(Debug, Default)]
pub(super) struct InARow(Mutex<Row>);

#[derive(Debug, Default)]
struct Row {
    failures: usize,
    last: String,
}

impl InARow {
    /// An attempt failed. What a server says of one file says nothing about others.
    pub(super) fn failed(&self, error: &Error) {
        let code = error.reply().map(|reply| reply.code().number());
        let is_of_one_file = code.is_some_and(|code| OF_ONE_FILE.contains(&code));
        if may_pass(error) && !is_of_one_file || is_unmet(error) {
            self.broke(error.to_string());
        }
    }

    /// Several files at once came no further, for this reason.
    pub(super) fn broke(&self, reason: String) {
        let mut row = self.lock();
        row.failures += 1;
        row.last = reason;
    }

    /// A file is done: the way is good.
    pub(super) fn done(&self) {
        self.lock().failures = 0;
    }

    /// Why nothing more is tried by so many workers; `None` while it is worth it.
    pub(super) fn verdict(&self, workers: usize) -> Option<String> {
        let row = self.lock();
        let most = IN_A_ROW_MAX.saturating_mul(workers.max(1));
        (row.failures >= most).then(|| {
            format!(
                "not tried: {} attempts in a row failed, the last: {}",
                row.failures, row.last
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, Row> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two servers waited for each other in vain, whichever way was tried: the next file would
/// wait as long.
fn is_unmet(error: &Error) -> bool {
    let Error::ThirdPartyRefused { refusals, .. } = error else {
        return false;
    };
    refusals.iter().any(|refusal| refusal.code == Some(UNMET))
}

/// The data connection could not be opened.
const UNMET: u16 = 425;

/// 450 to 452: busy, a local error, no room for it.
const OF_ONE_FILE: std::ops::RangeInclusive<u16> = 450..=452;

/// For each worker. Four: as often as one file is tried by default.
const IN_A_ROW_MAX: usize = 4;
