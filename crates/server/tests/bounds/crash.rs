//! A bug in one session. Spec S-74.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::store::{Homes, MemoryStore, Store, StoreError};

use crate::client::{User, path};
use crate::clock::{Hand, PASSWORD, start};

/// Homes of which one is a bug.
#[derive(Debug)]
struct Trap(MemoryStore);

impl Homes for Trap {
    fn home<'a>(
        &'a self,
        home: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        assert_ne!(home.as_str(), "/trap", "this is the bug");
        Homes::home(&self.0, home)
    }
}

//= security#S-74
//= type=test
#[tokio::test]
async fn a_session_that_crashes_ends_alone_and_gives_its_place_back() {
    let files = MemoryStore::new();
    files.make_directory(&path("/d")).await.unwrap();
    let text = format!(
        "[limits]\nsessions = 2\n[anonymous]\n\
         [[user]]\nname = \"mallory\"\nhome = \"trap\"\n{PASSWORD}\n"
    );
    let (server, address) = start(&text, Arc::new(Trap(files)), &Hand::new());
    let mut other = User::log_in(address).await;
    for _ in 0..3 {
        let (mut mallory, greeting) = User::connect(address).await;
        assert!(greeting.starts_with("220"), "{greeting}");
        mallory.check("USER mallory", "331").await;
        assert_eq!(mallory.ask("PASS secret").await, "", "closed");
        while server.sessions() > 1 {
            tokio::task::yield_now().await;
        }
        let (codes, listing) = other.receive("NLST").await;
        assert_eq!(
            (codes[1].as_str(), listing.as_slice()),
            ("226", &b"d\r\n"[..])
        );
    }
}
