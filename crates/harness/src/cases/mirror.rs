//! The mirror of RFC 438's example: LSTN S at the source, and the destination calls.

use thirdhost_client::{Arrangement, Operation, Side};

use super::{only, sent};
use crate::{Evidence, Failed, Setting, Stage, check, files};
use crate::{SITE1, SITE2};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("new"), setting.bytes, 1)?;
    files::fill(&stage.destination.path("old"), setting.bytes / 2, 2)?;
    let old = stage.destination.keep("old")?;
    let mut pair = stage.pair(only(Arrangement::Lstn, Side::Source)).await?;
    stage
        .transfer(&mut pair, Operation::Append, "new", "old")
        .await?;
    pair.quit().await;
    sent(&stage.transcript, SITE1, "LSTN S", 1)?;
    sent(&stage.transcript, SITE1, "SOCK ", 1)?;
    sent(&stage.transcript, SITE2, "SOCK ", 1)?;
    sent(&stage.transcript, SITE2, "LSTN", 0)?;
    check::holds(
        &stage.destination,
        "old",
        &[&old, &stage.source.path("new")],
    )?;
    check::only_names(&stage.destination, &["old"])?;
    stage.close().await
}
