//! How much users may store, as replies tell it. Spec S-59.

use std::sync::Arc;

use thirdhost_server::store::MemoryStore;

use crate::client::{User, read, start};

const ALL: &str = "permissions = [\"read\", \"write\", \"append\", \"delete\"]";

//= security#S-59
//= type=test
#[tokio::test]
async fn a_quota_is_452_before_and_552_during_a_transfer_and_the_old_file_stays() {
    let files = Arc::new(MemoryStore::new());
    let config = format!("[anonymous]\nquota = \"1M\"\n{ALL}\n");
    let (_server, address) = start(&config, Arc::clone(&files));
    let mut user = User::log_in(address).await;
    let old = vec![b'o'; 700 * 1024];
    assert_eq!(user.send("STOR f", &old).await, ["150", "226"]);
    user.check("ALLO 307200", "202").await;
    user.check("ALLO 400000", "452").await;

    let new = vec![b'n'; 2 << 20];
    for command in ["STOR f", "APPE f", "STOR g", "STOU g"] {
        let codes = user.send(command, &new).await;
        // Full already, for as long as the count rests, or full on the way.
        assert!(
            codes == ["150", "552"] || codes == ["452"],
            "{command}: {codes:?}"
        );
    }
    assert_eq!(read(&files, "/f").await.unwrap(), old);
    assert_eq!(read(&files, "/g").await, None);
    user.check("REST 600000", "350").await;
    assert_eq!(
        user.send("STOR f", b"x").await,
        ["452"],
        "it would be copied"
    );
    assert_eq!(read(&files, "/f").await.unwrap(), old);
}

//= security#S-59
//= type=test
#[tokio::test]
async fn octets_are_counted_as_they_are_stored() {
    let files = Arc::new(MemoryStore::new());
    let config = format!("[anonymous]\nmax_file_size = \"1K\"\n{ALL}\n");
    let (_server, address) = start(&config, Arc::clone(&files));
    let mut user = User::log_in(address).await;
    let lines = b"\r\n".repeat(1024);
    assert_eq!(user.send("STOR image", &lines).await, ["150", "552"]);
    user.check("TYPE A", "200").await;
    assert_eq!(user.send("STOR text", &lines).await, ["150", "226"]);
    assert_eq!(user.send("APPE text", b"\r\n").await, ["150", "552"]);
    assert_eq!(read(&files, "/text").await.unwrap(), b"\n".repeat(1024));
    assert_eq!(read(&files, "/image").await, None);
    user.check("ALLO 1024", "202").await;
    user.check("ALLO 1025", "552").await;
    user.check("TYPE I", "200").await;
    user.check("REST 1025", "350").await;
    assert_eq!(user.send("STOR text", b"").await, ["552"]);
}
