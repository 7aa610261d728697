//! Python's ftplib: the client that many scripts are written with, and its ftpcp.

use std::process::Command;

use super::{Host, ODD_NAME, output, require};
use crate::support::site::{SITE1, SITE2};

#[test]
fn ftplib_does_what_scripts_do() {
    if !require("python3") {
        return;
    }
    let host = Host::start();
    host.put("there", "0123456789");
    host.put("text", "one\ntwo\n");
    output(
        python(SCRIPT)
            .arg(host.daemon.address.port().to_string())
            .arg(ODD_NAME),
    );
    assert_eq!(host.read("made/stored"), b"binary\r\n\0bytes");
    assert_eq!(host.read("lines"), b"eins\nzwei\n");
    assert_eq!(host.read("renamed"), b"0123456789");
    assert_eq!(host.read(ODD_NAME), b"odd");
    assert!(!host.path("there").exists() && !host.path("doomed").exists());
}

#[test]
fn ftplib_aborts_a_transfer_and_goes_on() {
    if !require("python3") {
        return;
    }
    let host = Host::start();
    host.put("large", vec![42; 32 << 20]);
    output(python(ABORT).arg(host.daemon.address.port().to_string()));
}

/// Both ways round: `ftpcp` has the source listen; its destination calls.
//= spec#T-20
#[test]
fn ftpcp_copies_between_two_hosts_of_ours() {
    if !require("python3") {
        return;
    }
    let (one, two) = (Host::start_at(SITE1), Host::start_at(SITE2));
    let large: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 247) as u8).collect();
    one.put("PROG1.PL1", &large);
    for (from, to) in [(&one, &two), (&two, &one)] {
        let (from, to) = (from.daemon.address, to.daemon.address);
        let mut copy = python(FTPCP);
        copy.args([from.ip().to_string(), from.port().to_string()]);
        copy.args([to.ip().to_string(), to.port().to_string()]);
        output(&mut copy);
    }
    assert!(two.read("PROG2.PL1") == large);
    assert!(one.read("PROG3.PL1") == large);
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", script]);
    command
}

const SCRIPT: &str = r#"
import ftplib, io, sys
ftp = ftplib.FTP()
ftp.connect("127.0.0.1", int(sys.argv[1]), timeout=60)
assert ftp.getwelcome().startswith("220")
ftp.login("alice", "secret")
assert ftp.pwd() == "/"
assert sorted(ftp.nlst()) == ["text", "there"], ftp.nlst()
facts = dict(ftp.mlsd(facts=["type", "size"]))
assert facts["there"]["type"] == "file" and facts["there"]["size"] == "10", facts
got = []
ftp.retrbinary("RETR there", got.append)
assert b"".join(got) == b"0123456789"
got = []
ftp.retrbinary("RETR there", got.append, rest=4)
assert b"".join(got) == b"456789"
ftp.set_pasv(False)
got = []
ftp.retrbinary("RETR there", got.append)
assert b"".join(got) == b"0123456789"
ftp.set_pasv(True)
lines = []
ftp.retrlines("RETR text", lines.append)
assert lines == ["one", "two"], lines
listed = []
ftp.dir(listed.append)
assert len(listed) == 2, listed
ftp.storlines("STOR lines", io.BytesIO(b"eins\nzwei\n"))
assert ftp.mkd("made") == "/made"
ftp.cwd("made")
assert ftp.pwd() == "/made"
ftp.storbinary("STOR stored", io.BytesIO(b"binary\r\n\0bytes"))
ftp.voidcmd("TYPE I")
assert ftp.size("stored") == 14
ftp.cwd("..")
assert ftp.pwd() == "/"
ftp.storbinary("STOR " + sys.argv[2], io.BytesIO(b"odd"))
assert sys.argv[2] in ftp.nlst(), ftp.nlst()
ftp.storbinary("STOR doomed", io.BytesIO(b"x"))
ftp.delete("doomed")
ftp.rename("there", "renamed")
ftp.mkd("made/inner")
ftp.rmd("made/inner")
for refused in [lambda: ftp.rmd("made"), lambda: ftp.delete("missing"), lambda: ftp.cwd("none")]:
    try:
        refused()
    except ftplib.error_perm as error:
        assert str(error).startswith("550"), error
    else:
        raise AssertionError("not refused")
assert ftp.sendcmd("MDTM renamed").startswith("213 ")
assert ftp.quit().startswith("221")
"#;

const ABORT: &str = r#"
import ftplib, sys
ftp = ftplib.FTP()
ftp.connect("127.0.0.1", int(sys.argv[1]), timeout=60)
ftp.login("alice", "secret")
ftp.voidcmd("TYPE I")
connection = ftp.transfercmd("RETR large")
connection.recv(1000)
reply = ftp.abort()
assert reply.startswith("426"), reply
connection.close()
assert ftp.getresp().startswith("226")
assert ftp.pwd() == "/"
got = []
ftp.retrbinary("RETR large", got.append)
assert len(b"".join(got)) == 32 << 20
ftp.quit()
"#;

const FTPCP: &str = r#"
import ftplib, sys
def site(host, port):
    ftp = ftplib.FTP()
    ftp.connect(host, int(port), timeout=60)
    ftp.login("alice", "secret")
    return ftp
one, two = site(*sys.argv[1:3]), site(*sys.argv[3:5])
names = one.nlst()
name = "PROG1.PL1" if "PROG1.PL1" in names else "PROG2.PL1"
ftplib.ftpcp(one, name, two, "PROG2.PL1" if name == "PROG1.PL1" else "PROG3.PL1", "I")
one.quit()
two.quit()
"#;
