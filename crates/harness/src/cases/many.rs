//! Many files over one arrangement: RFC 438 clause d.2 says commands, and means more than one.

use thirdhost_client::{Arrangement, Operation, Policy, Side};
use thirdhost_wire::TransmissionMode;

use super::{only, received, sent};
use crate::{Evidence, Failed, Setting, Stage, check, files};
use crate::{SITE1, SITE2};

/// MODE S: each file has a connection of its own, from the same Y to the same X.
pub(super) async fn stream(setting: &Setting) -> Result<Evidence, Failed> {
    let policy = only(Arrangement::Lstn, Side::Destination);
    let stage = moved(setting, policy).await?;
    check::equal(
        "data connections",
        count(setting),
        stage.source.data_flows().len(),
    )?;
    stage.close().await
}

/// MODE B: all files go over one connection, which 125 and 250 say.
pub(super) async fn block(setting: &Setting) -> Result<Evidence, Failed> {
    let mut policy = only(Arrangement::Lstn, Side::Destination);
    policy.parameters.mode = TransmissionMode::Block;
    let stage = moved(setting, policy).await?;
    check::equal("data connections", 1, stage.source.data_flows().len())?;
    let files = count(setting);
    for site in [SITE1, SITE2] {
        received(&stage.transcript, site, "150 ", 1)?;
        received(&stage.transcript, site, "125 ", files.saturating_sub(1))?;
        received(&stage.transcript, site, "226 ", 0)?;
    }
    stage.close().await
}

async fn moved(setting: &Setting, policy: Policy) -> Result<Stage, Failed> {
    let mut stage = Stage::open(setting)?;
    let names: Vec<String> = (1..=count(setting)).map(|n| format!("file{n}")).collect();
    for (seed, name) in (0..).zip(&names) {
        files::fill(&stage.source.path(name), setting.bytes_each(), seed)?;
    }
    let mut pair = stage.pair(policy).await?;
    for (number, name) in names.iter().enumerate() {
        let report = stage
            .transfer(&mut pair, Operation::Copy, name, name)
            .await?;
        let what = format!("whether {name} was arranged for anew");
        check::equal(&what, number == 0, report.arranged)?;
    }
    pair.quit().await;
    sent(&stage.transcript, SITE2, "LSTN ", 1)?;
    sent(&stage.transcript, SITE1, "SOCK ", 1)?;
    sent(&stage.transcript, SITE2, "SOCK ", 1)?;
    for name in &names {
        check::holds(&stage.destination, name, &[&stage.source.path(name)])?;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check::only_names(&stage.destination, &names)?;
    Ok(stage)
}

fn count(setting: &Setting) -> usize {
    usize::try_from(setting.files).unwrap_or(usize::MAX).max(1)
}
