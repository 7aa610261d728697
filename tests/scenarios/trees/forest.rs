//! Trees to copy: made from a seed, with the names people have, and compared file by file.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// A name that a server does not keep.
struct Refused {
    server: &'static str,
    is: fn(&str) -> bool,
    /// What it does with it; failures tell it.
    why: &'static str,
}

/// Found by sending all of [`ODD`] there and back.
const REFUSED: [Refused; 4] = [
    Refused {
        server: "vsftpd",
        is: |name| name.starts_with('.'),
        why: "leaves a name with a dot first out of its listings",
    },
    Refused {
        server: "ProFTPD",
        is: |name| name.contains('*'),
        why: "makes no directory with a star in its name",
    },
    Refused {
        server: "Pure-FTPd",
        is: |name| name.contains('\\'),
        why: "takes no backslash",
    },
    Refused {
        server: "GridFTP",
        is: |name| !name.is_ascii(),
        why: "drops the octets that are not ASCII",
    },
];

/// Which names are left out for these servers, and why.
pub(crate) fn left_out(servers: &[&str]) -> Vec<String> {
    let refused = REFUSED.iter();
    let refused = refused.filter(|refused| servers.contains(&refused.server));
    let told = refused.map(|refused| format!("{} {}", refused.server, refused.why));
    told.collect()
}

/// Makes so many files below `root`, in directories up to three deep, with names that these
/// servers keep.
pub(crate) fn grow(root: &Path, count: usize, seed: u64, servers: &[&str]) {
    let refused = |odd: &str| {
        let by = |refused: &&Refused| servers.contains(&refused.server);
        REFUSED.iter().filter(by).any(|refused| (refused.is)(odd))
    };
    let kept: Vec<&str> = ODD.into_iter().filter(|odd| !refused(odd)).collect();
    let name = |random: &mut StdRng, number| format!("{} {number}", kept.choose(random).unwrap());
    fs::create_dir_all(root).unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let mut directories = vec![root.to_owned()];
    for number in 0..count {
        if number % 50 == 7 {
            let above = directories.choose(&mut random).unwrap();
            if above.strip_prefix(root).unwrap().components().count() < 3 {
                // ProFTPD makes no directory with a star in its name.
                let name = name(&mut random, number).replace('*', "_");
                let directory = above.join(format!("{name} d"));
                directories.push(directory);
            }
        }
        let directory = directories.choose(&mut random).unwrap();
        fs::create_dir_all(directory).unwrap();
        let length = match random.random_range(0..20) {
            0 => 0,
            1 => random.random_range(0..200_000),
            _ => random.random_range(0..2_000),
        };
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        let file = directory.join(name(&mut random, number));
        fs::write(&file, bytes).unwrap();
        // Some peers serve as somebody else.
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    }
    for directory in directories.iter().filter(|directory| directory.exists()) {
        fs::set_permissions(directory, Permissions::from_mode(0o777)).unwrap();
    }
}

/// Paths below a root: a file's bytes, or nothing for a directory.
pub(crate) type Found = BTreeMap<String, Option<Vec<u8>>>;

/// Every path below `root`.
pub(crate) fn found(root: &Path) -> Found {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                found.insert(name, None);
                left.push(path);
            } else {
                found.insert(name, Some(fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// The same, but for what a session that was killed may have set aside there since.
pub(crate) fn assert_same_but_for_late(one: &Path, other: &Path, what: &str) {
    let mut there = found(other);
    there.retain(|name, _| !name.ends_with(".thirdhost-partial"));
    assert_equal(&found(one), &there, what);
}

/// Says what differs, not every byte of it.
pub(crate) fn assert_same(one: &Path, other: &Path, what: &str) {
    assert_equal(&found(one), &found(other), what);
}

fn assert_equal(one: &Found, other: &Found, what: &str) {
    let differing = |name: &&String| one.get(*name) != other.get(*name);
    let mut names: Vec<&String> = one.keys().chain(other.keys()).filter(differing).collect();
    names.sort();
    names.dedup();
    let how = names
        .first()
        .map(|name| difference(one.get(*name), other.get(*name)));
    assert!(
        names.is_empty(),
        "{what}: {} differ: {:?}: {how:?}",
        names.len(),
        names.first()
    );
}

/// How two entries of one name differ: which is not there, or from which octet on they are others.
fn difference(one: Option<&Option<Vec<u8>>>, other: Option<&Option<Vec<u8>>>) -> String {
    let (Some(Some(one)), Some(Some(other))) = (one, other) else {
        let is = |entry: Option<&Option<Vec<u8>>>| match entry {
            None => "nothing",
            Some(None) => "a directory",
            Some(Some(_)) => "a file",
        };
        return format!("{} and {}", is(one), is(other));
    };
    let differs: Vec<usize> = (0..one.len().max(other.len()))
        .filter(|at| one.get(*at) != other.get(*at))
        .collect();
    let zeros = differs.iter().filter(|at| other.get(**at) == Some(&0));
    format!(
        "{} and {} octets; {} differ, from {:?} to {:?}; {} are zero in the second",
        one.len(),
        other.len(),
        differs.len(),
        differs.first(),
        differs.last(),
        zeros.count()
    )
}

/// What people call their files.
const ODD: [&str; 24] = [
    "plain",
    "with space",
    " leads",
    "qu'ote",
    "qu\"ote",
    "näme",
    "日本語",
    "a;b=c",
    "100%",
    "hash#",
    "-dash",
    "star*",
    "[brackets]",
    "{braces}",
    "tilde~",
    "$HOME",
    "back\\slash",
    "a&b",
    "(paren)",
    "comma,",
    "..twice",
    ".hidden",
    "e\u{301}",
    "😀",
];
