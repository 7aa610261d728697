//! Patterns and listings made to cost much: each costs little, and is answered. Spec S-54, S-55.
//! How many stars, and how many names: the server's `tests/verbs/listings.rs`.

use std::fs;

use super::rounds;
use crate::support::peer;
use crate::support::site::{SITE1, Site, USER};

//= security#S-54
//= type=test
//= security#S-55
//= type=test
#[test]
fn no_pattern_lists_more_than_a_directory_has() {
    let site = Site::start(SITE1);
    let long = "a".repeat(200);
    for number in 0..FILES {
        site.put(&format!("{long}{number}"), "");
    }
    let mut deep = site.path("d");
    for _ in 0..20 {
        fs::create_dir(&deep).unwrap();
        deep.push("d");
    }
    let mut user = site.user();
    for _ in 0..rounds(1, 5) {
        for bomb in bombs() {
            for verb in ["LIST", "NLST", "LIST -R", "LIST -laR", "MLSD", "STAT"] {
                let line = format!("{verb} {bomb}");
                let at = user.pasv();
                user.send(&line);
                let first = user.reply();
                let told = match first.code {
                    150 => peer::receive_all(peer::call(USER, at)),
                    _ => first.raw.clone().into_bytes(),
                };
                if first.code == 150 {
                    assert!([226, 451, 550].contains(&user.reply().code), "{line}");
                }
                let lines = told.iter().filter(|octet| **octet == b'\n').count();
                assert!(lines <= FILES + 4, "{line}: {lines} lines");
            }
        }
    }
    user.ask("QUIT", 221);
    site.until_only(0, 0);
}

/// Known ones, and their kin.
fn bombs() -> Vec<String> {
    let mut bombs: Vec<String> = [
        "{{*/..,..},..}/*/../*",
        "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
        "*/../*/../*/../*/../*/../*/../*",
        "../*/../*/../*",
        "~*",
        "~{a,b",
        "[a-",
        "[",
        "[]",
        "[!a]*[!a]*[!a]*",
        "*a*a*a*b",
        "?*?*?*",
        "a*a*a*",
        "\\",
        "*\\",
        "-RRRRRRRRRRRRRRRRRRRR",
        "--",
        "-laR -laR -laR *",
        "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d",
        ".",
        "*",
    ]
    .map(str::to_owned)
    .to_vec();
    bombs.push("*a".repeat(40));
    bombs.push("{".repeat(1000));
    bombs.push("{a,".repeat(500));
    bombs.push("[a-z]".repeat(300));
    bombs.push("?".repeat(255));
    bombs.push("d/../".repeat(300));
    bombs
}

const FILES: usize = 2_000;
