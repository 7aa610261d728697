//! How many refusals of one host are held back at a time: each holds a session.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use super::lock;

/// An answer held back, in the count of its host. Dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Held {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    host: IpAddr,
}

impl Held {
    /// One more of `host`; `None` when there are `most` already.
    pub(super) fn take(
        counts: &Arc<Mutex<HashMap<IpAddr, usize>>>,
        host: IpAddr,
        most: usize,
    ) -> Option<Self> {
        let mut table = lock(counts);
        let count = table.get(&host).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        table.insert(host, count + 1);
        Some(Self {
            counts: Arc::clone(counts),
            host,
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = lock(&self.counts);
        match table.get_mut(&self.host) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(table.remove(&self.host)),
        }
    }
}
