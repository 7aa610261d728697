//! The bounce once more, counted by a kernel: the real server alone in a host of a lab, where
//! every packet and every call of its own is seen. RFC 2577 section 3, spec S-1 to S-4. Every
//! kind of target and grant, counted in the process: `bounce.rs`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use thirdhost_lab::{Host, Lab, Options, is_required, missing};

use crate::support::patience::until_true;
use crate::support::site::SECRET;
use crate::support::thirdhostd::{self, Thirdhostd};
use crate::support::user::User;

//= security#S-1
//= type=test
//= security#S-2
//= type=test
//= security#S-3
//= type=test
//= security#S-4
//= type=test
#[test]
fn no_packet_leaves_the_kernel_for_whom_the_grant_does_not_name() {
    if let Some(missing) = missing() {
        assert!(!is_required(), "{missing}");
        println!("left out: {missing}");
        return;
    }
    let scene = Scene::set();
    for (name, targets) in REFUSED {
        let mut user = scene.user(name);
        for target in targets {
            for line in lines(target) {
                let before = scene.counted();
                user.send(&line);
                let told = user.reply();
                assert_eq!(told.code / 100, 5, "{name}: {line}: {}", told.raw);
                user.ask("RETR there", 425);
                user.ask("STOR new", 425);
                assert_eq!(scene.counted(), before, "{name}: {line}");
            }
        }
    }
    // What is granted leaves, so whatever else had left would have been counted.
    let mut user = scene.user("alice");
    for line in lines("10.77.0.3,5000") {
        let before = scene.counted();
        user.send(&line);
        assert_eq!(user.reply().code / 100, 2, "{line}");
        let named = scene.counted();
        assert_eq!(named, before, "{line}: called too early");
        user.ask("RETR there", 150);
        until_true("a call, and a packet to b", || {
            let [calls, datagrams, packets] = scene.counted();
            calls > named[0] && packets > named[2] && datagrams == named[1]
        });
        user.send("ABOR");
        while user.reply().code != 226 {}
    }
}

/// A server in host a; everybody else would be reached through its network.
struct Scene {
    lab: Lab,
    daemon: Thirdhostd,
    _directory: tempfile::TempDir,
}

impl Scene {
    fn set() -> Self {
        // Built before: what cargo asks of a network is not to be counted.
        thirdhostd::program();
        let lab = Lab::up(&Options::default()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("there"), "bytes").unwrap();
        let file = directory.path().join("thirdhostd.toml");
        fs::write(&file, configuration(&root)).unwrap();
        let begin = || {
            let mut route = Command::new("ip");
            route.args(["route", "add", "default", "dev", "wan0"]);
            assert!(route.status().unwrap().success());
            Thirdhostd::start(&[Path::new("--config"), &file])
        };
        Self {
            daemon: lab.within(Host::A, begin).unwrap(),
            lab,
            _directory: directory,
        }
    }

    fn user(&self, name: &str) -> User {
        let (host, server) = (Host::User.address().to_string(), self.daemon.address);
        let call = || {
            let mut user = User::greeted(&host, server);
            user.log_in(name);
            user.ask("TYPE I", 200);
            user
        };
        self.lab.within(Host::User, call).unwrap()
    }

    /// TCP connections and UDP datagrams that began in the server's host, to wherever; packets
    /// that came from there to b.
    fn counted(&self) -> [u64; 3] {
        let counters = || fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
        let counters = self.lab.within(Host::A, counters).unwrap();
        let counts = self.lab.counts().unwrap();
        [
            counter(&counters, "Tcp:", "ActiveOpens"),
            counter(&counters, "Udp:", "OutDatagrams"),
            counts.path(Host::A, Host::B).packets,
        ]
    }
}

/// A line of names, then one of values.
fn counter(counters: &str, protocol: &str, name: &str) -> u64 {
    let mut lines = counters.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut both = names.split(' ').zip(values.split(' '));
    let (_, value) = both.find(|(found, _)| *found == name).unwrap();
    value.parse().unwrap()
}

/// A host and a port in every command that names one.
fn lines(target: &str) -> Vec<String> {
    let (host, port) = target.rsplit_once(',').unwrap();
    let port: u16 = port.parse().unwrap();
    let family = if host.contains(':') { 2 } else { 1 };
    let bare = host.trim_matches(['[', ']']);
    let mut lines = vec![
        format!("SOCK {host},{port}"),
        format!("EPRT |{family}|{bare}|{port}|"),
    ];
    if family == 1 {
        let dotted = host.replace('.', ",");
        lines.push(format!("PORT {dotted},{},{}", port >> 8, port & 255));
    }
    lines
}

fn configuration(root: &Path) -> String {
    let at = SocketAddr::from((Host::A.address(), 0));
    let user = |name: &str, networks: &str| {
        format!(
            "[[user]]\nname = \"{name}\"\npassword = \"{SECRET}\"\nhome = \".\"\n\
             permissions = [\"read\", \"write\"]\n\
             third_party = {{ send_to = [{networks}], receive_from = [{networks}] }}\n"
        )
    };
    let root = root.display();
    let mut text =
        format!("listen = [\"{at}\"]\nroot = \"{root}\"\n[tls]\nrequire = \"nothing\"\n");
    text.push_str(&user("nobody", ""));
    text.push_str(&user("everywhere", "\"0.0.0.0/0\", \"::/0\""));
    text.push_str(&user("alice", "\"10.77.0.0/24\""));
    text
}

/// For whom nothing may leave, by user: others, the server itself, services of the user's host,
/// and places that are nobody's.
const REFUSED: [(&str, &[&str]); 3] = [
    (
        "nobody",
        &[
            "10.77.0.3,5000",
            "10.77.0.2,5000",
            "10.77.0.1,22",
            "8.8.8.8,5000",
            "8.8.8.8,53",
            "127.0.0.1,5000",
            "127.0.0.2,22",
            "169.254.169.254,5000",
            "192.168.1.1,5000",
            "224.0.0.1,5000",
            "255.255.255.255,5000",
            "0.0.0.0,5000",
            "[::ffff:8.8.8.8],5000",
            "[::ffff:127.0.0.1],5000",
            "[::1],5000",
            "[2001:db8::7],5000",
            "[fe80::1],5000",
        ],
    ),
    (
        "everywhere",
        &[
            "10.77.0.3,5000",
            "10.77.0.2,5000",
            "10.77.0.1,1023",
            "8.8.8.8,53",
            "127.0.0.1,5000",
            "169.254.169.254,5000",
            "100.64.0.1,5000",
            "239.255.255.250,5000",
            "255.255.255.255,5000",
            "0.0.0.0,5000",
            "[::ffff:169.254.169.254],5000",
            "[::1],5000",
        ],
    ),
    (
        "alice",
        &[
            "10.77.0.3,1023",
            "10.77.0.2,5000",
            "10.77.0.1,21",
            "8.8.8.8,5000",
            "127.0.0.1,5000",
            "[::ffff:10.77.0.2],5000",
        ],
    ),
];
