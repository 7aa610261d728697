//! What a measurement ran under: without it, a figure says nothing.

use std::fs;
use std::thread;

use serde::Serialize;

use crate::namespace::congestion_control;

/// The machine, the day and the network.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    date: String,
    kernel: String,
    processor: String,
    cores: usize,
    /// Where it ran, in words.
    pub(crate) network: String,
    /// What held there for new connections.
    pub(crate) congestion_control: String,
    /// Where the files lie.
    pub(crate) file_system: String,
    /// Of the machine, when it began: others at work falsify everything.
    load_average: String,
}

impl Setting {
    /// What holds now; `network` in words.
    pub(crate) fn now(network: String) -> Self {
        let uname = rustix::system::uname();
        let kernel = [uname.sysname(), uname.release(), uname.machine()];
        let kernel = kernel.map(|part| part.to_string_lossy().into_owned());
        Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            kernel: kernel.join(" "),
            processor: processor(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            network,
            congestion_control: congestion_control(),
            file_system: String::new(),
            load_average: first_word("/proc/loadavg"),
        }
    }

    /// In one sentence.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "{}, {} with {} cores, {}; {} with {}; files on {}; load average before: {}.",
            self.date,
            self.processor,
            self.cores,
            self.kernel,
            self.network,
            self.congestion_control,
            self.file_system,
            self.load_average,
        )
    }
}

fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = told.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": "));
    name.map_or("unknown processor", |(_, name)| name)
        .to_owned()
}

fn first_word(path: &str) -> String {
    let told = fs::read_to_string(path).unwrap_or_default();
    told.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}
