//! How long the lines of a listing take: `cargo bench -p thirdhost-server`.

use std::time::{Duration, SystemTime};

use divan::Bencher;
use divan::counter::ItemsCount;
use thirdhost_proto::server::{Permissions, VirtualPath};
use thirdhost_server::dtp::ListingStyle;
use thirdhost_server::store::{Entry, EntryKind, Pen as _};
use thirdhost_wire::FactSet;

fn main() {
    divan::main();
}

#[divan::bench]
fn mlsd(bencher: Bencher<'_, '_>) {
    let style = ListingStyle::Facts {
        facts: FactSet::default(),
        permissions: Permissions::all(),
        directory: VirtualPath::root(),
    };
    thousand(bencher, style);
}

#[divan::bench]
fn list(bencher: Bencher<'_, '_>) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    thousand(bencher, ListingStyle::Long { now });
}

#[divan::bench]
fn nlst(bencher: Bencher<'_, '_>) {
    thousand(bencher, ListingStyle::Names { given: None });
}

/// A thousand lines into one page, no two of the same second.
fn thousand(bencher: Bencher<'_, '_>, style: ListingStyle) {
    let entries: Vec<Entry> = (0..1_000).map(entry).collect();
    let mut pen = style.lines();
    let mut text = String::new();
    let bencher = bencher.counter(ItemsCount::new(entries.len()));
    bencher.bench_local(|| {
        text.clear();
        for entry in &entries {
            pen.write(entry, &mut text);
        }
        text.len()
    });
}

fn entry(number: u64) -> Entry {
    Entry {
        name: format!("file-{number:05}.jpeg"),
        kind: EntryKind::File,
        size: number * 1_000,
        modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number),
        unique: (0x801, number),
        mode: 0o100_644,
        links: 1,
        owner: (1000, 1000),
        partial: None,
    }
}
