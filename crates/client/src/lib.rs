#![doc = include_str!("../README.md")]

mod chain;
mod control;
mod copy;
mod data;
mod ending;
mod environment;
mod error;
mod escape;
mod exit_code;
mod interrupt;
mod limits;
mod observer;
mod pipeline;
mod place;
mod product;
mod third_party;
mod tls;
mod told;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod fake_site;
#[cfg(test)]
mod fake_tls;
#[cfg(test)]
mod tests;

pub use control::{ControlConn, Credentials, Listing, Server, Stat};
pub use copy::{
    Copy, Existing, Failed, Filter, FilterError, Happened, Location, Moved, Options, Root, Site,
    Summary, Watcher, Way,
};
pub use environment::Environment;
pub use error::Error;
pub use escape::escape;
pub use exit_code::ExitCode;
pub use interrupt::Interrupt;
pub use limits::{Limits, STREAMS_MAX};
pub use observer::{Observer, Silent};
pub use place::{Place, PlaceError, Remote};
pub use product::Product;
pub use third_party::{
    Diagnosis, Known, Listen, Pair, Policy, Probe, Probed, Protected, Refusal, Relay, Report,
    Trial, Verdict, Verify, Via,
};
pub use tls::{
    Authorities, AuthoritiesError, Certified, Distrust, Fingerprint, NotAFingerprint, Security,
    Trust,
};

pub use thirdhost_proto::third_party::{Arrangement, Operation, Parameters, Side};

pub use thirdhost_wire::{FactsLine, Features, FileKind, Password, Pathname, Text, TimeVal};
