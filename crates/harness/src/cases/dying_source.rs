//! The source's host dies in the middle of a file: the destination keeps what it had.

use thirdhost_client::{Arrangement, Operation, Side};

use super::only;
use crate::check::{self, Mismatch};
use crate::{Evidence, Failed, Setting, Stage, files};

/// A copy: the old file stays whole. What had come is kept out of sight to go on with; that may
/// be nothing, because a reset takes with it what the destination has not read yet.
pub(super) async fn copy(setting: &Setting) -> Result<Evidence, Failed> {
    let stage = died(setting, Operation::Copy).await?;
    let partial = stage.destination.path(PARTIAL);
    if !partial.exists() {
        check::only_names(&stage.destination, &["to"])?;
        return stage.close().await;
    }
    check::only_names(&stage.destination, &[PARTIAL, "to"])?;
    let kept = partial.metadata()?.len();
    let same = files::first_difference(&partial, &[&stage.source.path("from")])?;
    let what = "bytes of the kept partial that are the source's";
    check::equal(what, kept, same.unwrap_or(kept))?;
    stage.close().await
}

/// An append: not a byte of it is left.
pub(super) async fn append(setting: &Setting) -> Result<Evidence, Failed> {
    let stage = died(setting, Operation::Append).await?;
    check::only_names(&stage.destination, &["to"])?;
    stage.close().await
}

async fn died(setting: &Setting, operation: Operation) -> Result<Stage, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    files::fill(&stage.destination.path("to"), setting.bytes / 3, 2)?;
    let old = stage.destination.keep("to")?;
    let half = setting.bytes / 2;
    let source_data = stage.source.data().clone();
    source_data.lay_fuse(half);
    let mut pair = stage
        .pair(only(Arrangement::Lstn, Side::Destination))
        .await?;
    let error = {
        let from = crate::stage::path("from")?;
        let to = crate::stage::path("to")?;
        let transfer = pair.transfer(operation, &from, &to);
        tokio::pin!(transfer);
        tokio::select! {
            biased;
            ended = &mut transfer => {
                let found = format!("{ended:?}");
                let what = "the transfer before the source died";
                return Err(Mismatch::new(what, "still going on", found).into());
            }
            () = source_data.blown() => {}
        }
        // The worst order: the destination sees the end of the data before anyone tells it that
        // there was to be more.
        let heard = tokio::time::timeout(UNTIL_HEARD, &mut transfer).await;
        stage.source.kill();
        let ended = match heard {
            Ok(ended) => ended,
            Err(_) => transfer.await,
        };
        match ended {
            Err(error) => error,
            Ok(_) => {
                let what = "the transfer whose source died";
                return Err(Mismatch::new(what, "to fail", "it succeeded").into());
            }
        }
    };
    let went: u64 = source_data.flows().iter().map(|flow| flow.bytes).sum();
    check::equal("bytes that went before the source died", half, went)?;
    if error.side().is_none() {
        let what = "the error";
        return Err(Mismatch::new(what, "one that names a server", error.to_string()).into());
    }
    pair.quit().await;
    check::holds(&stage.destination, "to", &[&old])?;
    Ok(stage)
}

/// What the disk store calls an interrupted upload to `to` (design D10).
const PARTIAL: &str = ".thirdhost-partial.to";

/// Long enough for the destination to read what is on the way, and to believe it if it does.
const UNTIL_HEARD: std::time::Duration = std::time::Duration::from_millis(500);
