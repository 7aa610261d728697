//! A copy (STOR) over LSTN and SOCK, onto a file that is longer than the new one.

use thirdhost_client::{Arrangement, Operation, Side};

use super::{only, sent};
use crate::{Evidence, Failed, Setting, Stage, check, files};
use crate::{SITE1, SITE2};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    files::fill(&stage.destination.path("to"), setting.bytes + 1, 2)?;
    let mut pair = stage
        .pair(only(Arrangement::Lstn, Side::Destination))
        .await?;
    stage
        .transfer(&mut pair, Operation::Copy, "from", "to")
        .await?;
    pair.quit().await;
    sent(&stage.transcript, SITE1, "RETR from", 1)?;
    sent(&stage.transcript, SITE2, "STOR to", 1)?;
    check::holds(&stage.destination, "to", &[&stage.source.path("from")])?;
    check::only_names(&stage.destination, &["to"])?;
    stage.close().await
}
