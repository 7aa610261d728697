//! Any `known_servers`: no panic, and a certificate that is added is found behind those that were
//! there.

#[path = "../../../client/src/tls/known_servers.rs"]
mod file;

use std::io::Write as _;

use tempfile::NamedTempFile;
use thirdhost_client::Fingerprint;

use file::KnownServers;

pub(crate) fn run(octets: &[u8]) {
    let mut written = NamedTempFile::new().expect("a temporary directory");
    written.write_all(octets).expect("room for it");
    let known = KnownServers::at(written.path().to_owned());
    assert_eq!(known.path(), written.path());
    let Ok(before) = known.of(SERVER) else {
        return;
    };
    let new = Fingerprint::of(octets);
    known.add(SERVER, new).expect("the file can be written");
    let mut expected = before;
    expected.push(new);
    assert_eq!(known.of(SERVER).expect("it was readable"), expected);
}

const SERVER: &str = "h:21";
