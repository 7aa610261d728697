//! I1 and I2: what may stand under a name, and what does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thirdhost_proto::server::VirtualPath;
use thirdhost_server::store::{MemoryStore, Store, StoreError};
use thirdhost_wire::Pathname;

use crate::trace::Trace;

/// A file's bytes.
pub(crate) type Bytes = Arc<Vec<u8>>;

/// Knows what each name of each server may hold.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    trace: Trace,
    allowed: Arc<Mutex<Allowed>>,
}

/// The whole files that a name of a server may stand for.
type Allowed = BTreeMap<(&'static str, String), Vec<Bytes>>;

impl Judge {
    pub(crate) fn new(trace: Trace) -> Self {
        Self {
            trace,
            allowed: Arc::default(),
        }
    }

    /// A name may hold these bytes too.
    pub(crate) fn allow(&self, server: &'static str, path: &str, bytes: Bytes) {
        let at = (server, path.to_owned());
        self.allowed().entry(at).or_default().push(bytes);
    }

    /// Something has appeared under a name: the old whole file or the new whole file (I2)?
    pub(crate) async fn appeared(&self, server: &'static str, path: &str, files: &MemoryStore) {
        let found = match read(files, path).await {
            Ok(found) => found,
            Err(error) => {
                let what = format_args!("I2: {path} at {server} cannot be read: {error}");
                return self.trace.broken(what);
            }
        };
        let allowed = self.allowed();
        let versions = allowed.get(&(server, path.to_owned()));
        if versions.is_some_and(|versions| versions.iter().any(|whole| **whole == found)) {
            return;
        }
        let length = found.len();
        let lengths: Vec<usize> = versions.into_iter().flatten().map(|v| v.len()).collect();
        drop(allowed);
        self.trace.broken(format_args!(
            "I2: {path} at {server} has {length} bytes that are no whole file ({lengths:?})"
        ));
    }

    fn allowed(&self) -> MutexGuard<'_, Allowed> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path as a store has it.
pub(crate) fn virtual_path(path: &str) -> Result<VirtualPath, StoreError> {
    let name = Pathname::try_from(path).map_err(|_| StoreError::NameNotAllowed)?;
    VirtualPath::root()
        .join(&name)
        .map_err(|_| StoreError::NameNotAllowed)
}

/// All of a file.
pub(crate) async fn read(files: &MemoryStore, path: &str) -> Result<Vec<u8>, StoreError> {
    let mut source = files.open(&virtual_path(path)?, 0).await?;
    let mut bytes = Vec::new();
    while source.read(&mut bytes, usize::MAX).await? > 0 {}
    Ok(bytes)
}
