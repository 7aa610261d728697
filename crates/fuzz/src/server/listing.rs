//! Any entry, in every style: one line without control characters, or none; a client reads from
//! MLSD's the name and size that went in.

use std::time::{Duration, SystemTime};

use thirdhost_proto::server::{Permissions, VirtualPath};
use thirdhost_server::dtp::ListingStyle;
use thirdhost_server::store::{Entry, EntryKind, Kept};
use thirdhost_wire::{FACTS_LINE_BYTES_MAX, FactSet, FactsLine};

use crate::Input;

pub(crate) fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let facts = FactSet::from_options(&String::from_utf8_lossy(input.piece())).unwrap_or_default();
    let (now, entry) = (time(&mut input), entry(input));
    let styles = [
        ListingStyle::Long { now },
        ListingStyle::Names { given: None },
        ListingStyle::Facts {
            facts,
            permissions: Permissions::read_only(),
            directory: VirtualPath::root(),
        },
    ];
    for style in &styles {
        let mut line = String::new();
        if !style.clone().lines().append(&entry, &mut line) {
            assert!(line.is_empty(), "{line}");
            continue;
        }
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.ends_with(&entry.name), "{line:?}");
        let is_facts = matches!(style, ListingStyle::Facts { .. });
        if is_facts && line.len() <= FACTS_LINE_BYTES_MAX && !entry.name.is_empty() {
            let read = FactsLine::parse(line.as_bytes()).expect("our own line can be read");
            assert_eq!(read.name.as_str(), entry.name);
            if let Some(size) = read.facts.size() {
                assert_eq!(size, entry.size);
            }
        }
    }
}

fn entry(mut input: Input<'_>) -> Entry {
    let kinds = [EntryKind::File, EntryKind::Directory, EntryKind::Other];
    Entry {
        kind: input.pick(&kinds).unwrap_or(EntryKind::File),
        size: input.number(),
        modified: time(&mut input),
        unique: (input.number(), input.number()),
        mode: u32::try_from(input.number() >> 32).unwrap_or_default(),
        links: input.number(),
        owner: (0, u32::MAX),
        partial: input.flag().then_some(Kept {
            bytes: u64::MAX,
            modified: SystemTime::UNIX_EPOCH,
        }),
        name: String::from_utf8_lossy(input.rest()).into_owned(),
    }
}

/// Any time that the system can hold, before 1970 too.
fn time(input: &mut Input<'_>) -> SystemTime {
    let (before, away) = (input.flag(), Duration::from_secs(input.number() >> 1));
    let epoch = SystemTime::UNIX_EPOCH;
    let time = match before {
        true => epoch.checked_sub(away),
        false => epoch.checked_add(away),
    };
    time.unwrap_or(epoch)
}
