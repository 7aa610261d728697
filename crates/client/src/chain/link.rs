//! One file of a chain, from the socket it gets to the name it has in the end.

use std::time::Duration;

use thirdhost_proto::third_party::{Arrangement, BySide, Side};
use thirdhost_wire::{Command, EprtArgument, HostSocket, Reply, TimeVal, data_socket, file_size};

use super::{Chain, Over};
use crate::pipeline::{Ended, Feed, Item, is_dropped};
use crate::told::Caller;
use crate::{Environment, Error, Report};

pub(super) struct Link<J> {
    pub(super) job: J,
    pub(super) item: Item,
    pub(super) stage: Stage,
    /// How many replies are to come in this stage.
    pub(super) waiting: usize,
    began: Duration,
    /// Where the listener listens for it.
    told: Option<HostSocket>,
    /// How often another socket was asked for.
    asked_again: u32,
    /// The server that was told to call there.
    caller: Option<Caller>,
    /// Something that had to be granted was not.
    is_refused: bool,
    /// One for each proof.
    proofs: BySide<Vec<Reply>>,
    report: Option<Report>,
    settled: Option<Reply>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// The listener is asked for a socket.
    Arranging,
    /// It moves, and is asked about.
    Moving,
    /// It gets its own name.
    Naming,
}

/// What a reply is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    number: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    Socket,
    Pin,
    Call,
    Transfer,
    Proof,
    Time,
    OldName,
    NewName,
    Settled,
}

