//! The operations of a simulated disk: each takes its time, and may fail.

use std::time::SystemTime;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::store::{
    Assembly, Entry, Kept, Listing, MemoryStore, Source, Store, StoreError, Upload, UploadKind,
};

use super::Mounted;
use super::parts::SimAssembly;
use super::transfer::{SimSource, SimUpload};

/// One user's files.
#[derive(Debug)]
pub(super) struct SimStore {
    mounted: Mounted,
    files: MemoryStore,
}

impl SimStore {
    pub(super) fn new(mounted: Mounted, files: MemoryStore) -> Self {
        Self { mounted, files }
    }
}

impl Store for SimStore {
    fn stat<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        async move {
            self.mounted.step("stat").await?;
            self.files.stat(path).await
        }
        .boxed()
    }

    fn partial<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Option<Kept>, StoreError>> {
        self.files.partial(path)
    }

    fn list<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Box<dyn Listing>, StoreError>> {
        async move {
            self.mounted.step("list").await?;
            self.files.list(path).await
        }
        .boxed()
    }

    fn open<'a>(
        &'a self,
        path: &'a VirtualPath,
        offset: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Source>, StoreError>> {
        async move {
            self.mounted.step("open").await?;
            let inner = self.files.open(path, offset).await?;
            let mounted = self.mounted.clone();
            Ok(Box::new(SimSource { mounted, inner }) as Box<dyn Source>)
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        path: &'a VirtualPath,
        kind: UploadKind,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>, StoreError>> {
        async move {
            self.mounted.step("begin").await?;
            if self.mounted.is_locked_out() {
                return Err(StoreError::Busy);
            }
            let inner = self.files.begin(path, kind).await?;
            let disk = &self.mounted.disk.shared;
            disk.trace.note(format_args!(
                "disk of {}: begin {kind:?} {}",
                disk.name,
                path.as_str()
            ));
            self.mounted.disk.upload_begins(inner.path().as_str());
            Ok(Box::new(SimUpload {
                mounted: self.mounted.clone(),
                files: self.files.clone(),
                path: inner.path().clone(),
                inner: Some(inner),
                written: 0,
            }) as Box<dyn Upload>)
        }
        .boxed()
    }

    fn assemble<'a>(
        &'a self,
        path: &'a VirtualPath,
        octets: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Assembly>, StoreError>> {
        async move {
            self.mounted.step("begin parts").await?;
            let inner = self.files.assemble(path, octets).await?;
            let disk = &self.mounted.disk.shared;
            disk.trace.note(format_args!(
                "disk of {}: begin parts {}",
                disk.name,
                path.as_str()
            ));
            Ok(Box::new(SimAssembly {
                mounted: self.mounted.clone(),
                files: self.files.clone(),
                path: path.clone(),
                inner,
            }) as Box<dyn Assembly>)
        }
        .boxed()
    }

    fn make_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.mounted.step("mkdir").await?;
            self.files.make_directory(path).await
        }
        .boxed()
    }

    fn remove_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.mounted.step("rmdir").await?;
            self.files.remove_directory(path).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.mounted.step("delete").await?;
            self.files.delete(path).await
        }
        .boxed()
    }

    fn set_modified<'a>(
        &'a self,
        path: &'a VirtualPath,
        modified: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.mounted.step("utime").await?;
            self.files.set_modified(path, modified).await
        }
        .boxed()
    }

    fn rename<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.mounted.step("rename").await?;
            self.files.rename(from, to).await
        }
        .boxed()
    }

    fn rename_new<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.mounted.step("rename").await?;
            self.files.rename_new(from, to).await
        }
        .boxed()
    }
}
