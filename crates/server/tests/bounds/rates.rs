//! How fast users may move octets. Only the least time is checked: a busy machine is slower.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thirdhost_server::store::MemoryStore;

use crate::client::{User, start};

/// Two sessions at once send 64 KiB each and then receive them; how long each way took.
async fn both_ways(rate: &str) -> [Duration; 2] {
    let config = format!("[anonymous]\npermissions = [\"read\", \"write\"]\n{rate}\n");
    let (_server, address) = start(&config, Arc::new(MemoryStore::new()));
    let (mut one, mut other) = tokio::join!(User::log_in(address), User::log_in(address));
    let bytes = vec![b'x'; 64 * 1024];
    let began = Instant::now();
    let codes = tokio::join!(one.send("STOR a", &bytes), other.send("STOR b", &bytes));
    assert_eq!(codes.0, ["150", "226"]);
    assert_eq!(codes.1, ["150", "226"]);
    let stored = began.elapsed();
    let began = Instant::now();
    let received = tokio::join!(one.receive("RETR a"), other.receive("RETR b"));
    assert_eq!((received.0.1.len(), received.1.1.len()), (65_536, 65_536));
    [stored, began.elapsed()]
}

#[tokio::test]
async fn rates_hold_for_a_user_and_for_a_transfer() {
    // Of 128 KiB a quarter of a second's octets, 32 KiB, come at once.
    let (together, alone) = (Duration::from_millis(740), Duration::from_millis(240));
    for (rate, store, retrieve) in [
        ("rate = { send = \"128K\" }", None, Some(together)),
        ("rate = { receive = \"128K\" }", Some(together), None),
        ("rate_per_transfer = { send = \"128K\" }", None, Some(alone)),
        (
            "rate_per_transfer = { receive = \"128K\" }",
            Some(alone),
            None,
        ),
    ] {
        let took = both_ways(rate).await;
        for (took, least) in took.into_iter().zip([store, retrieve]) {
            let context = format!("{rate}: {took:?}");
            assert!(took >= least.unwrap_or_default(), "{context}");
        }
    }
}
