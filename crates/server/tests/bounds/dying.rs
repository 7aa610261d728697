//! A user's process that dies in the middle of a file: the system ends its connections in order.
//! Spec M-14, S-51.

use std::sync::Arc;

use thirdhost_server::store::MemoryStore;
use tokio::io::AsyncWriteExt;

use crate::client::{User, read, start};

/// Server and user share one thread, so that both ends are there before the server looks again:
/// the end of the data connection alone would be the end of the file.
#[tokio::test]
async fn the_end_of_both_connections_at_once_is_not_the_end_of_the_file() {
    let files = Arc::new(MemoryStore::new());
    let config = "[anonymous]\npermissions = [\"read\", \"write\", \"append\"]\n";
    let (server, address) = start(config, Arc::clone(&files));
    let mut user = User::log_in(address).await;
    assert_eq!(user.send("STOR f", b"old").await, ["150", "226"]);
    drop(user);
    for command in ["STOR f", "APPE f"] {
        for control_ends_first in [true, false] {
            let mut user = User::log_in(address).await;
            let mut data = user.data().await;
            user.check(command, "150").await;
            data.write_all(b"half a fi").await.unwrap();
            while !user.ask("STAT").await.contains("Status: 9 ") {}
            if control_ends_first {
                drop(user);
                drop(data);
            } else {
                drop(data);
                drop(user);
            }
            while server.sessions() > 0 {
                tokio::task::yield_now().await;
            }
            let left = read(&files, "/f").await.unwrap();
            assert_eq!(left, b"old", "{command}, {control_ends_first}");
        }
    }
}
