//! Two copies of one tree to one place: one is stopped or killed, the other comes after it.

use std::fs;
use std::io::{BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command};

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::{World, files, forest, seed};

/// Servers may still be at work for a copy that was killed, while the next one runs: what that one
/// is told of stays, whatever the dead one had asked for.
fn check_killed(source: &str, destination: &str) {
    let Some(world) = World::between(source, destination) else {
        return;
    };
    let seed = seed();
    let (x, y) = grown(&world, seed);
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..ROUNDS {
        let what = format!("{world:?} seed {seed} round {round}");
        let mut first = Begun::after(random.random_range(1..files()), &world);
        first.signal("STOP");
        renew(&x, &mut random);
        first.child.kill().unwrap();
        first.child.wait().unwrap();
        let output = world.run(&OPTIONS);
        assert!(output.status.success(), "{what}: {output:?}");
        forest::assert_same_but_for_late(&x, &y, &what);
    }
    let what = format!("{world:?} seed {seed}");
    let output = world.run(&["-r", "--continue"]);
    assert_eq!(output.status.code(), Some(9), "{what}: {output:?}");
    forest::assert_same_but_for_late(&x, &y, &what);
}

/// One sleeps while the other copies everything, and then goes on.
fn check_stopped(source: &str, destination: &str) {
    let Some(world) = World::between(source, destination) else {
        return;
    };
    let seed = seed();
    let what = format!("{world:?} seed {seed}");
    let (x, y) = grown(&world, seed);
    let mut random = StdRng::seed_from_u64(seed);
    let mut first = Begun::after(random.random_range(1..files()), &world);
    first.signal("STOP");
    let second = world.run(&OPTIONS);
    // A name that the one that sleeps holds may be refused to the other, which says so.
    if second.status.success() {
        forest::assert_same_but_for_late(&x, &y, &what);
    }
    first.signal("CONT");
    let said: Vec<String> = first.lines.by_ref().map_while(Result::ok).collect();
    let code = first.child.wait().unwrap();
    assert!(
        code.success(),
        "{what}: {code} {:?} {second:?}",
        said.last()
    );
    forest::assert_same(&x, &y, &what);
}

/// A copy that has said so many lines.
struct Begun {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Begun {
    fn after(count: usize, world: &World) -> Self {
        let (child, mut lines) = world.telling(&OPTIONS);
        lines.by_ref().take(count).for_each(drop);
        Self { child, lines }
    }

    fn signal(&self, signal: &str) {
        let (signal, pid) = (format!("-{signal}"), self.child.id().to_string());
        assert!(
            Command::new("kill")
                .args([signal, pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

fn grown(world: &World, seed: u64) -> (std::path::PathBuf, std::path::PathBuf) {
    let servers = [&world.source, &world.destination].map(|server| server.peer().name());
    let (x, y) = world.places();
    forest::grow(&x, files(), seed, &servers);
    (x, y)
}

/// Every file has other octets, of another number, and is another file.
fn renew(root: &Path, random: &mut StdRng) {
    for (name, bytes) in forest::found(root) {
        let Some(bytes) = bytes else {
            continue;
        };
        let mut renewed = vec![0; bytes.len() + 1];
        random.fill_bytes(&mut renewed);
        let path = root.join(name);
        let mode = fs::metadata(&path).unwrap().permissions();
        fs::remove_file(&path).unwrap();
        fs::write(&path, renewed).unwrap();
        fs::set_permissions(&path, mode).unwrap();
    }
}

const OPTIONS: [&str; 5] = ["-r", "-j", "2", "--retries", "6"];

const ROUNDS: usize = 2;

#[test]
fn a_later_copy_overtakes_one_that_was_killed_between_ours() {
    check_killed("thirdhostd", "thirdhostd");
}

#[test]
fn a_later_copy_overtakes_one_that_was_killed_on_its_way_to_vsftpd() {
    check_killed("thirdhostd", "vsftpd");
}

#[test]
fn a_later_copy_overtakes_one_that_was_killed_on_its_way_to_proftpd() {
    check_killed("thirdhostd", "ProFTPD");
}

#[test]
fn a_copy_goes_on_after_another_has_copied_all_between_ours() {
    check_stopped("thirdhostd", "thirdhostd");
}

#[test]
fn a_copy_goes_on_after_another_has_copied_all_to_vsftpd() {
    check_stopped("thirdhostd", "vsftpd");
}

#[test]
fn a_copy_goes_on_after_another_has_copied_all_to_proftpd() {
    check_stopped("thirdhostd", "ProFTPD");
}
