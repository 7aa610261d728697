//! Whoever asks for one data port after the other has one, and gives it back. Spec S-17, S-51.

use super::rounds;
use crate::support::peer;
use crate::support::site::{SITE1, SITE2, Site};
use crate::support::user::End;

//= security#S-17
//= type=test
//= security#S-51
//= type=test
#[test]
fn a_thousand_ports_in_a_row_are_one_at_a_time() {
    let range = 42_000..=42_063;
    let site = Site::configured(SITE2, |config| config.data_sockets.ports = range.clone());
    let mut user = site.user();
    let mut last = None;
    for turn in 0..rounds(200, 2_000) {
        for line in ["PASV", "LSTN R", "EPSV", "LSTN S", "SOCK"] {
            let x = match line {
                "PASV" => user.pasv().port(),
                "EPSV" => {
                    let raw = user.ask("EPSV", 229).raw;
                    raw.split('|').nth(3).unwrap().parse().unwrap()
                }
                // After PASV or LSTN it would say who may call.
                "SOCK" => {
                    user.ask("ABOR", 226);
                    user.sock_host(peer::ip(SITE1), 5000)
                }
                _ => user.lstn(&line[5..]),
            };
            assert!(range.contains(&x), "{line}: {x}");
            assert_eq!(site.server.ports_reserved(), 1, "{line}, turn {turn}");
            if let Some(before) = last.replace(x).filter(|before| *before != x) {
                assert!(peer::is_refused(site.at(before)), "{line}, turn {turn}");
            }
        }
    }
    user.ask("QUIT", 221);
    site.until_only(0, 0);
}

/// As many sessions as there are ports, each with one; then all die in their own way.
//= security#S-51
//= type=test
#[test]
fn ports_of_sessions_that_vanish_come_back() {
    let range = 43_000..=43_031;
    let site = Site::configured(SITE2, |config| config.data_sockets.ports = range);
    for _ in 0..rounds(3, 100) {
        let mut users: Vec<_> = (0..32).map(|_| site.user()).collect();
        for user in &mut users {
            user.lstn("R");
        }
        assert_eq!(site.server.ports_reserved(), 32);
        let mut late = site.user();
        late.send("PASV");
        assert_eq!(late.reply().code / 100, 4);
        for (number, user) in users.into_iter().enumerate() {
            user.vanish(if number % 2 == 0 {
                End::Close
            } else {
                End::Reset
            });
        }
        site.until_only(1, 0);
        late.pasv();
        late.ask("QUIT", 221);
        site.until_only(0, 0);
    }
}
