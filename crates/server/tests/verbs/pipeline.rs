//! Many files over one MODE B connection, commands sent ahead. Design "Pipelining".

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, User};

/// A user who has switched the pipeline on.
async fn pipelined(site: &Site) -> User {
    let mut user = site.user().await;
    user.check("MODE B", "200").await;
    user.check("OPTS PIPELINE ON", "200").await;
    user
}

/// The port of a 255.
async fn socket(user: &mut User, line: &str) -> u16 {
    let reply = user.ask(line).await;
    reply.strip_prefix("255 SOCK ").unwrap().parse().unwrap()
}

/// LSTN at the destination, SOCK at both.
async fn arrange(from: &mut User, to: &mut User) {
    let listening = socket(to, "LSTN R").await;
    let calling = socket(from, &format!("SOCK 127.0.0.1,{listening}")).await;
    socket(to, &format!("SOCK 127.0.0.1,{calling}")).await;
}

/// The codes of the final replies to this many commands.
async fn finals(user: &mut User, commands: usize) -> Vec<String> {
    let mut codes = Vec::new();
    while codes.len() < commands {
        let reply = user.reply().await;
        if !reply.starts_with('1') {
            codes.push(reply[..3].to_owned());
        }
    }
    codes
}

fn block(descriptor: u8, octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
    [&[descriptor][..], &length, octets].concat()
}

fn file(number: &str, octets: &[u8]) -> Vec<u8> {
    [block(MARKER, number.as_bytes()), block(END, octets)].concat()
}

/// A listing has no length: that it is at its end is known after it has been sent.
fn listing(number: &str, lines: &[u8]) -> Vec<u8> {
    [
        block(MARKER, number.as_bytes()),
        block(0, lines),
        block(END, b""),
    ]
    .concat()
}

#[tokio::test]
async fn files_refused_at_either_end_take_no_other_with_them() {
    let source = Site::start().await;
    let destination = Site::with(|config| {
        config.roll.users[0].account.bounds.max_file_size = Some(100_000);
    })
    .await;
    for name in ["a", "b", "c", "d", "e"] {
        source.put(name, name.repeat(5_000).as_bytes());
    }
    source.put("large", &vec![b'l'; 1_000_000]);
    std::fs::create_dir(destination.home().join("taken")).unwrap();
    let (mut from, mut to) = (pipelined(&source).await, pipelined(&destination).await);
    arrange(&mut from, &mut to).await;
    let pairs = [
        ("missing", "none", "550", "451"),
        ("a", "a", "250", "250"),
        ("b", "taken", "250", "55"),
        ("c", "c", "250", "250"),
        ("large", "large", "250", "552"),
        ("d", "nowhere/d", "250", "55"),
        ("nothing", "nowhere/n", "550", "55"),
        ("e", "e", "250", "250"),
    ];
    for (name, _, _, _) in pairs {
        from.say(&format!("RETR {name}")).await;
    }
    for (_, name, _, _) in pairs {
        to.say(&format!("STOR {name}")).await;
    }
    let (sent, stored) = (finals(&mut from, 8).await, finals(&mut to, 8).await);
    for (index, (name, _, source, destination)) in pairs.iter().enumerate() {
        assert!(sent[index].starts_with(source), "{name}: {sent:?}");
        assert!(stored[index].starts_with(destination), "{name}: {stored:?}");
    }
    for name in ["a", "c", "e"] {
        assert_eq!(destination.read(name), name.repeat(5_000).as_bytes());
    }
    for name in ["none", "large"] {
        assert!(!destination.home().join(name).exists(), "{name}");
    }
}

/// A session with commands ahead keeps the directory open that they are about; another session's
/// rename is over before the next command is said.
#[tokio::test]
async fn a_directory_renamed_between_two_commands_is_not_found_under_its_old_name() {
    let site = Site::start().await;
    std::fs::create_dir(site.home().join("d")).unwrap();
    let (mut user, mut other) = (pipelined(&site).await, site.user().await);
    let mut data = user.passive().await;
    for name in ["a", "b", "c", "x"] {
        user.say(&format!("STOR d/{name}")).await;
    }
    for number in ["1", "2"] {
        data.write_all(&file(number, b"octets")).await.unwrap();
    }
    assert_eq!(finals(&mut user, 2).await, ["250", "250"]);
    other.check("RNFR d", "350").await;
    other.check("RNTO e", "250").await;
    for name in ["y", "z"] {
        user.say(&format!("STOR d/{name}")).await;
    }
    for number in ["3", "4", "5", "6"] {
        data.write_all(&file(number, b"octets")).await.unwrap();
    }
    // The third had been begun; what the fourth finds is left open, it came before the rename.
    let ends = finals(&mut user, 4).await;
    assert_eq!((&*ends[0], &*ends[2], &*ends[3]), ("250", "550", "550"));
    for name in ["y", "z"] {
        assert!(!site.home().join("e").join(name).exists(), "{name}");
    }
    assert_eq!(site.read("e/c"), b"octets");
}

#[tokio::test]
async fn the_source_sends_a_file_for_every_number() {
    let site = Site::start().await;
    site.put("a", b"first");
    site.put("c", b"third");
    std::fs::create_dir(site.home().join("d")).unwrap();
    site.put("d/e", b"");
    let mut user = pipelined(&site).await;
    user.check("OPTS MLST Type;", "200").await;
    let mut data = user.passive().await;
    for line in ["RETR a", "RETR b", "MLSD d", "MLSD a", "NLST d", "RETR c"] {
        user.say(line).await;
    }
    let codes = finals(&mut user, 6).await;
    assert_eq!(codes, ["250", "550", "250", "501", "250", "250"]);
    user.check("QUIT", "221").await;
    let mut octets = Vec::new();
    data.read_to_end(&mut octets).await.unwrap();
    let expected = [
        file("1", b"first"),
        [block(MARKER, b"2"), block(FAILED, b"")].concat(),
        listing("3", b"type=file; e\r\n"),
        [block(MARKER, b"4"), block(FAILED, b"")].concat(),
        listing("5", b"d/e\r\n"),
        file("6", b"third"),
    ];
    assert_eq!(
        String::from_utf8_lossy(&octets),
        String::from_utf8_lossy(&expected.concat())
    );
}

