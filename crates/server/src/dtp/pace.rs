//! How fast octets may move: rates that transfers share or have to themselves.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What every transfer that shares a rate is counted in.
///
/// Octets are counted once they have moved, and who moved them then waits until they are paid
/// for, behind all who came before. So no octet is held back in memory, and many transfers get
/// equal parts.
#[derive(Debug, Default)]
pub struct Bucket {
    /// When all that has been taken so far will be paid for, in the clock's time.
    paid: Mutex<Duration>,
}

impl Bucket {
    /// Counts `octets` that have moved `now`, at `rate` octets a second; returns how long to wait
    /// before more are moved. A rate that was not used up to [`BURST`] ago may be made up for.
    #[must_use]
    pub fn take(&self, now: Duration, octets: u64, rate: NonZeroU64) -> Duration {
        let nanoseconds = u128::from(octets) * NANOSECONDS / u128::from(rate.get());
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (*paid).max(now.saturating_sub(BURST));
        *paid = from.saturating_add(cost);
        paid.saturating_sub(now)
    }
}

/// The rates that one transfer keeps; the default is none.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    limits: Vec<(Arc<Bucket>, NonZeroU64)>,
}

impl Pace {
    /// Keeps `rate` octets a second as well, counted in `bucket`.
    #[must_use]
    pub fn and(mut self, bucket: Arc<Bucket>, rate: NonZeroU64) -> Self {
        self.limits.push((bucket, rate));
        self
    }

    /// How many octets to move at a time, so that a slow rate is not kept by long silences.
    pub(super) fn piece(&self) -> usize {
        let rates = self.limits.iter().map(|(_, rate)| rate.get());
        rates.min().map_or(usize::MAX, |rate| {
            usize::try_from(rate / PIECES_PER_SECOND)
                .unwrap_or(usize::MAX)
                .max(PIECE_BYTES_MIN)
        })
    }

    /// Counts octets; how long to wait then. `now` is asked for only where there is a limit.
    pub(super) fn take(&self, now: impl Fn() -> Duration, octets: u64) -> Duration {
        if self.limits.is_empty() {
            return Duration::ZERO;
        }
        let now = now();
        let waits = self
            .limits
            .iter()
            .map(|(bucket, rate)| bucket.take(now, octets, *rate));
        waits.max().unwrap_or_default()
    }
}

/// How much of a rate that was not used may be made up for: enough for a timer that rings late.
pub const BURST: Duration = Duration::from_millis(250);

/// Into how many pieces a second's octets are cut.
const PIECES_PER_SECOND: u64 = 8;

/// The least piece: about what one segment carries.
const PIECE_BYTES_MIN: usize = 1024;

const NANOSECONDS: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::super::testing::*;
    use super::super::{receive_file, send_file};
    use super::*;
    use thirdhost_proto::server::TransferParameters;
    use thirdhost_wire::{RepresentationType, TransmissionMode};

    const RATE: NonZeroU64 = NonZeroU64::new(100_000).unwrap();

    const fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn octets_are_paid_for_one_after_the_other() {
        let bucket = Bucket::default();
        let start = millis(10_000);
        assert_eq!(
            bucket.take(start, 25_000, RATE),
            Duration::ZERO,
            "the burst"
        );
        assert_eq!(bucket.take(start, 10_000, RATE), millis(100));
        assert_eq!(
            bucket.take(start, 10_000, RATE),
            millis(200),
            "behind the first"
        );
        assert_eq!(bucket.take(start + millis(150), 10_000, RATE), millis(150));
        let later = start + millis(60_000);
        assert_eq!(
            bucket.take(later, 35_000, RATE),
            millis(100),
            "no more than a burst"
        );
    }

    #[test]
    fn no_number_of_octets_is_too_much() {
        let one = NonZeroU64::MIN;
        let bucket = Bucket::default();
        for _ in 0..3 {
            assert!(bucket.take(Duration::MAX, u64::MAX, one) <= Duration::MAX);
            assert!(bucket.take(Duration::ZERO, u64::MAX, one) > millis(1));
        }
    }

    fn forms() -> impl Iterator<Item = TransferParameters> {
        [RepresentationType::Image, RepresentationType::Ascii]
            .into_iter()
            .flat_map(|representation| {
                [TransmissionMode::Stream, TransmissionMode::Block].map(|mode| TransferParameters {
                    representation,
                    mode,
                    ..TransferParameters::default()
                })
            })
    }

    /// Octets at `RATE`: three seconds' worth takes three seconds, but for the burst, and no
    /// piece is longer than an eighth of a second's.
    #[tokio::test(start_paused = true)]
    async fn a_transfer_keeps_its_rate_in_small_pieces_in_both_directions() {
        let bytes = vec![b'x'; 300_000];
        for form in forms() {
            let is_identity = form.representation == RepresentationType::Image
                && form.mode == TransmissionMode::Stream;
            for plain in [is_identity, false] {
                let (mut ours, theirs, spy) = pair();
                let mut watched = Watched::default();
                watched.pace = Pace::default().and(Arc::default(), RATE);
                let mut source = if plain {
                    use std::io::Write as _;
                    let mut file = tempfile::tempfile().unwrap();
                    file.write_all(&bytes).unwrap();
                    MemorySource::plain(bytes.len() as u64, file)
                } else {
                    MemorySource::new(&bytes)
                };
                let watch = watched.watch();
                tokio::join!(
                    async {
                        send_file(&mut ours, &mut source, 0, form, watch)
                            .await
                            .unwrap();
                        drop(ours);
                    },
                    read_all(theirs),
                );
                let context = format!("{form:?} plain {plain}");
                kept(watched.now(), &context);
                assert!(
                    spy.largest_write() <= 12_500,
                    "{context}: {}",
                    spy.largest_write()
                );
            }
        }
        let (mut ours, mut theirs, _) = pair();
        let mut watched = Watched::default();
        watched.pace = Pace::default().and(Arc::default(), RATE);
        let form = TransferParameters {
            representation: RepresentationType::Image,
            ..TransferParameters::default()
        };
        let mut upload = MemoryUpload::default();
        let (received, ()) = tokio::join!(
            receive_file(&mut ours, &mut upload, form, watched.watch()),
            async {
                theirs.write_all(&bytes).await.unwrap();
                theirs.shutdown().await.unwrap();
            },
        );
        assert_eq!(received.unwrap().octets, 300_000);
        kept(watched.now(), "receiving");
    }

    fn kept(took: Duration, context: &str) {
        let expected = millis(2_700)..=millis(3_200);
        assert!(expected.contains(&took), "{context}: {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn transfers_that_share_a_rate_get_equal_parts() {
        let shared = Arc::new(Bucket::default());
        let started = tokio::time::Instant::now();
        let one = async |size: usize| {
            let (mut ours, theirs, _) = pair();
            let mut watched = Watched::default();
            watched.pace = Pace::default().and(Arc::clone(&shared), RATE);
            let mut source = MemorySource::new(&vec![b'x'; size]);
            let form = TransferParameters {
                representation: RepresentationType::Image,
                ..TransferParameters::default()
            };
            tokio::join!(
                async {
                    let watch = watched.watch();
                    send_file(&mut ours, &mut source, 0, form, watch)
                        .await
                        .unwrap();
                    drop(ours);
                },
                read_all(theirs),
            );
            started.elapsed()
        };
        let (short, long) = tokio::join!(one(100_000), one(200_000));
        assert!(
            (millis(1_600)..=millis(2_200)).contains(&short),
            "{short:?}"
        );
        kept(long, "both together");
    }
}
