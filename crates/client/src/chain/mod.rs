//! Small files one behind the other between two servers of which one knows no pipeline.
//!
//! Each file has a data connection of its own, so none can be taken for another. What is asked
//! about one goes out with the commands of the next:
//!
//! | to the listener | to the caller | waits for |
//! |---|---|---|
//! | `EPSV` of this file, `SOCK caller,0` | | the transfer before, at the listener |
//! | RETR or STOR | `EPRT`, STOR or RETR | the socket; the transfer before, at the caller |
//! | `EPSV` of the next file; SIZE, HASH | SIZE, HASH, MFMT | the transfer |
//! | RNFR, RNTO, SIZE, at the destination | | the proofs of both; its transfers |
//!
//! A server that leaves commands unread while it transfers, or queues them, hears all that at
//! once; any other hears nothing until its transfer is over. A name is given at rest alone: what a
//! server has queued it does also when we are gone.

mod end;
mod link;
mod socket;

use std::collections::BTreeMap;

use thirdhost_proto::third_party::{BySide, Side};

use self::end::End;
use self::link::{Link, Owed};
use crate::pipeline::{Ended, Feed, Proof};
use crate::third_party::Prepared;
use crate::{Error, Pair};

/// Moves all the files of `feed`, as the last one was moved. False where that cannot be done in
/// this way, or where it ended before the files did; the pair can be used on. `keeps` leaves
/// there what arrived of a file that failed.
///
/// # Errors
/// When a control connection breaks, or the person stops. Every file has been told of.
///
/// # Cancel safety
/// Not cancel safe: drop the pair too.
pub(crate) async fn run<F: Feed>(
    pair: &mut Pair,
    feed: &mut F,
    keeps: bool,
) -> Result<bool, Error> {
    let Some(prepared) = pair.for_chain() else {
        return Ok(false);
    };
    let (source, destination) = pair.both();
    let Some(proofs) = Proof::all_wanted(prepared.verify, source, destination) else {
        return Ok(false);
    };
    let mut chain = Chain {
        ends: BySide {
            source: End::new(source),
            destination: End::new(destination),
        },
        prepared,
        proofs,
        keeps,
        links: BTreeMap::new(),
        next: 0,
        over: None,
    };
    let moved = match chain.select() {
        Ok(()) => chain.go_on(feed).await,
        Err(error) => Err(error),
    };
    chain.finish(feed, moved)
}

struct Chain<'a, J> {
    ends: BySide<End<'a>>,
    prepared: Prepared,
    proofs: Vec<Proof>,
    keeps: bool,
    /// The files under way, the oldest first.
    links: BTreeMap<u64, Link<J>>,
    next: u64,
    /// Why no more files are begun.
    over: Option<Over>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Over {
    /// A file failed.
    Failed,
    /// The person stops.
    Stopped,
}

enum Next {
    Reply(Side, Option<Owed>, thirdhost_wire::Reply),
    Broken(Error),
    Stop,
    Silence,
}

impl<J: Send> Chain<'_, J> {
    /// The hash that is wanted.
    fn select(&mut self) -> Result<(), Error> {
        for side in Side::BOTH {
            let lane = &mut self.ends.of_mut(side).lane;
            for proof in &self.proofs {
                if let Some(command) = proof.selection(lane.conn) {
                    lane.say(&command, None)?;
                }
            }
        }
        Ok(())
    }

    async fn go_on<F: Feed<Job = J>>(&mut self, feed: &mut F) -> Result<bool, Error> {
        loop {
            if self.links.is_empty() {
                self.arrange_next(feed)?;
            }
            let is_quiet = Side::BOTH.iter().all(|side| self.ends.of(*side).is_quiet());
            if self.links.is_empty() && is_quiet {
                return match self.over {
                    Some(Over::Stopped) => Err(self.ends.source.lane.conn.stop_wanted()),
                    Some(Over::Failed) => Ok(false),
                    None => Ok(true),
                };
            }
            match self.happens().await {
                Next::Reply(side, owed, reply) => {
                    if let Some(owed) = owed {
                        self.hear(side, owed, reply, feed)?;
                    }
                }
                Next::Stop => self.stop(Over::Stopped, feed)?,
                Next::Broken(error) => return Err(error),
                Next::Silence => {
                    let owes = |side: &Side| self.ends.of(*side).lane.owed() > 0;
                    let side = Side::BOTH.into_iter().find(owes).unwrap_or(Side::Source);
                    let limit = self.limit();
                    return Err(self.ends.of_mut(side).lane.conn.silent(limit));
                }
            }
        }
    }

    async fn happens(&mut self) -> Next {
        let environment = self.ends.source.lane.conn.environment.clone();
        let limit = self.limit();
        let is_stopping = self.over == Some(Over::Stopped);
        let BySide {
            source,
            destination,
        } = &mut self.ends;
        let heard = |side, found: Result<_, Error>| match found {
            Ok((owed, reply)) => Next::Reply(side, owed, reply),
            Err(error) => Next::Broken(error),
        };
        tokio::select! {
            biased;
            () = environment.interrupt.tripped(), if !is_stopping => Next::Stop,
            found = source.lane.next() => heard(Side::Source, found),
            found = destination.lane.next() => heard(Side::Destination, found),
            () = environment.world.clock.sleep(limit) => Next::Silence,
        }
    }

    fn limit(&self) -> std::time::Duration {
        let limits = &self.ends.source.lane.conn.environment.limits;
        match self.over {
            // Who waits for a data connection may not hear ABOR; a new login is sooner done.
            Some(_) => limits.abort,
            None => limits.straggler,
        }
    }

    /// Whatever is left under way is told of; connections that broke are given up.
    fn finish<F: Feed<Job = J>>(
        mut self,
        feed: &mut F,
        moved: Result<bool, Error>,
    ) -> Result<bool, Error> {
        while let Some((_, link)) = self.links.pop_first() {
            feed.ended(link.job, Ended::Unfinished);
        }
        if moved.is_err() {
            // What the other still owes would be taken for answers to something else.
            self.ends.source.lane.conn.abandon();
            self.ends.destination.lane.conn.abandon();
        }
        moved
    }

    /// No more files; a server that transfers what cannot arrive is told to stop.
    fn stop<F: Feed<Job = J>>(&mut self, over: Over, feed: &mut F) -> Result<(), Error> {
        let was_over = self.over.is_some();
        if self.over != Some(Over::Stopped) {
            self.over = Some(over);
        }
        if was_over {
            return Ok(());
        }
        for side in Side::BOTH {
            self.ends.of_mut(side).abort()?;
        }
        let idle: Vec<u64> = self
            .links
            .iter()
            .filter(|(_, link)| link.waiting == 0)
            .map(at)
            .collect();
        for number in idle {
            self.advance(number, feed)?;
        }
        Ok(())
    }
}

fn at<J>((number, _): (&u64, &Link<J>)) -> u64 {
    *number
}