/// What a source sends for number 2, what becomes of it, and whether number 3 still goes.
async fn check_second(octets: &[u8], code: &str, goes_on: bool) {
    let site = Site::start().await;
    let mut user = pipelined(&site).await;
    let mut data = user.passive().await;
    for name in ["a", "b", "c"] {
        user.say(&format!("STOR {name}")).await;
    }
    data.write_all(&file("1", b"first")).await.unwrap();
    data.write_all(octets).await.unwrap();
    data.write_all(&file("3", b"third")).await.ok();
    let codes: [String; 3] = finals(&mut user, 3).await.try_into().unwrap();
    assert_eq!(codes[0], "250");
    assert_eq!(codes[1], code, "{octets:02x?}");
    assert_eq!(codes[2] == "250", goes_on, "{octets:02x?}");
    assert_eq!(site.read("a"), b"first");
    assert_eq!(site.home().join("b").exists(), code == "250");
    assert_eq!(site.home().join("c").exists(), goes_on);
    if !goes_on {
        assert_eq!(codes[2], "425");
        // The next arrangement begins with number 1.
        let mut data = user.passive().await;
        data.write_all(&file("1", b"anew")).await.unwrap();
        user.say("STOR c").await;
        assert_eq!(finals(&mut user, 1).await, ["250"]);
        assert_eq!(site.read("c"), b"anew");
    }
}

#[tokio::test]
async fn the_destination_stores_nothing_that_is_not_the_file_expected() {
    check_second(&file("2", b"second"), "250", true).await;
    check_second(&file("3", b"other"), "426", false).await;
    check_second(&file("1", b"first"), "426", false).await;
    check_second(&file("o2", b"text"), "426", false).await;
    check_second(&block(END, b"none"), "426", false).await;
    check_second(b"\x01\0\x01x", "426", false).await;
    let failed = [block(MARKER, b"2"), block(FAILED, b"")].concat();
    check_second(&failed, "451", true).await;
    let part = [block(MARKER, b"2"), block(0, b"part"), block(FAILED, b"")].concat();
    check_second(&part, "451", true).await;
}

#[tokio::test]
async fn a_file_the_store_refused_is_read_past_whatever_its_length() {
    let site = Site::start().await;
    let mut user = pipelined(&site).await;
    let mut data = user.passive().await;
    user.say("STOR nowhere/a").await;
    user.say("STOR b").await;
    assert!(user.reply().await.starts_with("55"));
    let mut octets = block(MARKER, b"1");
    for _ in 0..50 {
        octets.extend(block(0, &[b'x'; 60_000]));
    }
    octets.extend(block(END, b""));
    octets.extend(file("2", b"stored"));
    data.write_all(&octets).await.unwrap();
    assert_eq!(finals(&mut user, 1).await, ["250"]);
    assert_eq!(site.read("b"), b"stored");
}

#[tokio::test]
async fn a_broken_connection_voids_the_arrangement_and_what_was_queued() {
    let site = Site::start().await;
    let mut user = pipelined(&site).await;
    let mut data = user.passive().await;
    for name in ["a", "b", "c"] {
        user.say(&format!("STOR {name}")).await;
    }
    let begun = [block(MARKER, b"2"), block(0, b"part")].concat();
    let octets = [file("1", b"first"), begun].concat();
    data.write_all(&octets).await.unwrap();
    drop(data);
    assert_eq!(finals(&mut user, 3).await, ["250", "426", "425"]);
    assert!(!site.home().join("b").exists());
}

#[tokio::test]
async fn abor_answers_every_queued_command_and_voids_the_arrangement() {
    let site = Site::start().await;
    let mut user = pipelined(&site).await;
    let _data = user.passive().await;
    user.check("STOR a", "150").await;
    for line in ["STOR b", "STOR c", "ABOR", "STOR d"] {
        user.say(line).await;
    }
    let codes = finals(&mut user, 5).await;
    assert_eq!(codes, ["426", "426", "426", "226", "425"]);

    // The place of a refused command is given up as well.
    let _data = user.passive().await;
    user.check("STOR nowhere/a", "55").await;
    for line in ["STOR b", "ABOR"] {
        user.say(line).await;
    }
    assert_eq!(finals(&mut user, 2).await, ["426", "226"]);
}

#[tokio::test]
async fn more_commands_than_the_server_queues_wait_in_the_connection() {
    let site = Site::start().await;
    let mut user = pipelined(&site).await;
    let mut data = user.passive().await;
    for number in 1..=300 {
        user.say(&format!("STOR {number}")).await;
    }
    for number in 1..=300 {
        let octets = file(&number.to_string(), number.to_string().as_bytes());
        data.write_all(&octets).await.unwrap();
    }
    let codes = finals(&mut user, 300).await;
    assert!(codes.iter().all(|code| code == "250"), "{codes:?}");
    for number in 1..=300 {
        assert_eq!(
            site.read(&number.to_string()),
            number.to_string().as_bytes()
        );
    }
}

const MARKER: u8 = 16;
const END: u8 = 64;
const FAILED: u8 = 64 | 32;
