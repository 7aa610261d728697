//! Files of parts on a simulated disk.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::store::{Assembly, Claim, MemoryStore, Source, StoreError, Upload};

use super::transfer::SimSource;
use super::{Mounted, error};
use crate::sabotage::Sabotage;

/// A file that comes in parts.
#[derive(Debug)]
pub(super) struct SimAssembly {
    pub(super) mounted: Mounted,
    pub(super) files: MemoryStore,
    pub(super) path: VirtualPath,
    pub(super) inner: Box<dyn Assembly>,
}

impl Assembly for SimAssembly {
    fn part(&self, claim: Claim) -> Box<dyn Upload> {
        Box::new(SimPart {
            mounted: self.mounted.clone(),
            inner: self.inner.part(claim),
        })
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn Source>, StoreError>> {
        async move {
            self.mounted.step("open").await?;
            let inner = self.inner.open().await?;
            let mounted = self.mounted.clone();
            Ok(Box::new(SimSource { mounted, inner }) as Box<dyn Source>)
        }
        .boxed()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async move {
            let fault = self.mounted.step("commit parts").await?;
            let disk = Arc::clone(&self.mounted.disk.shared);
            if disk.sabotage == Some(Sabotage::LosesCommits) {
                return Ok(());
            }
            self.inner.commit().await?;
            let (name, path) = (disk.name, self.path.as_str());
            disk.trace
                .note(format_args!("disk of {name}: commit parts {path}"));
            disk.judge.appeared(name, path, &self.files).await;
            match fault {
                None => Ok(()),
                Some(fault) => Err(error(fault)),
            }
        }
        .boxed()
    }
}

/// One part being written. What is given up of it is nothing that anybody goes on with.
struct SimPart {
    mounted: Mounted,
    inner: Box<dyn Upload>,
}

impl Upload for SimPart {
    fn path(&self) -> &VirtualPath {
        self.inner.path()
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        async move {
            self.mounted.step("write part").await?;
            self.inner.write(bytes).await
        }
        .boxed()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async move {
            let fault = self.mounted.step("part").await?;
            self.inner.commit().await?;
            match fault {
                None => Ok(()),
                Some(fault) => Err(error(fault)),
            }
        }
        .boxed()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.inner.abandon()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.inner.discard()
    }
}
