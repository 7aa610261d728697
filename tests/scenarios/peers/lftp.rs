//! lftp mirrors a tree in and out, and arranges third-party transfers of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Host, ODD_NAME, output, require, tree};
use crate::support::site::{SITE1, SITE2};

#[test]
fn lftp_mirrors_a_thousand_files_in_and_out() {
    if !require("lftp") {
        return;
    }
    let host = Host::start();
    let (there, back) = (host.own("there"), host.own("back"));
    plant(&there, 1000, 0);
    let (from, to) = (there.display(), back.display());
    lftp(
        &host,
        &format!("mirror --reverse --parallel=4 '{from}' tree"),
    );
    same(&there, &host.path("tree"), 1000);
    lftp(&host, &format!("mirror --parallel=4 tree '{to}'"));
    same(&there, &back, 1000);
    lftp(&host, "rm -r tree");
    assert!(!host.path("tree").exists());
}

#[test]
fn lftp_resumes_renames_and_lists() {
    if !require("lftp") {
        return;
    }
    let host = Host::start();
    let large: Vec<u8> = (0..500_000_u32).map(|n| (n % 241) as u8).collect();
    host.put("large", &large);
    let part = host.own("part");
    fs::write(&part, &large[..100_001]).unwrap();
    lftp(&host, &format!("get -c large -o '{}'", part.display()));
    assert!(fs::read(&part).unwrap() == large);
    host.put("sent", &large[..77_777]);
    lftp(&host, &format!("put -c '{}' -o sent", part.display()));
    assert!(host.read("sent") == large);
    lftp(&host, "mv sent 'new name'; mkdir -p a/b; ls; cls -l; nlist");
    assert!(host.read("new name") == large);
    assert!(host.path("a/b").is_dir());
}

/// lftp's own third-party transfers, with either end as the listener.
#[test]
fn lftp_arranges_transfers_between_two_hosts_of_ours() {
    if !require("lftp") {
        return;
    }
    let (one, two) = (Host::start_at(SITE1), Host::start_at(SITE2));
    let large: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 239) as u8).collect();
    one.put("large", &large);
    for (number, setting) in ["yes", "no"].into_iter().enumerate() {
        let target = format!("{}copy{number}", login(&two));
        let get = format!("get large -o '{target}'");
        let script = format!("set ftp:fxp-force yes; set ftp:fxp-passive-source {setting}; {get}");
        lftp(&one, &script);
        assert!(two.read(&format!("copy{number}")) == large, "{setting}");
    }
    // Before an empty file of a mirrored tree lftp 4.9 stops by itself, with both servers waiting
    // for its next command.
    plant(&one.path("tree"), 30, 1);
    let target = format!("{}tree", login(&two));
    lftp(
        &one,
        &format!("set ftp:fxp-force yes; mirror tree '{target}'"),
    );
    same(&one.path("tree"), &two.path("tree"), 30);
}

/// Runs commands of lftp, connected to `host`.
fn lftp(host: &Host, script: &str) {
    let settings = "set cmd:fail-exit yes; set net:timeout 30; set net:max-retries 2; \
                    set ftp:ssl-allow no; set ftp:use-fxp yes; set xfer:log no";
    let script = format!("{settings}; open {}; {script}; exit", login(host));
    output(
        Command::new("lftp")
            .args(["--norc", "-c", &script])
            .env("HOME", host.scratch.path())
            .env("LANG", "C.UTF-8"),
    );
}

/// The URL with alice in it.
fn login(host: &Host) -> String {
    format!("ftp://alice:secret@{}/", host.daemon.address)
}

/// Plants files of many sizes, `least` bytes at least, in directories, with names of many kinds.
fn plant(root: &Path, files: u32, least: u32) {
    for number in 0..files {
        let directory = root.join(format!("d{}/e{}", number % 7, number % 3));
        fs::create_dir_all(&directory).unwrap();
        let name = match number % 10 {
            0 => format!("{number} {ODD_NAME}"),
            1 => format!("-{number}"),
            2 => format!("{number} ; $x 'y'"),
            _ => format!("file{number}"),
        };
        let length = least + (number * number) % 4099;
        let bytes: Vec<u8> = (0..length).map(|n| (n + number) as u8).collect();
        fs::write(directory.join(name), bytes).unwrap();
    }
}

fn same(one: &Path, two: &Path, files: usize) {
    let (one, two): (BTreeMap<_, _>, _) = (tree(one), tree(two));
    assert_eq!(one.len(), files);
    let missing: Vec<_> = one
        .iter()
        .filter(|(name, bytes)| two.get(*name) != Some(bytes))
        .collect();
    let missing: Vec<_> = missing.iter().map(|(name, _)| name).collect();
    assert!(missing.is_empty() && one.len() == two.len(), "{missing:?}");
}
