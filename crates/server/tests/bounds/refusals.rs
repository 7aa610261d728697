//! Logins that are refused: all alike, later each time, and in nobody's way. Spec S-25 to S-28.

use std::sync::Arc;

use thirdhost_server::store::MemoryStore;

use crate::client::User;
use crate::clock::{Hand, PASSWORD, start};

/// alice has a password, carol is disabled, and there is nobody else.
fn users() -> String {
    format!(
        "[[user]]\nname = \"alice\"\nhome = \"\"\n{PASSWORD}\n\
         [[user]]\nname = \"carol\"\nhome = \"\"\n"
    )
}

/// Design D16: the 5 s of RFC 2577 come with the third.
//= security#S-25
//= type=test
//= security#S-26
//= type=test
#[tokio::test]
async fn three_wrong_passwords_are_answered_late_and_the_third_ends_the_session() {
    let clock = Hand::new();
    let (_server, address) = start(&users(), Arc::new(MemoryStore::new()), &clock);
    let (mut guesser, _) = User::connect(address).await;
    let mut others = Vec::new();
    for (delay, code) in [(1.0, "530"), (2.0, "530"), (4.0, "421")] {
        guesser.check("USER nobody", "331").await;
        guesser.say("PASS guess").await;
        clock.until_awaited(delay).await;
        clock.advance(delay - 0.01);
        // Meanwhile everybody else is served.
        let (mut alice, _) = User::connect(address).await;
        alice.check("USER alice", "331").await;
        alice.check("PASS secret", "230").await;
        for other in &mut others {
            User::check(other, "NOOP", "200").await;
        }
        others.push(alice);
        assert!(guesser.has_heard_nothing().await, "{delay}");
        clock.advance(delay * 0.0625 + 0.01);
        let said = guesser.reply().await;
        assert!(said.starts_with(code), "{delay}: {said}");
    }
    assert_eq!(guesser.reply().await, "", "closed");
}

//= security#S-28
//= type=test
//= security#S-73
//= type=test
#[tokio::test]
async fn who_exists_cannot_be_told_from_what_is_answered() {
    let clock = Hand::new();
    let (_server, address) = start(&users(), Arc::new(MemoryStore::new()), &clock);
    let mut answers = Vec::new();
    // No account comes with the server: who is not in the roll is nobody.
    for name in [
        "alice",
        "carol",
        "nobody",
        "root",
        "admin",
        "ftp",
        "anonymous",
        "guest",
        "test",
    ] {
        let (mut user, greeting) = User::connect(address).await;
        let named = user.ask(&format!("USER {name}")).await;
        user.say("PASS wrong").await;
        clock.until_awaited(1.0).await;
        clock.advance(1.0625);
        let refused = user.reply().await;
        // What failed is forgotten before the next is tried.
        clock.advance(3_600.0);
        // Anonymous users are told what their password may be, wherever there are none.
        let named = if name == "ftp" || name == "anonymous" {
            named.split(' ').next().unwrap().to_owned() + " Password, please."
        } else {
            named
        };
        answers.push((greeting, named, refused));
    }
    assert!(answers[0].1.starts_with("331") && answers[0].2.starts_with("530"));
    assert!(
        answers.windows(2).all(|two| two[0] == two[1]),
        "{answers:#?}"
    );
}
