//! RANG carried out: a part of a file as if it were one. Draft bryan-ftp-range.

use std::fs::File;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;

use crate::store::{Source, Store, StoreError, Upload, UploadKind};

/// The file at `path` from `offset` on, as if it ended at `end`.
pub(super) async fn open_part(
    store: &dyn Store,
    path: &VirtualPath,
    offset: u64,
    end: Option<u64>,
) -> Result<Box<dyn Source>, StoreError> {
    let source = store.open(path, offset).await?;
    Ok(match end {
        None => source,
        Some(end) => Box::new(Part {
            source,
            at: offset,
            end,
        }),
    })
}

/// An upload of the octets from `offset` up to `end`: all of them, for the user said how many
/// there would be, and none that are behind them now are cut off.
pub(super) async fn begin_part(
    store: &dyn Store,
    path: &VirtualPath,
    offset: u64,
    end: u64,
) -> Result<Box<dyn Upload>, StoreError> {
    let kind = UploadKind::Range { offset, end };
    let upload = store.begin(path, kind).await?;
    Ok(Box::new(Bounded {
        upload,
        at: offset,
        end,
    }))
}

struct Part {
    source: Box<dyn Source>,
    at: u64,
    end: u64,
}

impl Source for Part {
    fn size(&self) -> u64 {
        self.source.size().min(self.end)
    }

    fn file(&self) -> Option<Arc<File>> {
        self.source.file()
    }

    fn read<'a>(
        &'a mut self,
        buffer: &'a mut Vec<u8>,
        most: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move {
            let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let read = self.source.read(buffer, most.min(left)).await?;
            self.at = self
                .at
                .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            Ok(read)
        })
    }
}

struct Bounded {
    upload: Box<dyn Upload>,
    at: u64,
    end: u64,
}

impl Upload for Bounded {
    fn path(&self) -> &VirtualPath {
        self.upload.path()
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, StoreError>> {
        Box::pin(async move {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if length > self.end.saturating_sub(self.at) {
                return Err(StoreError::NoSpace);
            }
            self.at = self.at.saturating_add(length);
            self.upload.write(bytes).await
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.upload.settle()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            if self.at < self.end {
                self.upload.discard().await;
                return Err(StoreError::Incomplete);
            }
            self.upload.commit().await
        })
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.abandon()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.upload.discard()
    }
}
