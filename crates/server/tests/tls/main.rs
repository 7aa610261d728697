//! The server under TLS: real clients, two servers of ours, and those who mean no good.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod binary;
mod certificates;
mod clients;
mod hostile;
mod reload;
mod reuse;
mod servers;
mod site;
mod user;

/// Whether a program is there. Where it is not, its tests are left out and say so, unless
/// `THIRDHOST_REQUIRE_PEERS` is set: then they fail.
fn require(program: &str) -> bool {
    // Every one of them knows one of these two.
    let found = ["--version", "version"].into_iter().any(|word| {
        std::process::Command::new(program)
            .arg(word)
            .stdin(std::process::Stdio::null())
            .output()
            .is_ok()
    });
    let required = std::env::var_os("THIRDHOST_REQUIRE_PEERS").is_some();
    assert!(found || !required, "{program} is not installed");
    if !found {
        println!("left out: {program} is not installed");
    }
    found
}
