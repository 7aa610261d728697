//! The user may only read at the destination: refused, nothing moves, both servers are free.

use thirdhost_client::{Arrangement, Operation, Side};
use thirdhost_proto::server::Permissions;

use super::{only, received};
use crate::check::{self, Mismatch};
use crate::{Evidence, Failed, SITE2, Setting, Stage, files};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let destination = setting.site2().permit(Permissions::read_only());
    let mut stage = Stage::with(setting, setting.site1(), destination)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    files::fill(&stage.destination.path("to"), 100, 2)?;
    let old = stage.destination.keep("to")?;
    for operation in [Operation::Copy, Operation::Append] {
        let mut pair = stage
            .pair(only(Arrangement::Lstn, Side::Destination))
            .await?;
        let error = stage
            .failing_transfer(&mut pair, operation, "from", "to")
            .await?;
        // Which of the two is heard first is a race; that the destination said no must be told.
        if !error.to_string().contains("550 ") {
            let what = "what the user is told";
            let expected = "that the destination said 550";
            return Err(Mismatch::new(what, expected, error.to_string()).into());
        }
        pair.quit().await;
        check::holds(&stage.destination, "to", &[&old])?;
    }
    received(&stage.transcript, SITE2, "550 You may not", 2)?;
    check::only_names(&stage.destination, &["to"])?;
    stage.close().await
}
