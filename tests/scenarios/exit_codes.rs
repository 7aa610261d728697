//! How the real thirdhost ends, as a number: one case at least for every number of the design.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::liar::{Liar, Lie};
use crate::support::thirdhostd::{self, Thirdhostd};

/// What is typed, and the number it ends with. In an argument `ONE` and `TWO` stand for alice's
/// place at either server, `NEITHER` for that of a server that is in no third-party transfer,
/// `LIAR` for a server that lies, `HERE` for a directory of this host, `NOBODY` for a place where
/// nothing listens.
struct Case {
    what: &'static str,
    typed: &'static [&'static str],
    /// Run before, and done.
    before: &'static [&'static str],
    lies: &'static [Lie],
    code: i32,
}

const PLAIN: Case = Case {
    what: "",
    typed: &[],
    before: &[],
    lies: &[],
    code: 0,
};

const CASES: &[Case] = &[
    Case {
        what: "a file between two servers",
        typed: &["cp", "ONE/file", "TWO/file"],
        ..PLAIN
    },
    Case {
        what: "help",
        typed: &["--help"],
        ..PLAIN
    },
    Case {
        what: "an option that is none",
        typed: &["cp", "--sideways", "ONE/file", "TWO/file"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "an option for two servers where there is one",
        typed: &["ls", "--via", "pasv", "ONE/"],
        ..PLAIN
    },
    Case {
        what: "a place that is none",
        typed: &["ls", "ftp://[::1"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a directory without -r",
        typed: &["cp", "ONE/tree", "TWO/tree"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a file onto itself",
        typed: &["cp", "ONE/file", "ONE/"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a file appended to itself",
        typed: &["append", "ONE/file", "ONE/file"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a directory into itself",
        typed: &["cp", "-r", "ONE/tree", "ONE/tree/below"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a directory to where --delete would remove it",
        typed: &["cp", "-r", "--delete", "ONE/tree/below", "ONE/tree"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a destination below a file of this host",
        typed: &["cp", "ONE/file", "HERE/good/file"],
        code: 2,
        ..PLAIN
    },
    Case {
        what: "a directory that is not there, to list",
        typed: &["ls", "ONE/missing/"],
        code: 3,
        ..PLAIN
    },
    Case {
        what: "a directory of this host that is not there, to copy into",
        typed: &["cp", "ONE/file", "HERE/missing/file"],
        code: 3,
        ..PLAIN
    },
    Case {
        what: "a directory of this host that is not there, to fetch into",
        typed: &["get", "ONE/file", "HERE/missing/file"],
        code: 3,
        ..PLAIN
    },
    Case {
        what: "a file that is not there",
        typed: &["cp", "ONE/missing", "TWO/file"],
        code: 4,
        ..PLAIN
    },
    Case {
        what: "a file that is not there, to print",
        typed: &["cat", "ONE/missing"],
        code: 4,
        ..PLAIN
    },
    Case {
        what: "a file that is not there, to remove",
        typed: &["rm", "ONE/missing"],
        code: 4,
        ..PLAIN
    },
    Case {
        what: "a site whose host is none",
        typed: &["site", "add", "one", "ftp://one.example/"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a site whose host has a user in it",
        typed: &["site", "add", "one", "alice@one.example"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a site whose authorities are not there",
        typed: &[
            "site",
            "add",
            "one",
            "one.example",
            "--ca-file",
            "HERE/missing",
        ],
        code: 4,
        ..PLAIN
    },
    Case {
        what: "a site whose port is none",
        typed: &["site", "add", "one", "one.example:99999"],
        code: 1,
        ..PLAIN
    },
    Case {
        what: "a file of this host that is not there",
        typed: &["cp", "HERE/missing", "TWO/file"],
        code: 4,
        ..PLAIN
    },
    Case {
        what: "nobody listens",
        typed: &["ls", "NOBODY/"],
        code: 5,
        ..PLAIN
    },
    Case {
        what: "a server that is full now",
        typed: &["ls", "LIAR/"],
        lies: &[("", "421 too many users")],
        code: 5,
        ..PLAIN
    },
    Case {
        what: "a disk that is full now",
        typed: &["cp", "--retries", "0", "HERE/good", "LIAR/file"],
        lies: &[("STOR", "452 no space")],
        code: 5,
        ..PLAIN
    },
    Case {
        what: "a disk that is full now, for each of two files",
        typed: &["cp", "--retries", "0", "HERE/good", "HERE/other", "LIAR/"],
        lies: &[("STOR", "452 no space")],
        code: 5,
        ..PLAIN
    },
    Case {
        what: "a wrong password",
        typed: &["ls", "LIAR/"],
        lies: &[("PASS", "530 no")],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "a name that is not allowed",
        typed: &["cp", "HERE/good", "LIAR/file"],
        lies: &[("STOR", "553 not that name")],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "a directory that is to be removed as a file: it is there",
        typed: &["rm", "ONE/tree"],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "a file that may not be removed: it is there",
        typed: &["rm", "LIAR/file"],
        lies: &[("DELE", "550 no"), ("SIZE", "213 4")],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "a file that may not be read: it is there",
        typed: &["cp", "LIAR/file", "HERE/of_the_liar"],
        lies: &[("RETR", "550 no"), ("SIZE", "213 4")],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "the same, between two servers",
        typed: &["cp", "--via", "epsv", "LIAR/file", "TWO/file"],
        lies: &[("RETR", "550 no"), ("SIZE", "213 4"), ("EPRT", "200 yes")],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "a directory that is to be printed as a file",
        typed: &["cat", "ONE/tree"],
        code: 6,
        ..PLAIN
    },
    Case {
        what: "something else than FTP",
        typed: &["ls", "LIAR/"],
        lies: &[("", "SSH-2.0-OpenSSH_9.9")],
        code: 7,
        ..PLAIN
    },
    Case {
        what: "something else than a reply, later",
        typed: &["cp", "HERE/good", "LIAR/file"],
        lies: &[("TYPE", "no number here")],
        code: 7,
        ..PLAIN
    },
    Case {
        what: "what is there already",
        typed: &["cp", "--size-only", "ONE/file", "TWO/file"],
        before: &["cp", "ONE/file", "TWO/file"],
        code: 9,
        ..PLAIN
    },
    Case {
        what: "a hash that differs",
        typed: &["cp", "HERE/good", "LIAR/file"],
        lies: &[FEATURES, ("HASH", OTHER_HASH)],
        code: 10,
        ..PLAIN
    },
    Case {
        what: "a size that differs",
        typed: &["cp", "HERE/good", "LIAR/file"],
        lies: &[FEATURES, ("SIZE", "213 5")],
        code: 10,
        ..PLAIN
    },
    Case {
        what: "a server that meets nobody, and no relay",
        typed: &["cp", "--third-party", "only", "ONE/file", "NEITHER/file"],
        code: 11,
        ..PLAIN
    },
    Case {
        what: "the same, to the doctor",
        typed: &["probe", "ONE/", "NEITHER/"],
        code: 11,
        ..PLAIN
    },
    Case {
        what: "a tree with a name that no server takes",
        typed: &["cp", "-r", "HERE/odd", "TWO/odd"],
        code: 12,
        ..PLAIN
    },
];

const FEATURES: Lie = ("FEAT", "211-these\r\n SIZE\r\n HASH SHA-256*\r\n211 end");

const OTHER_HASH: &str =
    "213 SHA-256 0-3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad file";

/// Two servers that may meet, one that may meet nobody, and this host's files.
struct World {
    files: [TempDir; 3],
    servers: [Thirdhostd; 3],
    here: TempDir,
    home: TempDir,
}

impl World {
    fn start() -> Self {
        let directory = || tempfile::tempdir().unwrap();
        let (files, configuration) = ([(); 3].map(|()| directory()), [(); 3].map(|()| directory()));
        let [one, two, neither] = &files;
        fs::write(one.path().join("file"), "file").unwrap();
        fs::create_dir(one.path().join("tree")).unwrap();
        let alone = thirdhostd::alice(HOSTS[2], neither.path());
        let alone: Vec<&str> = alone
            .lines()
            .filter(|line| !line.starts_with("third_party"))
            .collect();
        let file = configuration[2].path().join("alone.toml");
        fs::write(&file, alone.join("\n")).unwrap();
        let servers = [
            Thirdhostd::for_alice(HOSTS[0], one.path(), configuration[0].path()),
            Thirdhostd::for_alice(HOSTS[1], two.path(), configuration[1].path()),
            Thirdhostd::start(&[Path::new("--config"), &file]),
        ];
        let here = directory();
        for name in ["good", "other"] {
            fs::write(here.path().join(name), "good").unwrap();
        }
        fs::create_dir(here.path().join("odd")).unwrap();
        fs::write(here.path().join("odd/good"), "good").unwrap();
        fs::write(here.path().join("odd/line\nbreak"), "bad").unwrap();
        Self {
            files,
            servers,
            here,
            home: directory(),
        }
    }

    fn typed(&self, arguments: &[&str], liar: Option<&Liar>) -> Command {
        // Number 0 is nobody's.
        let liar = liar.map_or("127.0.0.5:0".to_owned(), |liar| liar.address.to_string());
        let [one, two, neither] = &self.servers;
        let mut command = thirdhostd::client();
        for argument in arguments {
            let argument = argument
                .replace("HERE", &self.here.path().display().to_string())
                .replace("ONE", &format!("ftp://alice@{}", one.address))
                .replace("TWO", &format!("ftp://alice@{}", two.address))
                .replace("NEITHER", &format!("ftp://alice@{}", neither.address))
                .replace("NOBODY", "ftp://alice@127.0.0.6:1")
                .replace("LIAR", &format!("ftp://alice@{liar}"));
            command.arg(argument);
        }
        for host in HOSTS.into_iter().chain(["127.0.0.5", "127.0.0.6"]) {
            let variable = format!("THIRDHOST_PASSWORD_{}", host.replace('.', "_"));
            command.env(variable, "secret");
        }
        command
            .env("HOME", self.home.path())
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null());
        command
    }

    /// What is typed, and what programs are told with it.
    fn check(&self, case: &Case) {
        let what = case.what;
        for is_json in [false, true] {
            // What the case before has left is not there.
            let [_, two, _] = &self.files;
            fs::remove_file(two.path().join("file")).ok();
            let liar = (!case.lies.is_empty()).then(|| Liar::start("127.0.0.5", case.lies));
            if !case.before.is_empty() {
                let before = self.typed(case.before, None).output().unwrap();
                assert!(before.status.success(), "before {what}: {before:?}");
            }
            let mut command = self.typed(case.typed, liar.as_ref());
            if is_json {
                command.arg("--json");
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(case.code), "{what}: {output:?}");
            let events = String::from_utf8(output.stdout).unwrap();
            for told in told(&events).filter(|_| is_json) {
                assert_eq!(told, case.code.to_string(), "{what}: {events}");
            }
        }
    }
}

/// The numbers in the events that tell of the whole: what failed of it has its own.
fn told(events: &str) -> impl Iterator<Item = &str> {
    let of_all = |line: &&str| !line.contains(r#""event":"failed""#);
    events.lines().filter(of_all).filter_map(|event| {
        let (_, rest) = event.split_once("\"exit_code\":")?;
        rest.split([',', '}']).next()
    })
}

#[test]
fn every_way_to_end_has_its_number() {
    let world = World::start();
    for case in CASES {
        world.check(case);
    }
}

#[test]
fn every_number_of_the_help_has_a_case() {
    let help = thirdhostd::client().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, numbers) = help.split_once("Exit codes:\n").unwrap();
    let numbers: BTreeSet<i32> = numbers
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    // The last is that of the test below.
    let cases = CASES.iter().map(|case| case.code).chain([STOPPED]);
    assert_eq!(numbers, cases.collect());
}

/// A reply names no path.
#[test]
fn what_a_server_refuses_of_an_append_through_this_host_is_told_with_the_path() {
    const REFUSES: &[Lie] = &[("SIZE", "213 4"), ("RETR", "550 no")];
    let world = World::start();
    for (from, to, lies, told) in [
        (
            "ONE/file",
            "NEITHER/missing/f",
            &[][..],
            "thirdhost: missing/f: ",
        ),
        ("LIAR/there", "NEITHER/f", REFUSES, "thirdhost: there: "),
    ] {
        let liar = (!lies.is_empty()).then(|| Liar::start("127.0.0.5", lies));
        let typed = ["append", from, to];
        let output = world.typed(&typed, liar.as_ref()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told) && said.contains(" refused "), "{said}");
    }
}

#[test]
fn a_copy_that_waits_and_is_stopped_ends_with_its_own_number() {
    let world = World::start();
    let liar = Liar::start("127.0.0.5", &[("STOR", "")]);
    for signal in ["-INT", "-TERM"] {
        let mut command = world.typed(&["cp", "HERE/good", "LIAR/file"], Some(&liar));
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        liar.until_asked("STOR");
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(STOPPED), "{signal}");
    }
}

/// Calling it again may take as long again as the silence that ended the first connection.
#[test]
fn a_server_that_is_lost_at_the_first_look_is_not_called_again() {
    let world = World::start();
    let at_the_look: &'static [Lie] = &[("SIZE", "421 going down")];
    let at_the_login: &'static [Lie] = &[("USER", "421 going down")];
    for lies in [at_the_look, at_the_login] {
        let liar = Liar::start("127.0.0.5", lies);
        let mut command = world.typed(&["cp", "LIAR/file", "ONE/file"], Some(&liar));
        let ended = command.output().unwrap();
        assert_eq!(ended.status.code(), Some(5), "{lies:?}: {ended:?}");
        assert_eq!(liar.times_asked("USER"), 1, "{lies:?}: {ended:?}");
    }
}

const HOSTS: [&str; 3] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];

const STOPPED: i32 = 130;
