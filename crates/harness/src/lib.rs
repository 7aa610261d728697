//! Two servers and a user in one process: real TCP on loopback, real files, real replies.
//!
//! ```text
//!            user (127.0.0.1)              Setting: hosts, size, what is watched
//!           /                \             Stage: two sites and whoever logs in to them
//!     control              control         Transcript: every line of both dialogues
//!         /                    \           Tap: every byte of every socket
//!   SITE1 ------- data ------- SITE2       Site: a server with a directory of real files
//!  (127.0.0.2)              (127.0.0.3)
//! ```
//!
//! A case ([`cases::ALL`]) sets a stage, lets something happen on it and compares what is on the
//! disks afterwards; [`check`] holds what must be true after every case. What a site or a user
//! does to the network goes through [`thirdhost_sockets::World`], so a simulated network takes
//! the place of the kernel's by giving [`SiteBuilder`] and [`Setting`] another world.
//!
//! The harness knows server and client; neither knows it.

pub mod binaries;
pub mod by_hand;
pub mod cases;
pub mod check;
pub mod files;
mod hosts;
mod intruder;
#[cfg(target_os = "linux")]
pub mod peers;
mod setting;
mod site;
mod stage;
mod tap;
mod transcript;

pub use hosts::Hosts;
pub use intruder::{Fate, Intruder};
pub use setting::{Evidence, Failed, SITE1, SITE2, Setting};
pub use site::{PASSWORD, Site, SiteBuilder, USER};
pub use stage::Stage;
pub use tap::{Flow, Tap};
pub use transcript::{Entry, Kind, Layout, Transcript};