impl<J: Send> Chain<'_, J> {
    /// Asks the listener for a socket for the next file.
    pub(super) fn arrange_next<F: Feed<Job = J>>(&mut self, feed: &mut F) -> Result<(), Error> {
        while self.over.is_none()
            && let Some((job, item)) = feed.next()
        {
            if let Err(error) = self.check_names(&item) {
                feed.ended(job, Ended::Failed(error));
                continue;
            }
            let number = self.next;
            self.next += 1;
            let waiting = self.ask_socket(number)?;
            let began = self.environment().world.clock.now();
            self.links
                .insert(number, Link::new(job, item, waiting, began));
            return Ok(());
        }
        Ok(())
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.ends.source.lane.conn.environment
    }

    fn check_names(&self, item: &Item) -> Result<(), Error> {
        let BySide {
            source,
            destination,
        } = &self.ends;
        source
            .lane
            .conn
            .check_octets(item.from.as_str().as_bytes())?;
        destination
            .lane
            .conn
            .check_octets(item.to.as_str().as_bytes())
    }

    /// A final reply.
    pub(super) fn hear<F: Feed<Job = J>>(
        &mut self,
        side: Side,
        owed: Owed,
        reply: Reply,
        feed: &mut F,
    ) -> Result<(), Error> {
        let Owed { number, what } = owed;
        if what == What::Transfer {
            self.ends.of_mut(side).transferred()?;
        }
        let told = match what {
            What::Socket => self.socket(&reply),
            _ => None,
        };
        let is_in_use = told.is_some_and(|told| self.may_be_called(told));
        let is_caller = side == self.prepared.plan.connector();
        let asks_again = is_in_use && self.over.is_none();
        let Some(link) = self.links.get_mut(&number) else {
            return Ok(());
        };
        link.waiting -= 1;
        if asks_again && link.asked_again < ASKED_AGAIN_MAX {
            link.asked_again += 1;
            link.told = told;
            let waiting = self.ask_socket(number)?;
            if let Some(link) = self.links.get_mut(&number) {
                link.waiting += waiting;
            }
            return Ok(());
        }
        let code = reply.code();
        let is_granted = match what {
            What::Socket => code.is_completion() && told.is_some() && !is_in_use,
            // Old servers say 200 here (spec A-5); a number, if told, is the listening one.
            What::Pin => {
                let port = link.told.map(HostSocket::port);
                let told = data_socket(&reply).ok();
                code.is_completion() && told.is_none_or(|told| Some(told) == port)
            }
            // 225 to ABOR answers all before it, whatever became of that.
            What::Call | What::Transfer | What::NewName => {
                code.is_completion() && !is_dropped(&reply)
            }
            What::OldName => code.is_intermediate(),
            What::Proof | What::Time | What::Settled => true,
        };
        match what {
            What::Socket => link.told = told,
            // Done at the listener, it was called; failed there, it may yet be.
            What::Transfer if is_granted || is_caller => link.answered(is_granted),
            What::Proof => link.proofs.of_mut(side).push(reply),
            What::Settled => link.settled = Some(reply),
            _ => {}
        }
        link.is_refused |= !is_granted;
        if what == What::Call {
            let end = self.ends.of_mut(side);
            if is_granted && self.over.is_none() {
                end.release()?;
            } else if end.drop_held()? {
                link.waiting -= 1;
                link.is_refused = true;
                link.answered(false);
            }
        }
        let is_answered = link.waiting == 0;
        if !is_granted {
            self.stop(Over::Failed, feed)?;
        }
        if is_answered {
            self.advance(number, feed)?;
        }
        if what == What::Transfer {
            self.start_next(feed)?;
        }
        Ok(())
    }

    /// All is said of a file in its stage: the next one.
    pub(super) fn advance<F: Feed<Job = J>>(
        &mut self,
        number: u64,
        feed: &mut F,
    ) -> Result<(), Error> {
        let Some(link) = self.links.get(&number) else {
            return Ok(());
        };
        let ended = match link.stage {
            Stage::Arranging if self.over.is_some() => Ended::Unfinished,
            Stage::Arranging => return self.start_next(feed),
            _ if link.is_refused => Ended::Unfinished,
            Stage::Moving => match self.proved(link) {
                Ended::Done(report) if link.item.aside.is_some() => {
                    return self.rename(number, report);
                }
                ended => ended,
            },
            Stage::Naming => self.settled(link),
        };
        let Some(link) = self.links.remove(&number) else {
            return Ok(());
        };
        let is_left = link.stage != Stage::Arranging && !matches!(ended, Ended::Done(_));
        if let Some(aside) = link.item.aside.filter(|_| is_left && !self.keeps) {
            let gone = Owed::new(number, What::Time);
            self.ends.destination.tell(Command::Dele(aside), gone)?;
        }
        feed.ended(link.job, ended);
        Ok(())
    }

    /// The oldest file that has its socket and has not begun, if the caller is free.
    fn start_next<F: Feed<Job = J>>(&mut self, feed: &mut F) -> Result<(), Error> {
        let plan = &self.prepared.plan;
        let (listener, caller) = (plan.listener, plan.connector());
        let is_next = |link: &&mut Link<J>| link.stage == Stage::Arranging && link.waiting == 0;
        let is_overdue = self.ends.destination.is_overdue();
        let is_free = self.over.is_none() && self.ends.of(caller).is_free() && !is_overdue;
        let environment = self.environment().clone();
        let mut links = self.links.iter_mut().map(|(number, link)| (*number, link));
        let found = links.find(|(_, link)| is_next(link)).filter(|_| is_free);
        let Some((number, link)) = found else {
            return Ok(());
        };
        let Some(told) = link.told else {
            return Ok(());
        };
        let call = match plan.arrangement {
            Arrangement::Pasv => Command::Port(told),
            _ => Command::Eprt(EprtArgument::Socket(told)),
        };
        let to = link.item.aside.as_ref().unwrap_or(&link.item.to).clone();
        let commands = BySide {
            source: Command::Retr(link.item.from.clone()),
            destination: Command::Stor(to.clone()),
        };
        let from = link.item.from.clone();
        link.stage = Stage::Moving;
        link.waiting = 3;
        link.caller = Some(Caller::new(&environment, told));
        let modified = link.item.modified;
        let transfer = Owed::new(number, What::Transfer);
        self.ends
            .of_mut(listener)
            .transfer(commands.of(listener), transfer)?;
        let end = self.ends.of_mut(caller);
        end.lane.say(&call, Some(Owed::new(number, What::Call)))?;
        match caller == Side::Source && end.lane.conn.product().sends_only_when_connected() {
            true => end.hold(commands.of(caller), transfer),
            false => end.transfer(commands.of(caller), transfer)?,
        }
        // Before the questions, so that they hold nothing up.
        self.arrange_next(feed)?;
        let has_mfmt = self.ends.destination.lane.conn.features().has("MFMT");
        let time = modified.filter(|_| has_mfmt).map(|modified| Command::Mfmt {
            modified: TimeVal::from_unix(modified.unix_seconds(), 0).unwrap_or(modified),
            name: to.clone(),
        });
        let mut asked = 0;
        if let Some(time) = time {
            self.ends
                .destination
                .tell(time, Owed::new(number, What::Time))?;
            asked += 1;
        }
        for (side, path) in [(Side::Source, &from), (Side::Destination, &to)] {
            for question in self.proofs.iter().filter_map(|proof| proof.question(path)) {
                self.ends
                    .of_mut(side)
                    .tell(question, Owed::new(number, What::Proof))?;
                asked += 1;
            }
        }
        if let Some(link) = self.links.get_mut(&number) {
            link.waiting += asked;
        }
        Ok(())
    }

    /// Whether what arrived is what was sent.
    fn proved(&self, link: &Link<J>) -> Ended {
        let BySide {
            source,
            destination,
        } = &self.ends;
        let names = [source.lane.conn.name(), destination.lane.conn.name()];
        let clock = &source.lane.conn.environment.world.clock;
        let mut report = Report {
            bytes: link.item.size,
            elapsed: clock.now().saturating_sub(link.began),
            ..self.prepared.report.clone()
        };
        for (at, proof) in self.proofs.iter().enumerate() {
            let said = Side::BOTH.map(|side| link.proofs.of(side).get(at));
            match proof.compare(self.prepared.verify, names, said) {
                Err(error) => return Ended::Failed(error),
                Ok(None) => return Ended::Unfinished,
                Ok(Some((has_size, hash))) => {
                    report.verified |= has_size;
                    report.hash = report.hash.or(hash);
                    let told = said.first().copied().flatten();
                    let told = told.and_then(|reply| file_size(reply).ok());
                    report.bytes = told.filter(|_| has_size).or(report.bytes);
                }
            }
        }
        Ended::Done(report)
    }

    /// It is whole, and gets its own name.
    fn rename(&mut self, number: u64, report: Report) -> Result<(), Error> {
        let Some(link) = self.links.get_mut(&number) else {
            return Ok(());
        };
        let Some(aside) = link.item.aside.clone() else {
            return Ok(());
        };
        let to = link.item.to.clone();
        let is_sized = report.verified.then(|| Command::Size(to.clone()));
        link.stage = Stage::Naming;
        link.waiting = 2 + usize::from(is_sized.is_some());
        link.report = Some(report);
        let destination = &mut self.ends.destination;
        destination.tell_at_rest(Command::Rnfr(aside), Owed::new(number, What::OldName))?;
        destination.tell_at_rest(Command::Rnto(to), Owed::new(number, What::NewName))?;
        if let Some(size) = is_sized {
            destination.tell_at_rest(size, Owed::new(number, What::Settled))?;
        }
        Ok(())
    }

    /// What was verified under another name must now be there under its own.
    fn settled(&self, link: &Link<J>) -> Ended {
        let Some(report) = link.report.clone() else {
            return Ended::Unfinished;
        };
        let found = link.settled.as_ref().map(|reply| file_size(reply).ok());
        match (found, report.bytes) {
            (Some(found), Some(expected)) if found != Some(expected) => {
                Ended::Failed(Error::Verification {
                    server: self.ends.destination.lane.conn.name().to_owned(),
                    expected,
                    found: found.unwrap_or(0),
                })
            }
            _ => Ended::Done(report),
        }
    }
}

impl Owed {
    pub(super) fn new(number: u64, what: What) -> Self {
        Self { number, what }
    }
}

impl<J> Link<J> {
    fn new(job: J, item: Item, waiting: usize, began: Duration) -> Self {
        Self {
            job,
            item,
            stage: Stage::Arranging,
            waiting,
            began,
            told: None,
            asked_again: 0,
            caller: None,
            is_refused: false,
            proofs: BySide::default(),
            report: None,
            settled: None,
        }
    }

    /// The server that was told to call does not call any more.
    fn answered(&mut self, is_done: bool) {
        if let Some(caller) = self.caller.take() {
            caller.answered(is_done);
        }
    }
}

/// As often another socket is asked for at once; then the files go one at a time, which has the
/// patience to wait.
const ASKED_AGAIN_MAX: u32 = 8;
