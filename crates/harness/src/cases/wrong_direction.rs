//! A RETR where LSTN R was said: 503, and the reservation stays for the right command.

use thirdhost_wire::{Command, Direction};

use crate::stage::path;
use crate::{Evidence, Failed, Setting, Stage, by_hand, check, files};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    files::fill(&stage.destination.path("to"), 100, 2)?;
    let (site1, site2) = (
        stage.source.address().ip(),
        stage.destination.address().ip(),
    );
    let (mut source, mut destination) = stage.log_in().await?;
    let x = by_hand::listen(&mut destination, Direction::Receive).await?;
    let y = by_hand::sock(&mut source, site2, x).await?;
    by_hand::sock(&mut destination, site1, y).await?;

    let wrong = destination.command(Command::Retr(path("to")?)).await?;
    by_hand::expect(&destination, "RETR after LSTN R", 503, &wrong)?;
    let reserved = stage.destination.server().ports_reserved();
    check::equal("ports reserved at SITE2 after 503", 1, reserved)?;

    let began = setting.world.clock.now();
    let retrieve = Command::Retr(path("from")?);
    let store = Command::Stor(path("to")?);
    let (sent, stored) = by_hand::both(&mut source, retrieve, &mut destination, store).await?;
    stage.evidence.elapsed = setting.world.clock.now().saturating_sub(began);
    by_hand::expect(&source, "RETR", 226, &sent)?;
    by_hand::expect(&destination, "STOR", 226, &stored)?;
    source.quit().await?;
    destination.quit().await?;
    check::holds(&stage.destination, "to", &[&stage.source.path("from")])?;
    check::only_names(&stage.destination, &["to"])?;
    stage.evidence.bytes = setting.bytes;
    stage.close().await
}
