//! A whole copy with a server, or two, that answer whatever they like whenever they like: it ends,
//! nobody else is called, nothing stays open, and what is called done is there.

mod deviation;
mod files;
mod server;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thirdhost_client::{
    Arrangement, Copy, Credentials, Environment, ExitCode, Happened, Limits, Listen, Location,
    Options, Pathname, Policy, Relay, Root, Security, Server, Site, Summary, Verify, Via, Watcher,
};
use tokio::time::{sleep, timeout};

use self::deviation::Deviations;
use self::server::Model;
use crate::Input;
use crate::net::Net;
use crate::world::{runtime, world};

pub(crate) fn run(octets: &[u8]) {
    runtime().block_on(async {
        let mut input = Input::new(octets);
        let scene = Scene::read(&mut input);
        let net = Net::new(CLIENT, 1 << 16);
        let models = Model::pair(&net, scene.features, Deviations::read(input));
        let directory = scene
            .is_download
            .then(|| tempfile::tempdir().expect("room"));
        let here = directory.as_ref().map(|directory| directory.path());
        let diary = Arc::new(Diary::default());
        let ended = scene.copy(&net, &diary, here).await;
        // Goodbyes, and whatever was told to wait for them.
        sleep(FAREWELLS).await;
        for peer in net.called() {
            assert!(SITES.contains(&peer.ip()), "{peer} was called");
        }
        assert_eq!(net.open(), 0, "sockets of the client");
        models.assert_told_nothing_of_others();
        if let Ok(summary) = ended {
            check(&scene, &summary, &diary, &models, here);
        }
    });
}

/// Done is what arrived, as long as only the source lies, and only in its replies: who stores a
/// file, or sends it, can always do so wrongly. Without verification the word of the source is all
/// there is.
fn check(scene: &Scene, summary: &Summary, diary: &Diary, models: &Model, here: Option<&Path>) {
    let code = summary.exit_code();
    assert_eq!(
        code == ExitCode::Done,
        summary.failures.is_empty() && has_done(summary)
    );
    let is_trusted = scene.options.policy.verify == Verify::None;
    if models.destination_deviates() || models.lies_in_data() || is_trusted {
        return;
    }
    for name in diary.done() {
        let expected = models.source_file(&scene.at_source(&name));
        let found = match here {
            Some(here) => std::fs::read(here.join(scene.at_destination(&name))).ok(),
            None => models.destination_file(&scene.at_destination(&name)),
        };
        assert_eq!(found, expected, "{name} is called done");
    }
}

fn has_done(summary: &Summary) -> bool {
    !summary.stopped && summary.copied + summary.directories + summary.deleted > 0
}

/// What is copied, and how.
#[derive(Debug)]
struct Scene {
    features: [&'static str; 2],
    is_download: bool,
    is_tree: bool,
    options: Options,
}

impl Scene {
    fn read(input: &mut Input<'_>) -> Self {
        let mut features = || input.pick(&FEATURES).unwrap_or_default();
        let features = [features(), features()];
        let choices = input.number();
        let bit = |at: u32| choices >> at & 1 == 1;
        let of = |at: u32, count: u64| choices >> at & 7 == count;
        let mut policy = Policy::default();
        policy.relay = if bit(0) { Relay::Last } else { Relay::Never };
        policy.listen = Listen::Auto;
        policy.via = match choices >> 4 & 7 {
            0 => Via::Only(Arrangement::Lstn),
            1 => Via::Only(Arrangement::Epsv),
            2 => Via::Only(Arrangement::Pasv),
            3 => Via::Relay,
            _ => Via::Auto,
        };
        policy.verify = if of(8, 0) { Verify::None } else { Verify::Auto };
        let mut options = Options::default();
        options.recursive = true;
        options.resume = of(12, 1);
        options.delete = of(16, 1);
        options.jobs = if bit(20) { 2 } else { 1 };
        options.retries = u32::from(bit(21));
        options.poll = bit(22);
        options.policy = policy;
        Self {
            features,
            is_download: of(24, 1),
            is_tree: bit(28),
            options,
        }
    }

    async fn copy(
        &self,
        net: &Net,
        diary: &Arc<Diary>,
        here: Option<&Path>,
    ) -> Result<Summary, thirdhost_client::Error> {
        let environment = environment(net);
        let site = |host: IpAddr| {
            let server = Server::at(SocketAddr::new(host, 21)).secured(Security::ClearText);
            Site::new(environment.clone(), vec![server], Credentials::anonymous())
        };
        let [source, destination] = SITES;
        let to = match here {
            Some(here) => Location::Local(here.join(self.at_destination(""))),
            None => remote(&self.at_destination("")),
        };
        let copy = Copy {
            from: Some(site(source)),
            to: here.is_none().then(|| site(destination)),
            options: self.options.clone(),
            watcher: diary.clone(),
            environment: environment.clone(),
        };
        let roots = [Root {
            from: remote(&self.at_source("")),
            to,
        }];
        timeout(COPY_END, copy.run(&roots))
            .await
            .expect("a copy without end")
    }

    /// Where a file is that is told by its name below the root.
    fn at_source(&self, name: &str) -> String {
        match (self.is_tree, name) {
            (false, _) => "x/a".to_owned(),
            (true, "") => "x".to_owned(),
            (true, name) => format!("x/{name}"),
        }
    }

    fn at_destination(&self, name: &str) -> String {
        match (self.is_tree, name) {
            (false, _) | (true, "") => "y".to_owned(),
            (true, name) => format!("y/{name}"),
        }
    }
}

fn environment(net: &Net) -> Environment {
    let mut limits = Limits::default();
    limits.listing_bytes = 1 << 16;
    limits.preliminary_replies = 100;
    limits.unfinished_reply_bytes = 4096;
    // Servers are asked again and again how far a file is; a day of that takes seconds.
    limits.transfer = Duration::from_secs(600);
    Environment::new(world(net)).with_limits(limits)
}

fn remote(name: &str) -> Location {
    Location::Remote(Pathname::try_from(name).ok())
}

/// The files that are called done.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn done(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Watcher for Diary {
    fn happened(&self, event: &Happened<'_>) {
        if let Happened::Done { name, .. } = event {
            let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((*name).to_owned());
        }
    }
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

/// The source and the destination.
const SITES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
];

const FEATURES: [&str; 6] = [
    "LSTN S;R;,SOCK ANY;,SIZE,MFMT,REST STREAM,MLST type*;size*;modify*;X.partial*;",
    "SIZE,REST STREAM,MLST type*;size*;modify*;",
    "",
    "SIZE,MDTM",
    "LSTN S;R;,SOCK ANY;,MODE B,PIPELINE 8,SIZE,HASH SHA-256*,MLST type*;size*;",
    "EPSV,EPRT,UTF8,SIZE,MLST",
];

/// A few hundred of the client's limits, one after the other: each of a few files may be tried in
/// each of a few ways, and wait at each of a few commands.
const COPY_END: Duration = Duration::from_secs(100_000);

const FAREWELLS: Duration = Duration::from_secs(600);
