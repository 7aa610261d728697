//! The window of files under way: RETR and STOR in pairs, proofs behind them, replies in order.

use std::collections::BTreeMap;
use std::time::Duration;

use thirdhost_proto::third_party::{BySide, Side};
use thirdhost_wire::{Command, Reply, TimeVal};

use super::arrange;
use super::batch::leave;
use super::early;
use super::feed::{Ended, Feed, Flight, Item, Owed, What};
use super::lane::Lane;
use super::proof::Proof;
use crate::third_party::Prepared;
use crate::{Error, Pair, Report};

/// Moves all the files of `feed`. False where no pipeline came about, or where it ended before
/// the files did; the pair can be used on.
///
/// # Errors
/// When a control connection breaks, or the person stops. Every file has been told of.
///
/// # Cancel safety
/// Not cancel safe: drop the pair too.
pub(crate) async fn run<F: Feed>(pair: &mut Pair, feed: &mut F) -> Result<bool, Error> {
    let Some((prepared, proof)) = arrange::prepared(pair) else {
        return Ok(false);
    };
    pair.begin_pipeline();
    let (source, destination) = pair.both();
    let depth = BySide {
        source: super::depth(source).unwrap_or_default(),
        destination: super::depth(destination).unwrap_or_default(),
    };
    let mut stream = Stream {
        lanes: BySide {
            source: Lane::new(source),
            destination: Lane::new(destination),
        },
        depth,
        prepared,
        proof,
        flights: BTreeMap::new(),
        next: 0,
        bytes: 0,
        end: None,
    };
    let moved = match stream.begin(feed).await {
        Ok(true) => stream.go_on(feed).await,
        Ok(false) => Ok(false),
        Err(error) => Err(error),
    };
    stream.finish(feed, moved).await
}

struct Stream<'a, J> {
    lanes: BySide<Lane<'a, Option<Owed>>>,
    /// How many commands may be under way.
    depth: BySide<usize>,
    prepared: Prepared,
    proof: Proof,
    flights: BTreeMap<u64, Flight<J>>,
    next: u64,
    /// Octets of the files under way.
    bytes: u64,
    /// Why no more files are begun, and ABOR is out.
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// The arrangement is void.
    Void,
    /// The person stops.
    Stopped,
}

enum Next {
    Reply(Side, Option<Owed>, Reply),
    Broken(Error),
    Stop,
    Silence,
}

