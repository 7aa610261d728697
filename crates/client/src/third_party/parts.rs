//! One file in several parts, each over a pair of its own: what a pair has to do with that.

use thirdhost_proto::third_party::{Job, Operation};
use thirdhost_wire::{
    ByteRange, Command, FileHash, PartsCommand, PartsKey, Pathname, Reply, SiteCommand,
};

use super::verify::{self, Before};
use super::{Pair, Policy, Relay, Report, Verify, Via};
use crate::control::hash;
use crate::{ControlConn, Error};

impl Pair {
    /// Why a file has to go between the two in one piece; `None` if it need not.
    pub(crate) fn reason_for_one_piece(&self) -> Option<String> {
        let (source, destination) = (&self.conns.source, &self.conns.destination);
        let lists = |conn: &ControlConn, feature: &str| {
            let name = conn.name();
            let missing = || format!("{name} does not list {feature} in FEAT");
            (!conn.features().has(feature)).then(missing)
        };
        if self.relaying || self.policy.via == Via::Relay || self.only_relay_worked() {
            return Some("the bytes pass this host".to_owned());
        }
        if self.policy.parameters != Default::default() {
            return Some("parts need TYPE I, STRU F and MODE S".to_owned());
        }
        lists(destination, "PARTS").or_else(|| lists(source, "RANG"))
    }

    /// Copies the octets of `range`, directly or not at all, into a file of parts that the
    /// destination's session opened or joined. Nothing is verified.
    ///
    /// # Cancel safety
    /// As [`Pair::transfer`].
    pub(crate) async fn part(
        &mut self,
        from: &Pathname,
        to: &Pathname,
        range: ByteRange,
    ) -> Result<Report, Error> {
        let job = Job {
            operation: Operation::Copy,
            from: from.clone(),
            to: to.clone(),
            offset: 0,
            range: Some(range),
        };
        // A relay knows no ranges.
        let relay = std::mem::replace(&mut self.policy.relay, Relay::Never);
        let moved = self.climb(job, Before { length: None }).await;
        self.policy.relay = relay;
        moved
    }

    /// The file appears, if the destination finds it to be what the source has. Returns whether
    /// the size was compared, and the hash that was.
    pub(crate) async fn close_parts(
        &mut self,
        from: &Pathname,
        to: &Pathname,
        octets: u64,
    ) -> Result<(bool, Option<&'static str>), Error> {
        let policy = self.policy.clone();
        let hash = self.prove_and_close(&policy, from).await?;
        let destination = &mut self.conns.destination;
        let before = Before { length: None };
        let (operation, sent) = (Operation::Copy, Some(octets));
        let is_compared = verify::after(destination, operation, to, &policy, sent, before).await?;
        Ok((is_compared, hash))
    }

    /// The hash is compared before the name is given, which is why it is not the usual one
    /// afterwards: what N reads of a file put together may be no file that ever was.
    async fn prove_and_close(
        &mut self,
        policy: &Policy,
        from: &Pathname,
    ) -> Result<Option<&'static str>, Error> {
        let server = self.conns.source.name().to_owned();
        let Some((name, proof)) = self.proof(policy, from).await? else {
            close(&mut self.conns.destination, None).await?;
            return Ok(None);
        };
        match close(&mut self.conns.destination, Some(proof)).await {
            Ok(()) => Ok(Some(name)),
            Err(Error::Refused { reply, .. }) if reply.code().number() == DIFFERS => {
                Err(Error::PartsDiffer { server, what: name })
            }
            // Too long to be hashed, or too much to do: as where a server tells no hash.
            Err(Error::Refused { .. }) if policy.verify == Verify::Auto => {
                close(&mut self.conns.destination, None).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The source's hash, where one is wanted and can be had.
    async fn proof(
        &mut self,
        policy: &Policy,
        from: &Pathname,
    ) -> Result<Option<(&'static str, FileHash)>, Error> {
        if !matches!(policy.verify, Verify::Auto | Verify::Hash) {
            return Ok(None);
        }
        let (source, destination) = self.both();
        if let Some(algorithm) = hash::by_command(source, destination)
            && let Some(digest) = hash::of(source, algorithm, from).await?
            && let Ok(known) = algorithm.name.parse()
            && let Some(proof) = FileHash::new(known, &digest)
        {
            return Ok(Some((algorithm.name, proof)));
        }
        match policy.verify {
            Verify::Hash => Err(Error::Unverifiable {
                server: self.conns.source.name().to_owned(),
                reason: "it does not tell a hash that the destination knows",
            }),
            _ => Ok(None),
        }
    }
}

/// Opens a file of parts; its key.
pub(crate) async fn open(
    destination: &mut ControlConn,
    to: &Pathname,
    octets: u64,
) -> Result<PartsKey, Error> {
    let name = to.clone();
    let reply = say(destination, PartsCommand::Open { octets, name }).await?;
    let reply = destination.completed(STEP, reply, "")?;
    let key = reply
        .text()
        .strip_prefix("PARTS ")
        .and_then(PartsKey::parse);
    key.ok_or_else(|| Error::Unusable {
        server: destination.name().to_owned(),
        step: STEP,
        problem: "it holds no key".to_owned(),
        reply,
    })
}

/// Joins a file of parts that another session opened.
pub(crate) async fn join(destination: &mut ControlConn, key: PartsKey) -> Result<(), Error> {
    let reply = say(destination, PartsCommand::Join(key)).await?;
    destination.completed(STEP, reply, "").map(|_| ())
}

/// How many octets of a file of parts are there; `None` if the server does not tell.
pub(crate) async fn size(
    destination: &mut ControlConn,
    key: PartsKey,
) -> Result<Option<u64>, Error> {
    let reply = say(destination, PartsCommand::Size(key)).await?;
    Ok(thirdhost_wire::file_size(&reply).ok())
}

/// Gives a file of parts up. A server that does not hear it does so when the session ends.
pub(crate) async fn give_up(destination: &mut ControlConn) {
    if destination.is_usable() {
        let _it_ends_with_the_session = say(destination, PartsCommand::Drop).await;
    }
}

async fn close(destination: &mut ControlConn, proof: Option<FileHash>) -> Result<(), Error> {
    let command = Command::Site(SiteCommand::Parts(PartsCommand::Close(proof)));
    let ticket = destination.send(&command).await?;
    // The server may have to hash a large file, and to write it to a slow disk.
    let limits = &destination.environment.limits;
    let limit = limits.straggler.saturating_add(limits.hash);
    let reply = destination.wait_for(ticket, limit).await?;
    destination.completed(STEP, reply, "").map(|_| ())
}

async fn say(conn: &mut ControlConn, parts: PartsCommand) -> Result<Reply, Error> {
    conn.command(Command::Site(SiteCommand::Parts(parts))).await
}

const STEP: &str = "SITE PARTS";

/// What SITE PARTS CLOSE says of another hash.
const DIFFERS: u16 = 551;
