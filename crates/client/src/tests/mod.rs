//! The client against servers that lie, stall, babble and break off.

mod ahead;
mod chain;
mod control;
mod copy;
mod hostile;
mod landing;
mod progress;
mod relay;
mod stage;
mod starttls;
mod streams;
mod third_party;
mod tls;
mod tls_pair;
mod two_party;

use crate::fake::{Answer, FakeNet, say};

/// A server that behaves: logs in, lists `features`, and says yes to the rest.
pub(crate) fn polite(line: &str, features: &str) -> Answer {
    let verb = line.split(' ').next().unwrap_or_default();
    match verb {
        "" => say("220 ready"),
        "USER" => say("331 password"),
        "PASS" => say("230 in"),
        "FEAT" if features.is_empty() => say("502 no"),
        "FEAT" => {
            let lines: String = features
                .split(',')
                .map(|feature| format!(" {feature}\r\n"))
                .collect();
            Answer::Say(format!("211-Features:\r\n{lines}211 End\r\n"))
        }
        "QUIT" => say("221 bye"),
        _ => say("200 ok"),
    }
}

pub(crate) fn path(name: &str) -> crate::Pathname {
    crate::Pathname::try_from(name).unwrap()
}

pub(crate) fn net() -> FakeNet {
    FakeNet::default()
}
