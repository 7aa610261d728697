//! What the machine needs out of a reply's text; `None` where the text does not hold it.

use thirdhost_wire::{FactsLine, FileKind, HostSocket, Reply};

pub(super) fn data_socket(reply: &Reply) -> Option<u16> {
    thirdhost_wire::data_socket(reply).ok()
}

pub(super) fn extended_port(reply: &Reply) -> Option<u16> {
    thirdhost_wire::extended_passive(reply)
        .ok()
        .map(|passive| passive.port)
}

pub(super) fn passive_socket(reply: &Reply) -> Option<HostSocket> {
    thirdhost_wire::passive_socket(reply).ok()
}

pub(super) fn file_size(reply: &Reply) -> Option<u64> {
    thirdhost_wire::file_size(reply).ok()
}

pub(super) fn is_directory(reply: &Reply) -> bool {
    reply.lines().iter().any(|line| {
        let kind = FactsLine::parse(line.as_bytes())
            .ok()
            .and_then(|line| line.facts.kind());
        matches!(
            kind,
            Some(FileKind::Directory | FileKind::ListedDirectory | FileKind::ParentDirectory)
        )
    })
}
