//! Two servers under TLS: each is shown the certificate that the user saw at the other.

use thirdhost_client::{Arrangement, Operation, Protected, Side};
use thirdhost_wire::{Command, Direction, SiteCommand};

use super::{only, sent};
use crate::check::{self, Mismatch};
use crate::stage::path;
use crate::{Evidence, Failed, Setting, Stage, by_hand, files};
use crate::{SITE1, SITE2};

/// Each end listens once, and is then the TLS client.
pub(super) async fn checked(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    for (listener, to) in [
        (Side::Destination, "to-listener"),
        (Side::Source, "to-caller"),
    ] {
        let mut pair = stage.pair(only(Arrangement::Lstn, listener)).await?;
        let report = stage
            .transfer(&mut pair, Operation::Copy, "from", to)
            .await?;
        pair.quit().await;
        if report.protection != Protected::Mutually {
            let found = format!("{:?}", report.protection);
            return Err(Mismatch::new("TLS between the sites", "Mutually", found).into());
        }
        check::holds(&stage.destination, to, &[&stage.source.path("from")])?;
    }
    let shown = [&stage.source, &stage.destination].map(|site| site.fingerprint());
    if let [Some(source), Some(destination)] = shown {
        let named = |shown| format!("SITE PEERCERT SHA256 {shown}");
        sent(&stage.transcript, SITE1, &named(destination), 2)?;
        sent(&stage.transcript, SITE2, &named(source), 2)?;
    }
    for site in [SITE1, SITE2] {
        sent(&stage.transcript, site, "PROT P", 2)?;
        sent(&stage.transcript, site, "SSCN ON", 1)?;
    }
    check::only_names(&stage.destination, &["to-caller", "to-listener"])?;
    stage.close().await
}

/// The destination expects another certificate than the source has.
pub(super) async fn stranger(setting: &Setting) -> Result<Evidence, Failed> {
    let stage = open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    for client in [Side::Source, Side::Destination] {
        let (mut source, mut destination) = stage.log_in().await?;
        let x = by_hand::listen(&mut destination, Direction::Receive).await?;
        let y = by_hand::sock(&mut source, stage.destination.address().ip(), x).await?;
        by_hand::sock(&mut destination, stage.source.address().ip(), y).await?;
        let sha256 = [0x42; 32];
        let named = Command::Site(SiteCommand::PeerCert { sha256 });
        let named = destination.command(named).await?;
        by_hand::expect(&destination, "SITE PEERCERT", 200, &named)?;
        let told = match client {
            Side::Source => &mut source,
            Side::Destination => &mut destination,
        };
        let told = told.command(Command::Sscn(Some(true))).await?;
        by_hand::expect(&destination, "SSCN ON", 200, &told)?;
        let retrieve = Command::Retr(path("from")?);
        let store = Command::Stor(path("to")?);
        let (_, stored) = by_hand::both(&mut source, retrieve, &mut destination, store).await?;
        by_hand::expect(&destination, "STOR", 522, &stored)?;
        source.quit().await?;
        destination.quit().await?;
        check::only_names(&stage.destination, &[])?;
    }
    stage.close().await
}

fn open(setting: &Setting) -> std::io::Result<Stage> {
    let (source, destination) = (setting.site1().under_tls(), setting.site2().under_tls());
    Stage::with(setting, source, destination)
}
