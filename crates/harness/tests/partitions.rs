//! Where no network can be made, `partitions` does nothing and says why; where nothing may be left
//! out, it fails.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

#[test]
fn without_a_right_to_namespaces_it_is_left_out_and_says_so() {
    let output = powerless(|command| command.env_remove(REQUIRE));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.starts_with("partitions: left out: "), "{told}");
    assert!(told.contains("namespaces"), "{told}");
}

#[test]
fn without_a_right_to_namespaces_it_fails_where_nothing_is_left_out() {
    let output = powerless(|command| command.env(REQUIRE, "1"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{output:?}");
    assert!(told.contains("namespaces"), "{told}");
}

/// Somebody who is root, if we are, but may not make namespaces, as in most containers.
fn powerless(set: impl Fn(&mut Command) -> &mut Command) -> Output {
    let program = env!("CARGO_BIN_EXE_partitions");
    let mut command = Command::new("setpriv");
    // Who is not root has nothing to lose.
    if rustix::process::geteuid().is_root() {
        command.arg("--bounding-set=-sys_admin");
    } else {
        command = Command::new("env");
    }
    set(command.args([program, "--short"])).output().unwrap()
}

const REQUIRE: &str = "THIRDHOST_REQUIRE_LAB";
