//! Two scripted servers with files, a copy between them, and a diary of what happened.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{net, path};
use crate::fake::{Answer, FakeNet};
use crate::fake_site::FakeSite;
use crate::{
    Copy, Credentials, Environment, Error, Happened, Location, Options, Root, Server, Site,
    Summary, Watcher,
};

pub(super) const SITE1: &str = "9.9.9.1:21";
pub(super) const SITE2: &str = "9.9.9.2:21";
pub(super) const OURS: &str =
    "LSTN S;R;,SOCK ANY;,SIZE,MFMT,REST STREAM,MLST type*;size*;modify*;X.partial*;";
pub(super) const OTHER: &str = "SIZE,REST STREAM,MLST type*;size*;modify*;";

/// Writes down what happens, and over how many streams each file came.
#[derive(Debug, Default)]
pub(super) struct Diary(pub(super) Mutex<Vec<String>>, pub(super) Mutex<Vec<usize>>);

impl Watcher for Diary {
    fn happened(&self, event: &Happened<'_>) {
        let line = match event {
            Happened::Directory { name } => format!("made {name}"),
            Happened::Done { name, moved } => {
                self.1.lock().unwrap().push(moved.streams);
                format!("done {name} {}", moved.verified.unwrap_or("unverified"))
            }
            Happened::Started { name, offset, .. } => format!("started {name} at {offset}"),
            Happened::WouldCopy { name, .. } => format!("would copy {name}"),
            Happened::Skipped { name, .. } => format!("skipped {name}"),
            Happened::Retrying { name, after, .. } => format!("again {name} after {after:?}"),
            Happened::Failed(failed) => format!("failed {}: {}", failed.name, failed.message),
            Happened::Deleted { name } => format!("removed {name}"),
            Happened::Note(note) => format!("note {note}"),
            Happened::Progress { name, bytes, .. } => format!("progress {name} {bytes}"),
            Happened::Planned { .. } => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

pub(super) struct Stage {
    pub(super) net: FakeNet,
    pub(super) environment: Environment,
    pub(super) source: FakeSite,
    pub(super) destination: FakeSite,
    pub(super) diary: Arc<Diary>,
    pub(super) options: Options,
}

pub(super) type Odd = Box<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

pub(super) fn nothing_odd() -> Odd {
    Box::new(|_| None)
}

impl Stage {
    pub(super) fn new(features: &'static str, source: Odd, destination: Odd) -> Self {
        Self::unlike([features; 2], source, destination)
    }

    pub(super) fn unlike(features: [&'static str; 2], source: Odd, destination: Odd) -> Self {
        let [one, other] = features;
        let (net, between) = (net(), Arc::default());
        Self {
            environment: net.environment(),
            source: FakeSite::start(&net, SITE1, one, &between, source),
            destination: FakeSite::start(&net, SITE2, other, &between, destination),
            net,
            diary: Arc::default(),
            options: Options {
                recursive: true,
                ..Options::default()
            },
        }
    }

    pub(super) fn plain() -> Self {
        Self::new(OURS, nothing_odd(), nothing_odd())
    }

    pub(super) fn site(&self, address: &str) -> Site {
        let server = Server::at(address.parse().unwrap()).secured(crate::Security::ClearText);
        Site::new(
            self.environment.clone(),
            vec![server],
            Credentials::anonymous(),
        )
    }

    pub(super) async fn run(&self, from: Location, to: Location) -> Summary {
        self.run_between(SITE1, SITE2, from, to).await
    }

    pub(super) async fn run_between(
        &self,
        one: &str,
        other: &str,
        from: Location,
        to: Location,
    ) -> Summary {
        self.try_between(one, other, from, to).await.unwrap()
    }

    pub(super) async fn try_run(&self, from: Location, to: Location) -> Result<Summary, Error> {
        self.try_between(SITE1, SITE2, from, to).await
    }

    async fn try_between(
        &self,
        one: &str,
        other: &str,
        from: Location,
        to: Location,
    ) -> Result<Summary, Error> {
        let site = |location: &Location, address| match location {
            Location::Remote(_) => Some(self.site(address)),
            Location::Local(_) => None,
        };
        let copy = Copy {
            from: site(&from, one),
            to: site(&to, other),
            options: self.options.clone(),
            watcher: self.diary.clone(),
            environment: self.environment.clone(),
        };
        let roots = [Root { from, to }];
        let ended = tokio::time::timeout(Duration::from_secs(100_000), copy.run(&roots)).await;
        ended.expect("the client hangs")
    }

    pub(super) async fn tree(&self) -> Summary {
        self.run(remote("x"), remote("y")).await
    }

    pub(super) fn diary(&self) -> Vec<String> {
        self.diary.0.lock().unwrap().clone()
    }
}

pub(super) fn remote(name: &str) -> Location {
    Location::Remote(Some(path(name)))
}

pub(super) fn local(path: &Path) -> Location {
    Location::Local(path.to_owned())
}

/// Answers so, so many times, to lines that begin so.
pub(super) fn times(count: usize, prefix: &'static str, answer: Answer) -> Odd {
    let left = Mutex::new(count);
    Box::new(move |line| {
        let mut left = left.lock().unwrap();
        (line.starts_with(prefix) && *left > 0).then(|| {
            *left -= 1;
            answer.clone()
        })
    })
}
