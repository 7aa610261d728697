//! How much a user may store: a view of a store that keeps `quota`, `max_file_size` and what has
//! to stay free on the disk.
//! Spec S-59.

mod upload;
mod usage;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_sockets::Clock;

use self::upload::{BoundedAssembly, BoundedUpload};
use self::usage::{Quota, Usage};
use super::{
    Assembly, Entry, EntryKind, Kept, Listing, Pages, Pen, Source, Store, StoreError, Upload,
    UploadKind,
};
use crate::accounts::Account;

/// The counts of all homes that have a quota. One for the whole server; users who share a home
/// share its count.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    homes: Mutex<HashMap<String, Arc<Usage>>>,
}

/// `store`, which is the home of `account`, within the bounds of the account. Where there is a
/// quota, counting begins now, in the background. `least_free` is what has to stay free on the
/// disk, whoever writes.
pub(crate) fn bounded(
    store: Arc<dyn Store>,
    account: &Account,
    least_free: Option<u64>,
    quotas: &Quotas,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn Store> {
    let bounds = &account.bounds;
    if bounds.quota.is_none() && bounds.max_file_size.is_none() && least_free.is_none() {
        return store;
    }
    let quota = bounds.quota.map(|most| {
        let mut homes = quotas.homes.lock().unwrap_or_else(PoisonError::into_inner);
        Quota {
            most,
            usage: Arc::clone(homes.entry(account.home.clone()).or_default()),
            store: Arc::clone(&store),
            clock: Arc::clone(clock),
        }
    });
    if let Some(quota) = &quota {
        tokio::spawn(quota.clone().keep_fresh());
    }
    Arc::new(Bounded {
        store: Arc::clone(&store),
        quota,
        most_per_file: bounds.max_file_size,
        floor: least_free.map(|least| Floor { least, store }),
    })
}

/// A store within bounds.
#[derive(Debug)]
struct Bounded {
    store: Arc<dyn Store>,
    quota: Option<Quota>,
    most_per_file: Option<u64>,
    floor: Option<Floor>,
}

/// What has to stay free on the disk.
#[derive(Clone, Debug)]
struct Floor {
    least: u64,
    store: Arc<dyn Store>,
}

impl Floor {
    /// Whether `octets` more leave enough. A store that cannot tell has room.
    async fn room(&self, octets: u64) -> Result<(), StoreError> {
        match self.store.free().await {
            Ok(free) if free < self.least.saturating_add(octets) => Err(StoreError::NoSpace),
            Ok(_) | Err(StoreError::NotSupported) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Bounded {
    /// How many bytes may come of an upload that has begun: of one that appends, nobody else adds
    /// to the file any more.
    async fn left_of_file(
        &self,
        path: &VirtualPath,
        kind: UploadKind,
    ) -> Result<Option<u64>, StoreError> {
        let Some(most) = self.most_per_file else {
            return Ok(None);
        };
        let base = match kind {
            UploadKind::Replace | UploadKind::Unique => 0,
            UploadKind::Resume { offset } | UploadKind::Range { offset, .. } => offset,
            UploadKind::Append => match self.store.look(path).await {
                Ok(entry) if entry.kind == EntryKind::File => entry.size,
                Ok(_) | Err(StoreError::NotFound) => 0,
                Err(error) => return Err(error),
            },
        };
        most.checked_sub(base).map(Some).ok_or(StoreError::TooLarge)
    }

    async fn begin_bounded(
        &self,
        path: &VirtualPath,
        kind: UploadKind,
    ) -> Result<Box<dyn Upload>, StoreError> {
        let copied = match (&self.quota, kind) {
            (_, UploadKind::Resume { offset } | UploadKind::Range { offset, .. })
                if self.most_per_file.is_some_and(|most| offset > most) =>
            {
                return Err(StoreError::TooLarge);
            }
            // What goes on behind an offset may begin with a copy of the file up to there.
            (Some(_), UploadKind::Resume { offset }) if self.store.copies() => {
                let kept = self.store.partial(path).await?;
                offset.saturating_sub(kept.map_or(0, |kept| kept.bytes))
            }
            (_, UploadKind::Range { offset, .. }) => offset,
            _ => 0,
        };
        let charge = match &self.quota {
            Some(quota) => {
                quota.room(copied.saturating_add(1)).await?;
                Some(quota.charge(copied).await?)
            }
            None => None,
        };
        if let Some(floor) = &self.floor {
            floor.room(copied.saturating_add(1)).await?;
        }
        let upload = self.store.begin(path, kind).await?;
        drop(charge);
        let left_of_file = match self.left_of_file(path, kind).await {
            Ok(left) => left,
            Err(error) => {
                upload.abandon().await;
                return Err(error);
            }
        };
        Ok(Box::new(BoundedUpload {
            upload,
            quota: self.quota.clone(),
            left_of_file,
            floor: self.floor.clone(),
            unchecked: 0,
            is_full: false,
        }))
    }
}

impl Store for Bounded {
    fn stat<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        self.store.stat(path)
    }

    fn look<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        self.store.look(path)
    }

    fn forget(&self) {
        self.store.forget();
    }

    fn partial<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Option<Kept>, StoreError>> {
        self.store.partial(path)
    }

    fn list<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Box<dyn Listing>, StoreError>> {
        self.store.list(path)
    }

    fn list_lines<'a>(
        &'a self,
        path: &'a VirtualPath,
        pen: Box<dyn Pen>,
    ) -> BoxFuture<'a, Result<Box<dyn Pages>, StoreError>> {
        self.store.list_lines(path, pen)
    }

    fn open<'a>(
        &'a self,
        path: &'a VirtualPath,
        offset: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Source>, StoreError>> {
        self.store.open(path, offset)
    }

    fn begin<'a>(
        &'a self,
        path: &'a VirtualPath,
        kind: UploadKind,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>, StoreError>> {
        Box::pin(self.begin_bounded(path, kind))
    }

    fn assemble<'a>(
        &'a self,
        path: &'a VirtualPath,
        octets: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Assembly>, StoreError>> {
        Box::pin(async move {
            self.room(octets).await?;
            let assembly = self.store.assemble(path, octets).await?;
            Ok(Box::new(BoundedAssembly {
                assembly,
                quota: self.quota.clone(),
                floor: self.floor.clone(),
            }) as Box<dyn Assembly>)
        })
    }

    fn room(&self, octets: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.most_per_file.is_some_and(|most| octets > most) {
                return Err(StoreError::TooLarge);
            }
            if let Some(floor) = &self.floor {
                floor.room(octets).await?;
            }
            match &self.quota {
                Some(quota) => quota.room(octets).await,
                None => self.store.room(octets).await,
            }
        })
    }

    fn usage(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.usage()
    }

    fn free(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.free()
    }

    fn copies(&self) -> bool {
        self.store.copies()
    }

    fn blocks(&self) -> bool {
        self.store.blocks()
    }

    fn make_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.make_directory(path)
    }

    fn remove_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.remove_directory(path)
    }

    fn delete<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.delete(path)
    }

    fn set_modified<'a>(
        &'a self,
        path: &'a VirtualPath,
        modified: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.set_modified(path, modified)
    }

    fn set_mode<'a>(
        &'a self,
        path: &'a VirtualPath,
        mode: u32,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.set_mode(path, mode)
    }

    fn rename<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.rename(from, to)
    }

    fn rename_new<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.rename_new(from, to)
    }
}

#[cfg(test)]
pub(super) mod tests;
