//! What policy forbids, the network never sees (S-4).

use thirdhost_sockets::OpenError;
use thirdhost_wire::{AcceptFilter, Direction};

use crate::world::{LONG, Nobody, allocator, ip, is_reset, name, stranger};

#[tokio::test]
async fn a_forbidden_host_sees_no_connection() {
    let sockets = allocator();
    let mut forbidden = sockets.listen(ip("127.0.0.1"), None).unwrap();
    let target = name(forbidden.local());
    let reserved = sockets.hold(ip("127.0.0.1"), None).unwrap();
    let called = [
        reserved.call(target, &Nobody, Direction::Send, LONG).await,
        sockets
            .call_unreserved(ip("127.0.0.1"), target, &Nobody, Direction::Send, LONG)
            .await,
    ];
    for called in called {
        assert!(matches!(called, Err(OpenError::Denied(_))));
    }
    assert_eq!(forbidden.discard_backlog(), 0);
}

#[tokio::test]
async fn a_forbidden_caller_is_reset_though_the_filter_names_it() {
    let mut listening = allocator().listen(ip("127.0.0.1"), None).unwrap();
    let caller = stranger("127.0.0.1", listening.local()).await;
    let filter = AcceptFilter::HostPort(name(caller.local_addr().unwrap()));
    let accepted = listening
        .accept(filter, &Nobody, Direction::Receive, LONG)
        .await;
    assert_eq!(
        std::error::Error::source(&accepted.unwrap_err()).map(ToString::to_string),
        Some(
            "127.0.0.1 is a third host that the user may not meet; \
             list it in third_party.receive_from to admit it"
                .to_owned()
        )
    );
    assert!(is_reset(caller).await);
}
