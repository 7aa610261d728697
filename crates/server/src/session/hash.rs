//! HASH and its older kin, computed: in pieces, beside the sessions' workers. Spec S-58.

use std::sync::Arc;

use thirdhost_proto::server::{Answer, HashTarget, Refusal};
use thirdhost_sockets::Threads;
use thirdhost_wire::HashAlgorithm;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::refusal::refusal;
use crate::digest::Hasher;
use crate::store::{Source, Store, StoreError};

/// What bounds the hashing of files.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// How many sessions may have the server hash at the same time.
    pub(super) turns: Arc<Semaphore>,
    /// How many octets one command may have hashed.
    pub(super) octets_max: u64,
    /// Cancelled at the end of the control connection: nobody waits for the answer then.
    pub(super) gone: CancellationToken,
    /// Where it is hashed.
    pub(super) threads: Arc<dyn Threads>,
}

/// Hashes the first target that is there.
pub(super) async fn hash(
    store: Arc<dyn Store>,
    algorithm: HashAlgorithm,
    targets: Vec<HashTarget>,
    bounds: Bounds,
) -> Result<Answer, Refusal> {
    let Bounds {
        turns,
        octets_max,
        gone,
        threads,
    } = bounds;
    let Ok(_turn) = turns.try_acquire_owned() else {
        return Err(Refusal::Overloaded);
    };
    let hashing = async {
        let (target, source) = open(&*store, targets).await?;
        let first = target.range.map_or(0, |range| range.first());
        let end = target.range.map_or(u64::MAX, |range| range.end());
        let end = end.min(source.size());
        if end.saturating_sub(first) > octets_max {
            return Err(Refusal::TooLargeToHash);
        }
        let digest = digest(source, algorithm, end.saturating_sub(first), &*threads).await?;
        Ok(Answer::Hash { digest, first, end })
    };
    gone.run_until_cancelled(hashing)
        .await
        .unwrap_or(Err(Refusal::Failed))
}

/// The hash of all that `source` has, from its beginning.
pub(super) async fn of_source(
    source: Box<dyn Source>,
    algorithm: HashAlgorithm,
    bounds: Bounds,
) -> Result<String, Refusal> {
    let Ok(_turn) = bounds.turns.try_acquire_owned() else {
        return Err(Refusal::Overloaded);
    };
    let octets = source.size();
    if octets > bounds.octets_max {
        return Err(Refusal::TooLargeToHash);
    }
    let hashing = digest(source, algorithm, octets, &*bounds.threads);
    let done = bounds.gone.run_until_cancelled(hashing).await;
    done.unwrap_or(Err(Refusal::Failed))
}

async fn open(
    store: &dyn Store,
    targets: Vec<HashTarget>,
) -> Result<(HashTarget, Box<dyn Source>), Refusal> {
    let mut last = Refusal::NotFound;
    for target in targets {
        let first = target.range.map_or(0, |range| range.first());
        match store.open(&target.path, first).await {
            Ok(source) => return Ok((target, source)),
            // A reading of the argument that names nothing gives way to the next.
            Err(error @ (StoreError::NotFound | StoreError::NotDirectory)) => {
                last = refusal(&error);
            }
            Err(error) => return Err(refusal(&error)),
        }
    }
    Err(last)
}

async fn digest(
    mut source: Box<dyn Source>,
    algorithm: HashAlgorithm,
    mut octets: u64,
    threads: &dyn Threads,
) -> Result<String, Refusal> {
    let mut hasher = Hasher::new(algorithm);
    let mut piece = Vec::new();
    while octets > 0 {
        piece.clear();
        let wanted = usize::try_from(octets).unwrap_or(usize::MAX);
        let read = source.read(&mut piece, wanted.min(PIECE_BYTES)).await;
        match read.map_err(|error| refusal(&error))? {
            // The file has become shorter than it was.
            0 => return Err(Refusal::Failed),
            read => octets = octets.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX)),
        }
        if piece.len() <= HERE_BYTES {
            hasher.update(&piece);
            continue;
        }
        let hashing = threads.run(move || {
            hasher.update(&piece);
            (hasher, piece)
        });
        (hasher, piece) = hashing.await.ok_or(Refusal::Failed)?;
    }
    Ok(hasher.finish())
}

/// What is hashed sooner than another thread takes it over.
const HERE_BYTES: usize = 16 * 1024;

/// A millisecond's work: so soon is a hash over that nobody waits for any more.
const PIECE_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use thirdhost_proto::server::VirtualPath;
    use thirdhost_sockets::World;
    use thirdhost_wire::{ByteRange, Pathname};

    use super::*;
    use crate::store::{MemoryStore, UploadKind};

    fn target(name: &str, range: Option<ByteRange>) -> HashTarget {
        let name = Pathname::try_from(name).unwrap();
        let path = VirtualPath::root().join(&name).unwrap();
        HashTarget { path, range }
    }

    async fn store() -> Arc<dyn Store> {
        let store = MemoryStore::new();
        let path = target("f", None).path;
        let mut upload = store.begin(&path, UploadKind::Replace).await.unwrap();
        upload.write(b"0123456789".to_vec()).await.unwrap();
        upload.commit().await.unwrap();
        Arc::new(store)
    }

    fn bounds(turns: usize, octets_max: u64) -> Bounds {
        Bounds {
            turns: Arc::new(Semaphore::new(turns)),
            octets_max,
            gone: CancellationToken::new(),
            threads: World::real().threads,
        }
    }

    async fn check(
        targets: Vec<HashTarget>,
        bounds: Bounds,
        expected: Result<(&str, u64, u64), Refusal>,
    ) {
        let found = hash(store().await, HashAlgorithm::Crc32, targets, bounds).await;
        let expected = expected.map(|(digest, first, end)| Answer::Hash {
            digest: digest.to_owned(),
            first,
            end,
        });
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn the_first_target_that_is_there_is_hashed() {
        let range = ByteRange::new;
        let all = Ok(("a684c7c6", 0, 10));
        check(vec![target("f", None)], bounds(1, 10), all).await;
        let second = vec![target("x", None), target("f/x", None), target("f", None)];
        check(second, bounds(1, 10), all).await;
        let part = vec![target("f", range(1, 9))];
        check(part, bounds(1, 9), Ok(("cbf43926", 1, 10))).await;
        let beyond = vec![target("f", range(1, 99))];
        check(beyond, bounds(1, 9), Ok(("cbf43926", 1, 10))).await;
        let behind = vec![target("f", range(10, 99))];
        check(behind, bounds(1, 9), Ok(("00000000", 10, 10))).await;
        let far = vec![target("f", range(11, 99))];
        check(far, bounds(1, 9), Err(Refusal::BadOffset)).await;
        check(
            vec![target("x", None)],
            bounds(1, 10),
            Err(Refusal::NotFound),
        )
        .await;
    }

    //= security#S-58
    //= type=test
    #[tokio::test]
    async fn hashing_is_bounded_and_ends_with_the_session() {
        let file = || vec![target("f", None)];
        check(file(), bounds(0, 10), Err(Refusal::Overloaded)).await;
        check(file(), bounds(1, 9), Err(Refusal::TooLargeToHash)).await;
        let gone = bounds(1, 10);
        gone.gone.cancel();
        check(file(), gone.clone(), Err(Refusal::Failed)).await;
        assert_eq!(gone.turns.available_permits(), 1);
    }
}
