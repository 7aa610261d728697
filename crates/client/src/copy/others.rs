//! The connections of further workers, opened while the first looks what there is to copy.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};

use super::Copy;
use super::worker::{Line, WORKERS_MAX};
use crate::{Error, pipeline};

/// Connections that are being opened.
#[derive(Default)]
pub(super) struct Others<'a>(Vec<Opening<'a>>);

/// One of them.
type Opening<'a> = MaybeDone<BoxFuture<'a, Result<Line, Error>>>;

impl<'a> Others<'a> {
    /// Begins as many as there will be workers beside the first, if files go one by one then:
    /// where both servers take many files ahead, one worker does it all.
    pub(super) fn begin(copy: &'a Copy, line: &mut Line) -> Self {
        let is_tree = copy.options.recursive && !copy.options.dry_run;
        let is_ahead = line.pair().is_none_or(|pair| {
            let (source, destination) = pair.both();
            pipeline::depth(source).is_some() && pipeline::depth(destination).is_some()
        });
        let workers = match is_tree && !is_ahead {
            true => copy.options.jobs.clamp(1, WORKERS_MAX),
            false => 1,
        };
        let open = |_| maybe_done(Line::open(copy).boxed());
        Self((1..workers).map(open).collect())
    }

    /// Goes on with them until `meanwhile` is done.
    pub(super) async fn during<T>(&mut self, mut meanwhile: impl Future<Output = T> + Unpin) -> T {
        poll_fn(|context| {
            for opening in &mut self.0 {
                // What it gives is kept.
                let _kept: Poll<()> = opening.poll_unpin(context);
            }
            meanwhile.poll_unpin(context)
        })
        .await
    }

    /// Takes as many of them as there are; the rest is left.
    pub(super) async fn take(&mut self, count: usize) -> Vec<Opening<'a>> {
        let surplus = self.0.split_off(count.min(self.0.len()));
        for line in surplus.into_iter().filter_map(opened) {
            line.quit().await;
        }
        std::mem::take(&mut self.0)
    }
}

/// What one of them comes to; nothing where it fails, for the next attempt tells why.
pub(super) async fn finished(mut opening: Opening<'_>) -> Option<Line> {
    (&mut opening).await;
    opened(opening)
}

fn opened(mut opening: Opening<'_>) -> Option<Line> {
    std::pin::Pin::new(&mut opening).take_output()?.ok()
}
