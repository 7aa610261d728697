//! Deterministic simulation: two servers, a user and an intruder in one thread, by a seed.
//!
//! The real session shell, server-DTP, allocator and client run over a network, disks and a
//! clock of ours. A seed decides what the user wants, what the network is like, and what befalls
//! whom after which packet; the same seed gives the same trace to the last byte. What must be
//! true all the time ([`crate::Outcome::violations`]) is the oracle of issue 6: I1 to I8.
//!
//! # Why a network of our own
//!
//! [turmoil](https://docs.rs/turmoil) simulates hosts for code that uses its `TcpStream` in
//! the place of tokio's. Ours already reaches TCP through [`thirdhost_sockets::Network`], which
//! knows what FTP needs and turmoil does not have: a call from a port that is held, resets on
//! purpose and on death, a backlog whose callers wait before anyone accepts. Behind that trait a
//! network is a few hundred lines, cuts bytes where it likes, strikes after the n-th packet
//! rather than at some time, and runs a world in about a millisecond.
//!
//! # What keeps it deterministic
//!
//! One current-thread runtime per seed with paused time, which moves only when nobody can do
//! anything; no other threads ([`thirdhost_sockets::Threads`]); numbers by the seed; no
//! `select!` that draws lots, no iteration over a hash table, no clock of the system in the code
//! under test. Some seeds are run twice and their traces compared.

mod blows;
mod chance;
mod dialogue;
mod disk;
mod intruder;
mod judge;
mod net;
mod oracle;
mod panics;
mod run;
mod sabotage;
mod site;
mod trace;
mod user;
mod workload;
mod world;

#[cfg(test)]
mod tests;

pub use sabotage::Sabotage;
pub use trace::Record;

use run::Stage;
use trace::Trace;

/// What became of one world.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// A hash of all that happened, if that was wanted.
    pub hash: Option<u64>,
    /// The promises that were broken; none in a world that is as it should be.
    pub violations: Vec<String>,
    /// What happened, if that was wanted.
    pub lines: Vec<String>,
}

/// Plays the world of `seed`, with something done wrong on purpose if that is wanted.
///
/// # Errors
/// When the system gives no runtime, or the stage cannot be set.
pub fn simulate(seed: u64, record: Record, sabotage: Option<Sabotage>) -> Result<Outcome, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let watched = panics::watch();
    let trace = runtime.block_on(async {
        let trace = Trace::new(record);
        let stage = Stage::new(seed, trace.clone(), sabotage)?;
        stage.play().await;
        Ok::<_, String>(trace)
    })?;
    // Whatever still runs ends here, and its last words belong to no world.
    let outcome = Outcome {
        hash: trace.hash(),
        violations: trace.violations(),
        lines: trace.lines(),
    };
    drop(runtime);
    let panics = watched.seen();
    Ok(Outcome {
        violations: outcome.violations.into_iter().chain(panics).collect(),
        ..outcome
    })
}
