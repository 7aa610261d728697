//! Trees to copy: made from a seed, with the names people have, and compared file by file.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// Makes so many files below `root`, in directories up to three deep. Some servers
/// hide or refuse some of them: for those there are letters and digits alone.
pub(crate) fn grow(root: &Path, count: usize, seed: u64, is_picky: bool) {
    let name = |random: &mut StdRng, number| match name(random, number) {
        name if is_picky => name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        name => name,
    };
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

/// Every path below `root`: a file's bytes, or nothing for a directory.
pub(crate) fn found(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
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

/// Says what differs, not every byte of it.
pub(crate) fn assert_same(one: &Path, other: &Path, what: &str) {
    let (one, other) = (found(one), found(other));
    let differing = |name: &&String| one.get(*name) != other.get(*name);
    let mut names: Vec<&String> = one.keys().chain(other.keys()).filter(differing).collect();
    names.sort();
    names.dedup();
    assert!(
        names.is_empty(),
        "{what}: {} differ: {:?}",
        names.len(),
        names.first()
    );
}

fn name(random: &mut StdRng, number: usize) -> String {
    let odd = [
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
    format!("{} {number}", odd.choose(random).unwrap())
}
