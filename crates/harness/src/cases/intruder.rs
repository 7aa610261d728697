//! Others race for X: before SOCK has named its caller, and after, from every host there is.

use std::net::SocketAddr;

use thirdhost_wire::{Command, Direction};

use crate::check::{self, Mismatch};
use crate::stage::path;
use crate::{Evidence, Failed, Fate, Intruder, Setting, Stage, by_hand, files};

pub(super) async fn run(setting: &Setting) -> Result<Evidence, Failed> {
    let mut stage = Stage::open(setting)?;
    files::fill(&stage.source.path("from"), setting.bytes, 1)?;
    let (site1, site2) = (
        stage.source.address().ip(),
        stage.destination.address().ip(),
    );
    let (mut source, mut destination) = stage.log_in().await?;
    let network = &setting.world.network;

    let x = by_hand::listen(&mut destination, Direction::Receive).await?;
    let target = SocketAddr::new(site2, x);
    let mut intruders = Vec::new();
    for host in [setting.hosts.user, site1, site2] {
        intruders.push((host, Intruder::call(network, host, target).await?));
    }
    let y = by_hand::sock(&mut source, site2, x).await?;
    let pinned = by_hand::sock(&mut destination, site1, y).await?;
    check::equal("the number of X, told again", x, pinned)?;
    // The right host, and a socket of it that is not Y.
    intruders.push((site1, Intruder::call(network, site1, target).await?));

    let began = setting.world.clock.now();
    let retrieve = Command::Retr(path("from")?);
    let store = Command::Stor(path("to")?);
    let (sent, stored) = by_hand::both(&mut source, retrieve, &mut destination, store).await?;
    stage.evidence.elapsed = setting.world.clock.now().saturating_sub(began);
    by_hand::expect(&source, "RETR", 226, &sent)?;
    by_hand::expect(&destination, "STOR", 226, &stored)?;
    for (host, intruder) in intruders {
        let fate = intruder.fate().await;
        if fate != Fate::Reset {
            let what = format!("what an intruder from {host} got");
            return Err(Mismatch::new(what, "a reset", format!("{fate:?}")).into());
        }
    }
    source.quit().await?;
    destination.quit().await?;
    check::holds(&stage.destination, "to", &[&stage.source.path("from")])?;
    check::only_names(&stage.destination, &["to"])?;
    stage.evidence.bytes = setting.bytes;
    stage.close().await
}
