//! Any line: no panic, and a command that is read is written so that it is read the same.

use thirdhost_wire::Command;

pub(crate) fn run(line: &[u8]) {
    let Ok(command) = Command::parse(line) else {
        return;
    };
    let mut octets = Vec::new();
    command.encode(&mut octets);
    let line = octets
        .strip_suffix(b"\r\n")
        .expect("a command line ends in CRLF");
    assert!(!line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
    assert_eq!(Command::parse(line).as_ref(), Ok(&command));
    assert!(!command.to_string().contains(char::is_control));
}
