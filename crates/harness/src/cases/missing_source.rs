//! The source has no such file: the destination gets no STOR, and its file stays as it is.

use thirdhost_client::{Arrangement, ExitCode, Operation, Side};

use super::{only, sent};
use crate::SITE2;
use crate::{Evidence, Failed, Setting, Stage, check, files};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    files::fill(&stage.destination.path("to"), 100, 2)?;
    let old = stage.destination.keep("to")?;
    let mut pair = stage
        .pair(only(Arrangement::Lstn, Side::Destination))
        .await?;
    let error = stage
        .failing_transfer(&mut pair, Operation::Copy, "missing", "to")
        .await?;
    let code = ExitCode::FileNotFound as u8;
    check::equal("the exit code", code, error.exit_code() as u8)?;
    sent(&stage.transcript, SITE2, "STOR", 0)?;
    check::holds(&stage.destination, "to", &[&old])?;
    // The two servers are none the worse for it.
    stage
        .transfer(&mut pair, Operation::Copy, "from", "to")
        .await?;
    pair.quit().await;
    check::holds(&stage.destination, "to", &[&stage.source.path("from")])?;
    check::only_names(&stage.destination, &["to"])?;
    stage.close().await
}
