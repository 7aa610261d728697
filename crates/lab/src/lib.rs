//! Three hosts and a wide-area network between them, on one Linux machine.
//!
//! ```text
//!          user (10.77.0.1)
//!          /              \         every packet passes the emulator: delay, bandwidth, loss,
//!  a (10.77.0.2) ------ b (10.77.0.3)   and cuts that are made and healed while programs run
//! ```
//!
//! Each host is a network namespace with one interface, a TUN device whose far end is read and
//! written by a thread of this process. Nothing has a name in the system: the hosts are gone with
//! the [`Lab`] and the programs in them, and with the process, whatever ended it.
//!
//! It takes root with its right to namespaces, `ip` (iproute2) and `/dev/net/tun`; [`missing`] says
//! what is not there.

#![cfg(target_os = "linux")]

mod counts;
mod cut;
mod emulator;
mod guest;
mod host;
mod inside;
mod lab;
mod line;
mod namespace;
mod options;
mod packet;
mod round_trip;
mod trigger;

pub use counts::{Counts, PathCounts};
pub use cut::{Cut, Link, Way};
pub use guest::Guest;
pub use host::Host;
pub use inside::{Inside, inside};
pub use lab::{Fired, Lab, is_required, missing};
pub use options::Options;
pub use round_trip::round_trip;
pub use trigger::{Moment, Sign, Trigger};
