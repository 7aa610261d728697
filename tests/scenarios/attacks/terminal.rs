//! A server that speaks to the terminal of the user, and not to the program. Spec S-24. What it
//! does besides, at every step: the client's `tests/hostile.rs`.

use crate::support::liar::{Liar, Lie};
use crate::support::secret::User;
use crate::support::site::{SITE1, SITE2};

//= security#S-24
//= type=test
#[test]
fn nothing_a_server_says_moves_the_terminal() {
    for lies in LIES {
        let liars = [SITE1, SITE2].map(|host| Liar::start(host, lies));
        let [here, there] = liars.each_ref().map(|liar| liar.address);
        let user = User::new();
        user.put("file", b"bytes");
        let to = format!("ftp://alice@{there}/b");
        for arguments in [
            vec!["ls", "-v", &format!("ftp://alice@{here}/")],
            vec!["cp", "-v", "file", &to],
            vec!["cp", "-v", &format!("ftp://alice@{here}/a"), &to],
            vec!["cp", "--json", &format!("ftp://alice@{here}/a"), &to],
            vec!["stat", &format!("ftp://alice@{here}/a")],
            vec![
                "probe",
                &format!("ftp://alice@{here}/"),
                &format!("ftp://alice@{there}/"),
            ],
        ] {
            let output = user.run(&arguments);
            let told = [output.stdout, output.stderr].concat();
            let told = String::from_utf8_lossy(&told).into_owned();
            let bad = told.chars().find(|c| !is_harmless(*c));
            assert_eq!(bad, None, "{arguments:?} {lies:?}: {told:?}");
            // The server was heard: something of what it said is shown.
            let verbose = arguments.contains(&"-v");
            assert!(
                !verbose || told.contains("OWNED"),
                "{arguments:?} {lies:?}: {told:?}"
            );
        }
    }
}

/// Neither a control character nor one that turns round what is beside it.
fn is_harmless(c: char) -> bool {
    let turns =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == '\n' || c == '\t' || !c.is_control() && !turns
}

/// Titles, colours, a cleared screen, answers typed for the user; C1, BS, CR and bidi.
const LIES: [&[Lie]; 5] = [
    &[("", "220 \x1b]0;OWNED\x07\x1b[2J welcome")],
    &[
        ("", "220-\x1b[31mOWNED\r\n  \x1b[6n\r\n220 \u{9b}2J"),
        ("PASS", "530 no\x08\x08\x08OWNED"),
    ],
    &[("PASS", "530 \x1bP+q544e\x1b\\OWNED")],
    &[
        ("USER", "331 \u{202e}OWNED\u{2066} \u{200b}"),
        ("PASS", "530 \rOWNED"),
    ],
    &[
        ("STOR", "553 \x1b[1;1HOWNED"),
        ("SIZE", "550 \x7f\x1b[AOWNED"),
        ("MLSD", "550 \x1b[BOWNED"),
        ("LIST", "550 \x1b[BOWNED"),
        ("NLST", "550 \x1b[BOWNED"),
        ("", "220 OWNED"),
    ],
];
