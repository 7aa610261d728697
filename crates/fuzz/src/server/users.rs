//! Any users file: no panic; a user that is taken out is gone, and the others are as they were.

use std::io::Write as _;

use tempfile::NamedTempFile;
use thirdhost_server::accounts::User;
use thirdhost_server::config::{read_users, remove_user};

pub(crate) fn run(octets: &[u8]) {
    let mut file = NamedTempFile::new().expect("a temporary directory");
    file.write_all(octets).expect("room for it");
    let Ok(before) = read_users(file.path()) else {
        return;
    };
    let Some(gone) = before.first().map(|user| user.account.name.clone()) else {
        return;
    };
    // Users written as an inline array are read, and not edited in place.
    if let Ok(found) = remove_user(file.path(), &gone) {
        assert!(found, "{gone}");
        let after = read_users(file.path()).expect("what was written can be read");
        let left: Vec<&User> = before
            .iter()
            .filter(|user| user.account.name != gone)
            .collect();
        assert_eq!(format!("{after:?}"), format!("{left:?}"));
    }
}
