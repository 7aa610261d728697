//! Whatever reads what strangers send, given anything.
//!
//! A [`Target`] takes octets and panics when a promise is broken. Here they are plain functions:
//! `libfuzzer/` drives them (`cargo xtask fuzz`), and the tests run them over `corpus/`, which
//! holds one small input for each way through the code that was ever found, and every input that
//! broke something.
//!
//! The engine is libFuzzer, by way of cargo-fuzz: it needs no second build of what it drives and no
//! process per input, and its corpora are plain files, which other engines take too.
//! `RUSTC_BOOTSTRAP=1` has the stable compiler take the flags it needs.

mod client;
mod input;
mod net;
mod server;
mod wire;
mod world;

pub(crate) use input::Input;

/// Something that takes octets.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called: on the command line, and as a directory beneath `corpus/`.
    pub name: &'static str,
    /// Gives it an input; panics when it breaks a promise.
    pub run: fn(&[u8]),
}

impl Target {
    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    of("address", wire::address::run),
    of("block", wire::block::run),
    of("command", wire::command::run),
    of("config", server::config::run),
    of("facts", wire::facts::run),
    of("feature", wire::feature::run),
    of("hostile", client::hostile::run),
    of("known_servers", client::known_servers::run),
    of("line", wire::line::run),
    of("listing", server::listing::run),
    of("netrc", client::netrc::run),
    of("path", server::path::run),
    of("place", client::place::run),
    of("reply", wire::reply::run),
    of("session", server::session::run),
    of("users", server::users::run),
];

const fn of(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}
