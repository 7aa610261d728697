//! Files that several sessions of a user store at once, each a part of it: SITE PARTS.
//!
//! The session that opened one holds it; when that session ends, so does the file, and with it
//! every part that is still on its way. The others find it by its key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use thirdhost_proto::server::VirtualPath;
use thirdhost_sockets::Random;
use thirdhost_wire::PartsKey;
use tokio_util::sync::CancellationToken;

use crate::accounts::Account;
use crate::store::{Assembly, Ranges, Source, StoreError, Upload};

/// All that are open, of all users.
#[derive(Debug, Default)]
pub(crate) struct AllParts(Mutex<HashMap<PartsKey, Weak<Parts>>>);

/// One file that comes in parts.
#[derive(Debug)]
pub(crate) struct Parts {
    key: PartsKey,
    user: String,
    home: String,
    path: VirtualPath,
    ranges: Arc<Ranges>,
    /// Empty once it was committed.
    assembly: Mutex<Option<Box<dyn Assembly>>>,
}

/// What one session has opened: one at a time. Dropped, it is given up.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<Option<Arc<Parts>>>);

impl AllParts {
    /// Adds a file of `octets` that `account` will store at `path`, for `held` to hold.
    pub(crate) fn add(
        &self,
        random: &dyn Random,
        account: &Account,
        (path, octets): (VirtualPath, u64),
        assembly: Box<dyn Assembly>,
    ) -> Arc<Parts> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, parts| parts.strong_count() > 0);
        let key = loop {
            let half = || u64::from(random.below(u32::MAX));
            let key = PartsKey(half() << 32 | half());
            if !all.contains_key(&key) {
                break key;
            }
        };
        let parts = Arc::new(Parts {
            key,
            user: account.name.clone(),
            home: account.home.clone(),
            path,
            ranges: Ranges::new(octets),
            assembly: Mutex::new(Some(assembly)),
        });
        all.insert(key, Arc::downgrade(&parts));
        parts
    }

    /// The file of that key, if it is one of this user.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; whether it is another user's is not told.
    pub(crate) fn find(&self, key: PartsKey, account: &Account) -> Result<Arc<Parts>, StoreError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(&key).and_then(Weak::upgrade);
        found
            .filter(|parts| parts.user == account.name && parts.home == account.home)
            .ok_or(StoreError::NotFound)
    }
}

impl Parts {
    pub(crate) fn key(&self) -> PartsKey {
        self.key
    }

    /// How many octets of it have come.
    pub(crate) fn stored(&self) -> u64 {
        self.ranges.stored()
    }

    /// An upload of the octets from `first` up to `end`, if `path` is its name.
    ///
    /// # Errors
    /// Those of [`Ranges::claim`]; [`StoreError::NotFound`] where it has another name.
    pub(crate) fn part(
        &self,
        path: &VirtualPath,
        first: u64,
        end: u64,
    ) -> Result<Box<dyn Upload>, StoreError> {
        if *path != self.path {
            return Err(StoreError::NotFound);
        }
        let claim = self.ranges.claim(first, end)?;
        let assembly = self.assembly();
        let assembly = assembly.as_ref().ok_or(StoreError::NotFound)?;
        Ok(assembly.part(claim))
    }

    /// Opens it for reading from the beginning, if all of it has come.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] if not.
    pub(crate) async fn open(&self) -> Result<Box<dyn Source>, StoreError> {
        self.check_whole()?;
        // Taken out for the moment: no lock is held while the store works.
        let assembly = self.assembly().take().ok_or(StoreError::NotFound)?;
        let opened = assembly.open().await;
        *self.assembly() = Some(assembly);
        opened
    }

    /// Lets it appear under its name, if all of it has come. It is given up where its user is
    /// `gone` before.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] if not, and whatever the store says.
    pub(crate) async fn commit(&self, gone: &CancellationToken) -> Result<(), StoreError> {
        self.check_whole()?;
        let mut assembly = self.assembly().take().ok_or(StoreError::NotFound)?;
        let settled = gone.run_until_cancelled(assembly.settle()).await;
        if let Err(error) = settled.unwrap_or(Err(StoreError::NotFound)) {
            assembly.abandon().await;
            return Err(error);
        }
        assembly.commit().await
    }

    fn check_whole(&self) -> Result<(), StoreError> {
        let is_whole = self.ranges.is_whole();
        is_whole.then_some(()).ok_or(StoreError::Incomplete)
    }

    fn assembly(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn Assembly>>> {
        self.assembly.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Holds these; what was held before is given up.
    pub(crate) fn hold(&self, parts: Arc<Parts>) {
        self.replace(Some(parts));
    }

    /// Holds nothing any more.
    pub(crate) fn give_up(&self) {
        self.replace(None);
    }

    /// What is held.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if nothing is.
    pub(crate) fn held(&self) -> Result<Arc<Parts>, StoreError> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone().ok_or(StoreError::NotFound)
    }

    fn replace(&self, parts: Option<Arc<Parts>>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *held, parts) {
            before.ranges.end();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::future::BoxFuture;
    use thirdhost_proto::server::Permissions;
    use thirdhost_sockets::World;

    use super::*;
    use crate::accounts::{Admission, Bounds};
    use crate::store::Claim;

    /// Whoever is told that it failed finds nothing left of it.
    #[tokio::test]
    async fn a_file_that_the_disk_fails_late_is_given_up_before_that_is_told() {
        let is_gone = Arc::new(AtomicBool::new(false));
        let assembly = Box::new(Failing(Arc::clone(&is_gone)));
        let account = Account {
            name: "alice".to_owned(),
            home: String::new(),
            permissions: Permissions::all(),
            third_party: None,
            operator: false,
            bounds: Bounds::default(),
            admission: Admission::default(),
            anonymous: false,
        };
        let opened = (VirtualPath::root(), 0);
        let random = World::real().random;
        let parts = AllParts::default().add(&*random, &account, opened, assembly);
        let failed = parts.commit(&CancellationToken::new()).await;
        assert!(matches!(failed, Err(StoreError::NoSpace)));
        assert!(is_gone.load(Ordering::SeqCst));
    }

    #[derive(Debug)]
    struct Failing(Arc<AtomicBool>);

    impl Assembly for Failing {
        fn part(&self, _claim: Claim) -> Box<dyn Upload> {
            unreachable!("no octets")
        }

        fn open(&self) -> BoxFuture<'_, Result<Box<dyn Source>, StoreError>> {
            Box::pin(async { Err(StoreError::NotSupported) })
        }

        fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
            Box::pin(async { Err(StoreError::NoSpace) })
        }

        fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
            Box::pin(async { Ok(()) })
        }

        fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                self.0.store(true, Ordering::SeqCst);
            })
        }
    }
}
