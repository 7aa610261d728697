//! Servers without LSTN are brought together in the usual ways: EPSV and EPRT, PASV and PORT.

use thirdhost_client::{Arrangement, Operation, Side};

use super::{only, sent};
use crate::{Evidence, Failed, Setting, Stage, check, files};

/// Each end listens once.
pub(super) async fn run(setting: &Setting, arrangement: Arrangement) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    let (listen, call) = match arrangement {
        Arrangement::Pasv => ("PASV", "PORT"),
        _ => ("EPSV", "EPRT"),
    };
    for (listener, to) in [
        (Side::Destination, "to-listener"),
        (Side::Source, "to-caller"),
    ] {
        let mut pair = stage.pair(only(arrangement, listener)).await?;
        let report = stage
            .transfer(&mut pair, Operation::Copy, "from", to)
            .await?;
        pair.quit().await;
        let found = report
            .listener
            .map_or("none".to_owned(), |side| side.to_string());
        check::equal("the listener", listener.to_string(), found)?;
        check::holds(&stage.destination, to, &[&stage.source.path("from")])?;
    }
    for site in [&stage.source, &stage.destination] {
        sent(&stage.transcript, site.name(), listen, 1)?;
        sent(&stage.transcript, site.name(), call, 1)?;
        sent(&stage.transcript, site.name(), "LSTN", 0)?;
    }
    check::only_names(&stage.destination, &["to-caller", "to-listener"])?;
    stage.close().await
}
