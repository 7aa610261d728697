//! The binary thirdhost, one file over several connections at once: whole or not at all.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::copying::Copying;
use crate::support::patience::{until, until_true};
use crate::support::thirdhostd::{Thirdhostd, alice};

/// Two servers with one user each.
struct Scene {
    source: Server,
    destination: Server,
    copying: Copying,
}

struct Server {
    /// None once it is dead.
    daemon: Option<Thirdhostd>,
    /// What leads its users there, if not they themselves.
    wires: Option<SocketAddr>,
    root: TempDir,
    config: TempDir,
}

const OLD: &[u8] = b"the old file";

#[test]
fn a_file_over_two_three_and_four_streams_is_the_same_file() {
    for uploads in ["whole", "resumable"] {
        let scene = Scene::with("", &format!("uploads = \"{uploads}\"\n"), "");
        scene.source.put("f", &octets(5 << 20));
        for (streams, expected) in [("1", 1), ("2", 2), ("3", 3), ("4", 4), ("16", 5)] {
            scene.destination.put("g", OLD);
            let mut client = scene.client(&["--json", "--streams", streams]);
            let ended = client.wait().unwrap();
            assert!(ended.success(), "{}", scene.told());
            assert!(scene.destination.read("g") == octets(5 << 20), "{streams}");
            let done = scene.event("done");
            for words in [
                format!("\"streams\":{expected},"),
                format!("\"bytes\":{},", 5 << 20),
                "\"verified\":\"SHA-512\"".to_owned(),
                "\"way\":\"direct\"".to_owned(),
            ] {
                assert!(done.contains(&words), "{words}: {done}");
            }
            assert_eq!(scene.destination.names(), ["g"]);
        }
    }
}

