//! LSTN, SOCK and a transfer between two servers, with an intruder: every course of events.
//!
//! The two servers are two real [`ServerPi`]s, the user is the real [`ThirdParty`] machine of the
//! client, and the intruder has an account, and a third real `ServerPi`, at one of the servers. Who
//! may call and who is called is judged by the server's own [`ThirdPartyPolicy`], a caller by the
//! allocator's own [`examine`]. Between them are wires that deliver in order or are cut, data
//! connections with their backlogs, and an intruder that sees every number. Everything is a value;
//! [`walk`] tries each thing that can happen at each moment, until no new moment appears.
//!
//! # What the intruder does
//!
//! At every moment, as often as [`Bounds`] say: it calls any listening socket, with a file of its
//! own, from its own host, or from the host that is named at another port; in its own session,
//! once the user has arranged something, it says LSTN, SOCK towards the user's sockets, STOR and
//! RETR, and gets the very number it waits for; it cuts what there is. Under TLS it also calls from
//! the very socket that is named, and listens where a server is about to call.
//!
//! # What must hold
//!
//! 1. No byte of the user's file is read by the intruder, nor by its session; what the user's
//!    session stores is the user's file, under its own name.
//! 2. Where nothing is lost, all files arrive and the user is told so, whatever the intruder does:
//!    no deadlock, and no failure. Where something is lost, the user is told an end all the same,
//!    by replies alone.
//! 3. Where the user is told that it is done, the files are there.
//! 4. Where nothing goes on any more no session of the user holds a port, a connection or a
//!    transfer; after a transfer that failed, not even before the user leaves.
//! 5. At every moment a server holds the socket that its plan says, and no other.
//!
//! # What stands for what
//!
//! - `World::carry_out`, `end` and `arrange` stand for `server/src/session/` (`mod.rs`,
//!   `sockets.rs`). Left out: the rate of third hosts, families of addresses.
//! - `World::lease` stands for `PortPool::lease`, with the worst of luck. Left out: that the pool
//!   draws at random, and lets a number rest; see below.
//! - `World::call` and `accept` stand for `sockets/src/call.rs` and `listening.rs`. Left out: the
//!   pauses between calls, the 32 strangers after which a wait ends, and calls that are long under
//!   way: one counts from when it arrives.
//! - `World::send` and `receive` stand for `server/src/dtp/` in MODE S: a file is one thing, whole
//!   or not there. Left out: MODE B and pipelines, which `proto/tests/pipelines/` walks.
//! - `World::knows_its_peer` stands for the handshake and SITE PEERCERT. Left out: everything of
//!   TLS but whose certificate it is; the intruder's session checks nothing.
//! - `TimeOut` and `Silence` stand for the limits on waiting. Left out: their lengths; time passes
//!   when nothing else goes on.
//!
//! # What is assumed
//!
//! *A number that was given back is not given out again while somebody may still call it, or be
//! called from it.* [`Sabotage::NumbersDoNotRest`] shows what comes of it otherwise: where the user
//! is cut off from one server, and somebody with an account and a grant there gets the same number
//! next, the other server, which goes on calling for as long as it was told to wait, meets them.
//! The pool makes it unlikely: it draws at random, and what came back rests while there are others,
//! but not over a start of the server; `SECURITY.md` says so among the limits. EPSV and PASV, which
//! are not walked here, name no caller's number at all: there the user's program passes over what
//! is given out again while somebody may still call it (`told.rs` of the client).
//!
//! In clear text, whoever has the very machine and port that are named is the peer.
//!
//! [`ServerPi`]: thirdhost_proto::server::ServerPi
//! [`ThirdParty`]: thirdhost_proto::third_party::ThirdParty
//! [`ThirdPartyPolicy`]: thirdhost_server::policy::ThirdPartyPolicy
//! [`examine`]: thirdhost_sockets::examine
#![expect(
    clippy::indexing_slicing,
    reason = "a fault of the model itself ends the walk"
)]

mod action;
mod check;
mod intruder;
mod network;
mod scene;
mod session;
mod step;
mod user;
mod walk;
mod world;

pub use scene::{Bounds, Sabotage, Scene};
pub use walk::{Counterexample, Walk, walk};
