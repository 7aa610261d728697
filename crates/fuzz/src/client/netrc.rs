//! Any `.netrc`: no panic, and what is written with quotes behind it is found.

#[path = "../../../client/src/bin/thirdhost/netrc.rs"]
mod file;

use crate::Input;

pub(crate) fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let mut word = || String::from_utf8_lossy(input.piece()).into_owned();
    let (host, user, password) = (word(), word(), word());
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    let _either = (
        file::find(text, &host, None),
        file::find(text, &host, Some(&user)),
    );
    let one_line = |word: &String| !word.contains(['\n', '\r']);
    if [&host, &user, &password].into_iter().all(one_line) {
        let quoted = |word: &str| {
            let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{escaped}\"")
        };
        let (host_q, user_q, password_q) = (quoted(&host), quoted(&user), quoted(&password));
        let text = format!("\n\nmachine {host_q} login {user_q} password {password_q}\n{text}");
        let found = file::find(&text, &host, Some(&user));
        assert_eq!(found, Some((user, password)));
    }
}