/// A server that lets each transfer have a megabyte a second sends four in four streams; what is
/// told on the way is the sum of them.
#[test]
fn streams_are_told_as_one_file_and_its_name_shows_the_old_one_until_the_end() {
    let scene = Scene::slow();
    let file = octets(SLOW_BYTES);
    let mut client = scene.client(&["--json", "--streams", "4"]);
    until("the end of the copy", || {
        let found = scene.destination.read("g");
        assert!(found == OLD || found == file, "{} bytes", found.len());
        client.try_wait().unwrap()
    });
    assert!(client.wait().unwrap().success(), "{}", scene.told());
    assert!(scene.destination.read("g") == file);
    let mut last = 0;
    let told = scene.told();
    for line in told.lines().filter(|line| line.contains("\"progress\"")) {
        let (_, rest) = line.split_once("\"bytes\":").unwrap();
        let (bytes, _) = rest.split_once(',').unwrap();
        let bytes: usize = bytes.parse().unwrap();
        assert!((last..=SLOW_BYTES).contains(&bytes), "{told}");
        last = bytes;
    }
    // Asked after two seconds: one stream would have had two megabytes.
    assert!(last > SLOW_BYTES / 2, "{told}");
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Blow {
    SourceDies,
    DestinationDies,
    UserDies,
    /// As Ctrl-C does.
    UserStops,
    /// The last part is not there any more, so that one pair fails and the others do not.
    SourceIsCut,
    /// The same length, other bytes, as the time of change tells.
    SourceIsChanged,
}

#[test]
fn a_source_that_dies_leaves_the_old_file() {
    check(Blow::SourceDies, &[5]);
}

#[test]
fn a_destination_that_dies_leaves_the_old_file() {
    check(Blow::DestinationDies, &[5]);
}

#[test]
fn a_user_who_dies_leaves_the_old_file() {
    check(Blow::UserDies, &[]);
}

#[test]
fn a_user_who_stops_leaves_the_old_file() {
    check(Blow::UserStops, &[130]);
}

#[test]
fn one_pair_that_fails_stops_the_others_and_leaves_the_old_file() {
    check(Blow::SourceIsCut, &[5, 6]);
}

#[test]
fn a_source_that_is_changed_meanwhile_leaves_the_old_file() {
    check(Blow::SourceIsChanged, &[10]);
}

/// In the middle of four streams. The end has one of `codes`; then the file is copied anew.
fn check(blow: Blow, codes: &[i32]) {
    let mut scene = Scene::slow();
    let mut client = scene.client(&["--json", "--streams", "4", "--retries", "0"]);
    until_true("four parts under way", || {
        scene.destination.arrived() > 2 << 20
    });
    let file = scene.source.root.path().join("f");
    match blow {
        Blow::SourceDies => scene.source.daemon = None,
        Blow::DestinationDies => scene.destination.daemon = None,
        Blow::UserDies => client.kill().unwrap(),
        Blow::UserStops => {
            let pid = rustix::process::Pid::from_child(&client);
            rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        }
        Blow::SourceIsCut => {
            let file = fs::OpenOptions::new().write(true).open(file).unwrap();
            file.set_len(SLOW_BYTES as u64 - (1 << 20)).unwrap();
        }
        Blow::SourceIsChanged => {
            let earlier = SystemTime::now() - Duration::from_secs(100);
            let file = fs::OpenOptions::new().write(true).open(file).unwrap();
            file.set_modified(earlier).unwrap();
        }
    }
    let ended = until("the end of the copy", || client.try_wait().unwrap());
    if let Some(code) = ended.code() {
        assert!(codes.contains(&code), "{code}: {}", scene.told());
    } else {
        assert_eq!(blow, Blow::UserDies);
    }
    assert!(!scene.told().contains("\"done\""), "{}", scene.told());
    assert_eq!(scene.destination.read("g"), OLD);
    if blow != Blow::DestinationDies {
        // No temporary either, and nobody is there any more.
        until_true("nothing but the file", || {
            scene.destination.names() == ["g"]
        });
    }

    scene.source.put("f", &octets(3 << 20));
    scene.live();
    let mut again = scene.client(&["--streams", "4", "--continue"]);
    assert!(again.wait().unwrap().success(), "{}", scene.told());
    assert!(scene.destination.read("g") == octets(3 << 20));
}

/// One session of several dies, and with it its part or the whole: the copy itself begins anew,
/// and is told to be done when it is.
#[test]
fn a_session_that_dies_in_the_middle_costs_a_second_attempt_and_no_byte() {
    for (server, last_said) in [
        ("source", "RETR"),
        ("destination", "SITE PARTS OPEN"),
        ("destination", "SITE PARTS JOIN"),
    ] {
        let mut scene = Scene::slow();
        let end = match server {
            "source" => &mut scene.source,
            _ => &mut scene.destination,
        };
        let wires = end.behind_wires();
        let mut client = scene.client(&["--json", "--streams", "4"]);
        until_true("four parts under way", || {
            scene.destination.arrived() > 2 << 20
        });
        wires.cut(last_said);
        let file = octets(SLOW_BYTES);
        let ended = until("the end of the copy", || {
            let found = scene.destination.read("g");
            assert!(found == OLD || found == file, "{} bytes", found.len());
            client.try_wait().unwrap()
        });
        let told = scene.told();
        assert!(ended.success(), "{server} {last_said}: {told}");
        assert!(scene.destination.read("g") == file, "{server} {last_said}");
        let again = told.matches("\"event\":\"retrying\"").count();
        assert_eq!(again, 1, "{server} {last_said}: {told}");
        let done = scene.event("done");
        assert!(done.contains("\"streams\":4,"), "{done}");
        until_true("nothing but the file", || {
            scene.destination.names() == ["g"]
        });
    }
}

/// Nothing was kept, and nothing is taken for a part of it that is none.
#[test]
fn a_user_who_dies_goes_on_with_the_same_file_and_has_all_of_it() {
    let scene = Scene::slow();
    let mut client = scene.client(&["--streams", "4"]);
    until_true("four parts under way", || {
        scene.destination.arrived() > 2 << 20
    });
    client.kill().unwrap();
    client.wait().unwrap();
    let mut again = scene.client(&["--json", "--streams", "4", "--continue"]);
    let ended = until("the end of the copy", || again.try_wait().unwrap());
    assert!(ended.success(), "{}", scene.told());
    assert!(scene.destination.read("g") == octets(SLOW_BYTES));
    until_true("nothing but the file", || {
        scene.destination.names() == ["g"]
    });
}

#[test]
fn fewer_streams_are_used_where_fewer_sessions_are_let_in() {
    for (sessions, expected) in [(3, 3), (1, 1)] {
        let scene = Scene::with("", "", &format!("sessions = {sessions}\n"));
        scene.source.put("f", &octets(5 << 20));
        let mut client = scene.client(&["--json", "--streams", "4"]);
        assert!(client.wait().unwrap().success(), "{}", scene.told());
        let done = scene.event("done");
        assert!(done.contains(&format!("\"streams\":{expected},")), "{done}");
        let note = scene.event("note");
        let said = format!("f: {expected} of 4 streams, no more connections");
        assert!(note.contains(&said), "{note}");
        assert!(scene.destination.read("g") == octets(5 << 20));
    }
}

#[test]
fn what_the_destination_does_not_take_is_refused_as_over_one_stream() {
    for (rule, code) in [
        ("max_file_size = \"4M\"\n", 6),
        ("quota = \"4M\"\n", 5),
        ("", 0),
    ] {
        let scene = Scene::with("", "", rule);
        scene.source.put("f", &octets(5 << 20));
        scene.destination.put("g", OLD);
        let mut client = scene.client(&["--streams", "4", "--retries", "0"]);
        let ended = client.wait().unwrap();
        assert_eq!(ended.code(), Some(code), "{rule}: {}", scene.told());
        if code != 0 {
            assert_eq!(scene.destination.read("g"), OLD);
        }
        assert_eq!(scene.destination.names(), ["g"], "{rule}");
    }
}

/// Small files and pieces go as they always went, and no word is lost about them.
#[test]
fn what_is_small_goes_over_one_stream() {
    let scene = Scene::with("", "", "");
    for size in [0, 1, (2 << 20) - 1] {
        scene.source.put("f", &octets(size));
        let mut client = scene.client(&["--json", "--streams", "4"]);
        assert!(client.wait().unwrap().success(), "{}", scene.told());
        assert!(scene.event("done").contains("\"streams\":1,"));
        assert!(!scene.told().contains("note"), "{}", scene.told());
        assert!(scene.destination.read("g") == octets(size));
    }
}

impl Scene {
    /// With lines for the source's user, for the destination, and for the destination's user.
    fn with(source_user: &str, destination: &str, destination_user: &str) -> Self {
        Self {
            source: Server::at("127.0.0.2", "", source_user),
            destination: Server::at("127.0.0.3", destination, destination_user),
            copying: Copying::new(),
        }
    }

    /// Each transfer takes three seconds, and more if it is not one of four.
    fn slow() -> Self {
        let scene = Self::with("rate_per_transfer = { send = \"1M\" }\n", "", "");
        scene.source.put("f", &octets(SLOW_BYTES));
        scene.destination.put("g", OLD);
        scene
    }

    fn live(&mut self) {
        self.source.live();
        self.destination.live();
    }

    fn client(&self, options: &[&str]) -> Child {
        let (from, to) = (self.source.place("f"), self.destination.place("g"));
        self.copying.begin(&[options, &[&from, &to]].concat())
    }

    fn told(&self) -> String {
        self.copying.told()
    }

    fn event(&self, name: &str) -> String {
        self.copying.event(name)
    }
}

impl Server {
    fn at(host: &str, top: &str, user: &str) -> Self {
        let (root, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = format!("{top}{}{user}", alice(host, root.path()));
        fs::write(config.path().join("thirdhostd.toml"), text).unwrap();
        let mut server = Self {
            daemon: None,
            wires: None,
            root,
            config,
        };
        server.live();
        server
    }

    fn live(&mut self) {
        let file = self.config.path().join("thirdhostd.toml");
        self.daemon
            .get_or_insert_with(|| Thirdhostd::start(&[PathBuf::from("--config"), file]));
    }

    fn place(&self, name: &str) -> String {
        let address = self.daemon.as_ref().unwrap().address;
        let address = self.wires.unwrap_or(address);
        format!("ftp://alice@{address}/{name}")
    }

    /// From here on its users reach it over wires that can be cut.
    fn behind_wires(&mut self) -> Wires {
        let wires = Wires::to(self.daemon.as_ref().unwrap().address);
        self.wires = Some(wires.address);
        wires
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.root.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.root.path().join(name)).unwrap()
    }

    /// All names that are there, hidden ones too.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// How many bytes of what is hidden are on the disk: a file of parts has holes.
    fn arrived(&self) -> u64 {
        use std::os::unix::fs::MetadataExt as _;
        let hidden = self
            .names()
            .into_iter()
            .filter(|name| name.starts_with('.'));
        let blocks = hidden.filter_map(|name| fs::metadata(self.root.path().join(name)).ok());
        blocks.map(|found| found.blocks() * 512).sum()
    }
}

/// Control connections that pass through here, at the host of their server.
struct Wires {
    address: SocketAddr,
    all: Arc<Mutex<Vec<Wire>>>,
}

struct Wire {
    ends: [TcpStream; 2],
    /// What the user has said.
    said: Arc<Mutex<Vec<u8>>>,
}

impl Wires {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((server.ip(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let all = Arc::<Mutex<Vec<Wire>>>::default();
        let wires = Arc::clone(&all);
        // It ends with the process.
        thread::spawn(move || {
            for user in listener.incoming() {
                let (user, server) = (user.unwrap(), TcpStream::connect(server).unwrap());
                let clone = |end: &TcpStream| end.try_clone().unwrap();
                let said = Arc::<Mutex<Vec<u8>>>::default();
                pass(clone(&user), clone(&server), Arc::clone(&said));
                pass(clone(&server), clone(&user), Arc::default());
                let ends = [user, server];
                wires.lock().unwrap().push(Wire { ends, said });
            }
        });
        Self { address, all }
    }

    /// Cuts the last one over which a user has said `words`.
    fn cut(&self, words: &str) {
        let all = self.all.lock().unwrap();
        let has_said = |wire: &&Wire| {
            let said = wire.said.lock().unwrap();
            String::from_utf8_lossy(&said).contains(words)
        };
        let wire = all.iter().rev().find(has_said).unwrap();
        for end in &wire.ends {
            // The other one may have been quicker to close it.
            end.shutdown(Shutdown::Both).ok();
        }
    }
}

/// Passes on what comes, and writes it down.
fn pass(mut from: TcpStream, mut to: TcpStream, said: Arc<Mutex<Vec<u8>>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let (read, _) = buffer.split_at(read);
            said.lock().unwrap().extend_from_slice(read);
            if to.write_all(read).is_err() {
                break;
            }
        }
        // The other direction may have ended both already.
        to.shutdown(Shutdown::Write).ok();
    });
}

/// No two blocks are alike.
fn octets(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251 + (at >> 12)) as u8).collect()
}

/// Four streams of a megabyte a second have it in three seconds.
const SLOW_BYTES: usize = 12 << 20;