impl<J: Send> Stream<'_, J> {
    /// The arrangement. False where a server refuses it.
    async fn begin<F: Feed<Job = J>>(&mut self, feed: &mut F) -> Result<bool, Error> {
        let plan = &self.prepared.plan;
        let listener = plan.listener;
        let listening = match arrange::arrange(&mut self.lanes, plan, self.proof).await {
            Ok(listening) => listening,
            Err(Error::Refused { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        // SECURITY: no file is asked of the listener before it knows who may call. The caller
        // knows whom it calls, so a destination that listens is sent to meanwhile; it takes
        // nothing before STOR.
        if listener == Side::Destination {
            self.lanes.destination.hold();
            self.fill(feed)?;
            self.lanes.source.push_out().await?;
        }
        let lane = self.lanes.of_mut(listener);
        match arrange::pinned(lane, listening).await {
            Ok(()) => lane.release()?,
            Err(Error::Refused { .. }) => {
                lane.drop_held();
                for flight in std::mem::take(&mut self.flights).into_values() {
                    feed.ended(flight.job, Ended::Unfinished);
                }
                self.stop(End::Void)?;
            }
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Begins as many files as may be under way.
    fn fill<F: Feed<Job = J>>(&mut self, feed: &mut F) -> Result<(), Error> {
        // Many at once, in few packets: a connection may send so many, however small they are.
        let batch = Side::BOTH.map(|side| self.depth.of(side) / BATCHES / COMMANDS_PER_FILE);
        if !self.has_room_for(batch.into_iter().min().unwrap_or_default()) {
            return Ok(());
        }
        while self.end.is_none() && self.has_room_for(1) {
            let Some((job, item)) = feed.next() else {
                break;
            };
            if let Some(job) = self.ask(job, item)? {
                feed.ended(job, Ended::Unfinished);
            }
        }
        Ok(())
    }

    async fn go_on<F: Feed<Job = J>>(&mut self, feed: &mut F) -> Result<bool, Error> {
        loop {
            self.fill(feed)?;
            if self.flights.is_empty() && self.end.is_none() {
                return Ok(true);
            }
            if self.is_quiet() {
                return match self.end {
                    Some(End::Stopped) => Err(self.lanes.source.conn.stop_wanted()),
                    _ => Ok(false),
                };
            }
            match self.happens().await {
                Next::Reply(side, owed, reply) => {
                    if let Some(flight) = self.hear(side, owed, reply) {
                        self.landed(flight, feed)?;
                    }
                }
                Next::Stop => self.stop(End::Stopped)?,
                Next::Broken(error) => return Err(error),
                Next::Silence => {
                    let side = Side::BOTH.map(|side| (side, self.lanes.of(side).owed() > 0));
                    let silent = side.into_iter().find(|(_, owes)| *owes);
                    let side = silent.map_or(Side::Source, |(side, _)| side);
                    let limit = self.limit();
                    return Err(self.lanes.of_mut(side).conn.silent(limit));
                }
            }
        }
    }

    /// Whatever is left under way is told of, and both connections go back to the usual
    /// dialogue, or are given up.
    async fn finish<F: Feed<Job = J>>(
        mut self,
        feed: &mut F,
        moved: Result<bool, Error>,
    ) -> Result<bool, Error> {
        for flight in std::mem::take(&mut self.flights).into_values() {
            feed.ended(flight.job, Ended::Unfinished);
        }
        let BySide {
            source,
            destination,
        } = self.lanes;
        match moved {
            Ok(moved) => {
                early::withdraw(source.conn).await?;
                leave(source.conn).await?;
                leave(destination.conn).await?;
                Ok(moved)
            }
            Err(error) => {
                // What the other still owes would be taken for answers to something else.
                source.conn.abandon();
                destination.conn.abandon();
                Err(error)
            }
        }
    }

    /// Whether so many more files may be under way.
    fn has_room_for(&self, files: usize) -> bool {
        let Self { lanes, depth, .. } = self;
        let commands = files.max(1) * COMMANDS_PER_FILE;
        let fits = |side| lanes.of(side).to_come() + commands <= *depth.of(side);
        self.flights.is_empty() || self.bytes < WINDOW_BYTES && Side::BOTH.into_iter().all(fits)
    }

    /// RETR and STOR, with all that is asked about the file afterwards. The job comes back if it
    /// is not the next that the source was asked for.
    fn ask(&mut self, job: J, item: Item) -> Result<Option<J>, Error> {
        let flight = self.next;
        self.next += 1;
        let owed = |what| Some(Owed { flight, what });
        let source = &mut self.lanes.source;
        let began = source.conn.environment.world.clock.now();
        let mut waiting = 2;
        let transfer = (owed(What::Transfer), owed(What::Proof));
        let Some(questions) = early::ask_or_adopt(source, &item, self.proof, transfer)? else {
            // It would send another file than the destination is told to take.
            return self.stop(End::Void).map(|()| Some(job));
        };
        waiting += questions;
        let destination = &mut self.lanes.destination;
        destination.say(&Command::Stor(item.to.clone()), owed(What::Transfer))?;
        let has_mfmt = destination.conn.features().has("MFMT");
        if let Some(modified) = item.modified.filter(|_| has_mfmt) {
            let whole = TimeVal::from_unix(modified.unix_seconds(), 0).unwrap_or(modified);
            let command = Command::Mfmt {
                modified: whole,
                name: item.to.clone(),
            };
            destination.say(&command, owed(What::Time))?;
            waiting += 1;
        }
        if let Some(question) = self.proof.question(&item.to) {
            destination.say(&question, owed(What::Proof))?;
            waiting += 1;
        }
        self.bytes = self.bytes.saturating_add(item.size.unwrap_or(0));
        let nothing = || BySide {
            source: None,
            destination: None,
        };
        let flying = Flight {
            job,
            item,
            began,
            waiting,
            transfers: nothing(),
            proofs: nothing(),
        };
        self.flights.insert(flight, flying);
        Ok(None)
    }

    async fn happens(&mut self) -> Next {
        let environment = self.lanes.source.conn.environment.clone();
        let limit = self.limit();
        let is_stopping = self.end == Some(End::Stopped);
        let lanes = &mut self.lanes;
        let heard = |side, found: Result<(Option<Owed>, Reply), Error>| match found {
            Ok((owed, reply)) => Next::Reply(side, owed, reply),
            Err(error) => Next::Broken(error),
        };
        // All that has come is heard before more is said: files that end together are followed by
        // others that are asked for together.
        for side in Side::BOTH {
            if let Some(found) = lanes.of_mut(side).heard().transpose() {
                return heard(side, found);
            }
        }
        tokio::select! {
            biased;
            () = environment.interrupt.tripped(), if !is_stopping => Next::Stop,
            found = lanes.source.next() => heard(Side::Source, found),
            found = lanes.destination.next() => heard(Side::Destination, found),
            () = environment.world.clock.sleep(limit) => Next::Silence,
        }
    }

    fn limit(&self) -> Duration {
        let limits = &self.lanes.source.conn.environment.limits;
        match self.end {
            Some(End::Stopped) => limits.abort,
            _ => limits.straggler,
        }
    }

    fn is_quiet(&self) -> bool {
        Side::BOTH
            .iter()
            .all(|side| self.lanes.of(*side).owed() == 0)
    }

    /// A final reply; the file that has all of its own comes back.
    fn hear(&mut self, side: Side, owed: Option<Owed>, reply: Reply) -> Option<Flight<J>> {
        let Owed { flight, what } = owed?;
        let flying = self.flights.get_mut(&flight)?;
        flying.waiting -= 1;
        match what {
            What::Transfer => *flying.transfers.of_mut(side) = Some(reply),
            What::Proof => *flying.proofs.of_mut(side) = Some(reply),
            What::Time => {}
        }
        if flying.waiting > 0 {
            return None;
        }
        self.flights.remove(&flight)
    }

    /// Everything has been said about a file.
    fn landed<F: Feed<Job = J>>(&mut self, flight: Flight<J>, feed: &mut F) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_sub(flight.item.size.unwrap_or(0));
        let refused = Side::BOTH.into_iter().find_map(|side| {
            let reply = flight.transfers.of(side).as_ref();
            reply
                .filter(|reply| !reply.code().is_completion())
                .map(|reply| (side, reply.clone()))
        });
        let is_void = Side::BOTH.iter().any(|side| {
            let reply = flight.transfers.of(*side).as_ref();
            reply.is_some_and(|reply| VOID.contains(&reply.code().number()))
        });
        let ended = match refused {
            _ if is_void => Ended::Unfinished,
            None => self.proved(&flight),
            Some((side, reply)) => {
                let step = match side {
                    Side::Source => "RETR",
                    Side::Destination => "STOR",
                };
                Ended::Failed(self.lanes.of(side).conn.refused(step, reply, ""))
            }
        };
        feed.ended(flight.job, ended);
        match is_void {
            true => self.stop(End::Void),
            false => Ok(()),
        }
    }

    fn proved(&self, flight: &Flight<J>) -> Ended {
        let BySide {
            source,
            destination,
        } = &self.lanes;
        let names = [source.conn.name(), destination.conn.name()];
        let said = Side::BOTH.map(|side| flight.proofs.of(side).as_ref());
        let clock = &source.conn.environment.world.clock;
        match self.proof.compare(self.prepared.verify, names, said) {
            Err(error) => Ended::Failed(error),
            Ok(None) => Ended::Unfinished,
            Ok(Some((verified, hash))) => Ended::Done(Report {
                bytes: flight.item.size,
                elapsed: clock.now().saturating_sub(flight.began),
                verified,
                hash,
                ..self.prepared.report.clone()
            }),
        }
    }

    /// No more files; both servers are told to drop what they have.
    fn stop(&mut self, end: End) -> Result<(), Error> {
        if self.end.is_none() {
            for side in Side::BOTH {
                self.lanes.of_mut(side).say(&Command::Abor, None)?;
            }
        }
        if self.end != Some(End::Stopped) {
            self.end = Some(end);
        }
        Ok(())
    }
}

/// The arrangement is void, or never was: what follows is answered 425. With 225 some answer an
/// ABOR and all before it, also what they dropped.
const VOID: [u16; 7] = [225, 425, 426, 503, 504, 521, 522];

/// RETR and a proof; STOR, MFMT and a proof.
pub(super) const COMMANDS_PER_FILE: usize = 3;

/// A window is filled again when this part of it is free.
const BATCHES: usize = 8;

/// Enough to keep any path full; what is begun beyond is only longer in doubt when it breaks.
pub(super) const WINDOW_BYTES: u64 = 64 << 20;
