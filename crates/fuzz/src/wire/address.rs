//! Any text where replies and commands carry addresses: what is read is written the same.

use thirdhost_wire as wire;
use thirdhost_wire::{Command, HostSocket, Reply, ReplyCode};

pub(crate) fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    for code in ["PORT", "EPRT", "SOCK", "LSTN", "EPSV"] {
        let Ok(command) = Command::parse(format!("{code} {text}").as_bytes()) else {
            continue;
        };
        let line = command.to_string();
        assert_eq!(Command::parse(line.as_bytes()).as_ref(), Ok(&command));
    }
    let reply = |code| ReplyCode::new(code).map(|code| Reply::new(code, text));
    if let Some(Ok(socket)) = reply(227).map(|reply| wire::passive_socket(&reply)) {
        let written = wire::passive_reply(socket).expect("227 names IPv4 sockets");
        assert_eq!(wire::passive_socket(&written), Ok(socket));
    }
    if let Some(Ok(found)) = reply(229).map(|reply| wire::extended_passive(&reply)) {
        let written = match found.host {
            None => wire::extended_passive_reply(found.port),
            Some(host) => wire::custom_extended_passive_reply(
                HostSocket::new(host, found.port).expect("a port that was read is not 0"),
            ),
        };
        assert_eq!(wire::extended_passive(&written), Ok(found));
    }
    if let Some(Ok(port)) = reply(255).map(|reply| wire::data_socket(&reply)) {
        assert_eq!(wire::data_socket(&wire::data_socket_reply(port)), Ok(port));
    }
    if let Some(Ok(name)) = reply(257).map(|reply| wire::quoted_pathname(&reply)) {
        let written = wire::pathname_reply(name.as_str(), "created");
        assert_eq!(wire::quoted_pathname(&written), Ok(name));
    }
    if let Some(Ok(time)) = reply(213).map(|reply| wire::modification_time(&reply)) {
        assert_eq!(time.to_string().parse(), Ok(time));
    }
}
