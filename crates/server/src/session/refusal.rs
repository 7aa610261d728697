//! What the store's errors mean to the server-PI. The causes go to the log, never to the wire.

use thirdhost_proto::server::Refusal;

use crate::store::StoreError;

/// The refusal for a store error; an unexpected one is logged.
pub(super) fn refusal(error: &StoreError) -> Refusal {
    match error {
        StoreError::NotFound => Refusal::NotFound,
        StoreError::NotPermitted => Refusal::NotPermitted,
        StoreError::Exists => Refusal::Exists,
        StoreError::NotDirectory => Refusal::NotDirectory,
        StoreError::NotFile => Refusal::NotFile,
        StoreError::NotEmpty => Refusal::NotEmpty,
        StoreError::NameNotAllowed => Refusal::NameNotAllowed,
        StoreError::Busy => Refusal::Busy,
        StoreError::BadOffset => Refusal::BadOffset,
        StoreError::NoSpace => Refusal::NoSpace,
        StoreError::PatternTooWide => Refusal::PatternTooWide,
        StoreError::TooLarge => Refusal::TooLarge,
        StoreError::Incomplete => Refusal::Incomplete,
        StoreError::NotSupported => Refusal::NotSupported,
        StoreError::Io(cause) => {
            tracing::error!(%cause, "the store failed");
            Refusal::Failed
        }
    }
}
