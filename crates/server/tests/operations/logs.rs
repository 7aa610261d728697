//! The log and the xferlog.

use std::fs;
use std::io::{Read, Write};

use serde_json::Value;

use crate::daemon::{Site, User, text, third_host};

//= security#S-71
//= type=test
#[test]
fn s_71_a_json_log_has_one_object_per_transfer_that_says_who_met_whom_and_how() {
    let site = Site::new(
        "[log]\nformat = \"json\"",
        "{ send_to = [\"127.0.0.2/32\"] }",
    );
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("a b", b"seven77");
    let stored = json(&server.logged("\"transfer\""));
    for (key, expected) in [
        ("user", Value::from("alice")),
        ("control_peer", "127.0.0.1".into()),
        ("arranged", "epsv".into()),
        ("third_party", false.into()),
        ("direction", "receive".into()),
        ("operation", "store".into()),
        ("path", "/a b".into()),
        ("octets", 7.into()),
        ("outcome", "completed".into()),
        ("level", "INFO".into()),
    ] {
        assert_eq!(stored[key], expected, "{key} {stored}");
    }
    assert!(
        stored["data_peer"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert!(stored["seconds"].as_f64().unwrap() >= 0.0);

    let (third, eprt) = third_host();
    alice.command(&eprt, "200");
    alice.command("RETR a b", "150");
    let mut content = Vec::new();
    third.accept().unwrap().0.read_to_end(&mut content).unwrap();
    alice.expect("226");
    let sent = json(&server.logged("\"transfer\""));
    assert_eq!(content, b"seven77");
    assert_eq!(sent["third_party"], Value::from(true), "{sent}");
    assert_eq!(sent["arranged"], Value::from("port"), "{sent}");
    let third = third.local_addr().unwrap().to_string();
    assert_eq!(sent["data_peer"], Value::from(third), "{sent}");
}

/// Several may come in one segment: each has its own octets.
//= security#S-71
//= type=test
#[test]
fn s_71_each_file_of_a_pipeline_is_on_record_with_its_own_octets() {
    let site = Site::new("[log]\nformat = \"json\"", "{}");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.command("MODE B", "200");
    alice.command("OPTS PIPELINE ON", "200");
    let mut data = alice.passive();
    alice.command("STOR a", "150");
    let marked = |number: &str, octets: &str| {
        let length = u8::try_from(octets.len()).unwrap();
        format!("\x10\0\x01{number}\x40\0{}{octets}", char::from(length)).into_bytes()
    };
    let files = [("1", "first"), ("2", "the second"), ("3", "")];
    let all: Vec<u8> = files
        .iter()
        .flat_map(|(number, octets)| marked(number, octets))
        .collect();
    data.write_all(&all).unwrap();
    for name in ["b", "c"] {
        alice.expect("250");
        alice.command(&format!("STOR {name}"), "125");
    }
    alice.expect("250");
    for (_, octets) in files {
        let stored = json(&server.logged("\"transfer\""));
        assert_eq!(stored["octets"], Value::from(octets.len()), "{stored}");
    }
}

//= security#S-63
//= type=test
#[test]
fn s_63_commands_and_names_of_users_stay_within_their_field_of_a_text_line() {
    let site = Site::new("[log]\nlevel = \"debug\"", "");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("x outcome=failed", b"");
    let line = server.logged(" transfer ");
    assert!(line.contains("path=\"/x outcome=failed\""), "{line}");
    assert!(line.contains(" outcome=\"completed\""), "{line}");
    alice.command("MDTM y\u{9b}2J user=root", "5");
    alice.command("NOOP", "200");
    while let line = server.logged("")
        && !line.contains("NOOP")
    {
        assert!(!line.contains('\u{9b}'), "{line:?}");
        let unquoted = line
            .split('"')
            .step_by(2)
            .any(|part| part.contains("user=root"));
        assert!(!unquoted, "{line}");
    }
}

//= security#S-29a
//= type=test
//= security#S-70
//= type=test
#[test]
fn s_70_no_log_holds_a_password_at_any_level() {
    let site = Site::new("[log]\nlevel = \"trace\"\nformat = \"json\"", "");
    let server = site.start(&[]);
    let mut mallory = User::connect(server.address);
    // A password typed where the name belongs is nobody's name.
    mallory.command("USER typed-too-early-secret", "331");
    mallory.command("PASS x", "530");
    mallory.command("USER alice", "331");
    mallory.command("PASS almost-secret", "530");
    mallory.command("PASS out of order secret", "503");
    server.alice().command("NOOP", "200");
    loop {
        let line = server.logged("");
        assert!(!line.contains("secret"), "{line}");
        if line.contains("NOOP") {
            return;
        }
    }
}

//= security#S-12
//= type=test
#[test]
fn a_refused_third_host_is_504_and_logged_with_user_command_and_target() {
    let site = Site::new("", "");
    let server = site.start(&[]);
    let mut alice = server.alice();
    for (command, verb) in [
        ("EPRT |1|192.0.2.9|5001|", "EPRT"),
        ("PORT 192,0,2,9,19,137", "PORT"),
        ("SOCK 192.0.2.9,5001", "SOCK"),
    ] {
        alice.command(command, "504");
        let line = server.logged("data connection refused");
        for part in ["WARN", "user=\"alice\"", verb, "192.0.2.9:5001"] {
            assert!(line.contains(part), "{command}: {part}: {line}");
        }
        alice.command("NOOP", "200");
    }
}

#[test]
fn a_transfer_that_ends_with_its_session_is_on_record() {
    let site = Site::new("", "");
    let server = site.start(&[]);
    let mut alice = server.alice();
    let connection = alice.passive();
    alice.command("STOR cut", "150");
    drop(alice);
    let line = server.logged(" transfer ");
    assert!(line.contains("outcome=\"stopped\""), "{line}");
    drop(connection);
}

#[test]
fn an_xferlog_is_written_and_opened_again_on_hup() {
    let site = Site::new("[log]\nxferlog = \"../xferlog\"", "");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("one two", b"12345");
    server.logged(" transfer ");
    let (log, rotated) = (site.path("xferlog"), site.path("xferlog.1"));
    let first = text(&log);
    assert!(
        first.ends_with(" 1 127.0.0.1 5 /one_two b _ i r alice ftp 0 * c\n"),
        "{first:?}"
    );
    fs::rename(&log, &rotated).unwrap();
    server.signal("HUP");
    server.logged("users reloaded");
    assert_eq!(alice.retrieve("one two"), b"12345");
    server.logged(" transfer ");
    assert_eq!(text(&rotated), first);
    let second = text(&log);
    assert!(
        second.ends_with(" 1 127.0.0.1 5 /one_two b _ o r alice ftp 0 * c\n"),
        "{second:?}"
    );
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

//= security#S-11
//= type=test
#[test]
fn a_third_host_gets_the_files_that_the_grant_names_and_the_log_says_which_rule_kept_another() {
    let site = Site::new("", "{ send_to = [\"127.0.0.2/32\"], paths = [\"/out\"] }");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.command("MKD out", "257");
    alice.store("out/f", b"seven77");
    alice.store("f", b"secret");
    let (third, eprt) = third_host();
    alice.command(&eprt, "200");
    let admitted = server.logged("third host admitted");
    assert!(admitted.contains("control_peer=127.0.0.1"), "{admitted}");
    assert!(admitted.contains("third_host=127.0.0.2"), "{admitted}");
    alice.command("RETR f", "504");
    let refused = server.logged("transfer refused");
    assert!(refused.contains("third_party.paths"), "{refused}");
    alice.command(&eprt, "200");
    alice.command("RETR out/f", "150");
    let mut content = Vec::new();
    third.accept().unwrap().0.read_to_end(&mut content).unwrap();
    alice.expect("226");
    assert_eq!(content, b"seven77");
}

/// Elsewhere the place of a refused file is filled over the data connection.
//= security#S-11
//= type=test
#[test]
fn a_pipeline_makes_no_connection_in_clear_to_a_third_host_that_wants_tls() {
    let site = Site::new("", "{ send_to = [\"127.0.0.2/32\"], tls = true }");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("f", b"content");
    alice.command("MODE B", "200");
    alice.command("OPTS PIPELINE ON", "200");
    let (third, eprt) = third_host();
    for command in ["RETR f", "RETR nothing"] {
        alice.command(&eprt, "200");
        alice.command(command, "5");
        // Served behind whatever is made of the place.
        alice.command("NOOP", "200");
        third.set_nonblocking(true).unwrap();
        third.accept().unwrap_err();
        alice.command(command, "425");
    }
}

/// What looks like options of `ls` is passed over when nothing has that name (spec Q-18).
//= security#S-11
//= type=test
#[test]
fn options_before_a_directory_do_not_list_to_a_third_host_what_the_grant_keeps_from_it() {
    let site = Site::new("", "{ send_to = [\"127.0.0.2/32\"], paths = [\"/out\"] }");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.command("MKD out", "257");
    alice.store("secret", b"secret");
    alice.command("CWD out", "250");
    let (third, eprt) = third_host();
    for listing in ["LIST -a /", "NLST -a /", "NLST -a /sec*"] {
        alice.command(&eprt, "200");
        alice.command(listing, "504");
    }
    alice.command(&eprt, "200");
    alice.command("NLST -a /out", "150");
    third.accept().unwrap();
    alice.expect("226");
}

#[test]
fn the_line_of_an_upload_has_its_hash_where_that_is_wanted() {
    let site = Site::new("[log]\nformat = \"json\"\nhash = \"SHA-256\"", "");
    let server = site.start(&[]);
    let mut alice = server.alice();
    alice.store("f", b"abc");
    let stored = json(&server.logged("\"transfer\""));
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(stored["hash"], Value::from(expected), "{stored}");
}
