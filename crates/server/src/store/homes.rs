//! Where users' homes come from: one store beneath another.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

use super::{DiskStore, MemoryStore, Store, StoreError};

/// Opens homes, each a store of its own that nothing above it can be seen from.
pub trait Homes: fmt::Debug + Send + Sync {
    /// The store beneath `home`, which is a path from the root of all homes.
    ///
    /// # Errors
    /// When there is no such directory, or it cannot be opened.
    fn home<'a>(
        &'a self,
        home: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>>;
}

impl Homes for DiskStore {
    fn home<'a>(
        &'a self,
        home: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        // The root is open already: nothing to wait for, and no descriptor more.
        if *home == VirtualPath::root() {
            let store = Arc::new(self.for_a_session()) as Arc<dyn Store>;
            return std::future::ready(Ok(store)).boxed();
        }
        let (root, home) = (self.clone(), home.clone());
        async move {
            let opened = tokio::task::spawn_blocking(move || Self::home(&root, &home));
            let store = opened
                .await
                .map_err(|error| StoreError::Io(error.into()))??;
            Ok(Arc::new(store) as Arc<dyn Store>)
        }
        .boxed()
    }
}

impl Homes for MemoryStore {
    fn home<'a>(
        &'a self,
        home: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        let store = Self::home(self, home).map(|store| Arc::new(store) as Arc<dyn Store>);
        std::future::ready(store).boxed()
    }
}
