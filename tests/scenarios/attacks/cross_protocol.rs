//! Somebody makes a browser, a mailer or another program talk to the server: the talk ends soon,
//! nothing of it is done, and nothing is said back that the other could take for its own. ALPACA
//! (CVE-2021-3618), spec S-38, S-62.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::support::peer;
use crate::support::site::{SITE1, Site, USER};

//= security#S-38
//= type=test
//= security#S-62
//= type=test
#[test]
fn other_protocols_end_soon_do_nothing_and_are_not_reflected() {
    let site = Site::start(SITE1);
    site.put("victim", "here");
    for talk in TALKS {
        let talk = talk.replace("TOKEN", TOKEN);
        for pieces in [talk.len(), 1, 7] {
            let mut stream = peer::call(USER, site.address);
            stream.set_nodelay(true).unwrap();
            for piece in talk.as_bytes().chunks(pieces) {
                // The server may have closed long before the end.
                if stream.write_all(piece).is_err() {
                    break;
                }
            }
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut told = Vec::new();
            let end = stream
                .read_to_end(&mut told)
                .err()
                .map(|error| error.kind());
            let is_left = matches!(end, Some(std::io::ErrorKind::WouldBlock));
            let told = String::from_utf8_lossy(&told);
            assert!(!is_left, "{talk:?} goes on: {told}");
            assert!(
                !told.contains(TOKEN) && !told.contains('<'),
                "{talk:?}: {told}"
            );
            let lines = told.lines().count();
            assert!(lines <= MOST_LINES, "{talk:?}: {told}");
            assert!(
                told.lines().all(|line| !line.starts_with("230")),
                "{talk:?}: {told}"
            );
        }
    }
    assert_eq!(site.read("victim"), b"here");
    assert_eq!(site.names(), ["victim"]);
    site.until_only(0, 0);
}

//= security#S-62
//= type=test
#[test]
fn no_error_says_back_what_was_sent() {
    let site = Site::start(SITE1);
    for verb in VERBS {
        let mut user = site.user();
        for argument in [
            "<script>alert('TOKEN')</script>",
            "(127,0,0,1,0,22) TOKEN",
            "|||22| TOKEN",
            "TOKEN\x1b[2J",
        ] {
            let argument = argument.replace("TOKEN", TOKEN);
            let at = if verb == "USER" {
                site.address
            } else {
                user.pasv()
            };
            user.send(format!("{verb} {argument}"));
            let reply = user.reply();
            assert!(!reply.raw.contains(TOKEN), "{verb}: {}", reply.raw);
            if reply.code == 150 {
                peer::call(USER, at);
                user.reply();
            }
        }
    }
}

/// Other programs open with these.
const TALKS: [&str; 22] = [
    "GET /TOKEN HTTP/1.1\r\nHost: victim\r\nUser-Agent: TOKEN\r\n\r\n",
    "GET /<script>TOKEN</script> HTTP/1.0\r\n\r\n",
    "HEAD /TOKEN HTTP/1.1\r\nHost: victim\r\n\r\n",
    "POST /TOKEN HTTP/1.1\r\nHost: v\r\nContent-Length: 99\r\n\r\n\
     USER alice\r\nPASS secret\r\nDELE victim\r\n",
    "PUT /TOKEN HTTP/1.1\r\nHost: v\r\nContent-Length: 99\r\n\r\n\
     USER alice\r\nPASS secret\r\nDELE victim\r\n",
    "DELETE /victim HTTP/1.1\r\nHost: TOKEN\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: TOKEN\r\nOrigin: http://TOKEN\r\n\r\n",
    "CONNECT victim:25 HTTP/1.1\r\nHost: TOKEN\r\n\r\n",
    "PROPFIND / HTTP/1.1\r\nHost: TOKEN\r\n\r\n",
    "TRACE /TOKEN HTTP/1.1\r\nHost: TOKEN\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\r\n\r\nGET /TOKEN HTTP/1.1\r\nHost: v\r\n\r\n",
    "EHLO TOKEN\r\nMAIL FROM:<TOKEN@v>\r\nRCPT TO:<v@v>\r\nDATA\r\nUSER alice\r\n.\r\nQUIT\r\n",
    "HELO TOKEN\r\nMAIL FROM:<TOKEN@v>\r\n",
    "a1 LOGIN alice TOKEN\r\na2 SELECT INBOX\r\na3 LOGOUT\r\na4 NOOP\r\n",
    "CAPA\r\nAPOP alice TOKEN\r\nUIDL\r\nTOP 1 1\r\n",
    "SSH-2.0-TOKEN\r\nx\r\nx\r\nx\r\n",
    "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n",
    "INVITE sip:TOKEN@v SIP/2.0\r\nVia: SIP/2.0/TCP v\r\nFrom: TOKEN\r\nTo: x\r\n\r\n",
    "NICK TOKEN\r\nJOIN #TOKEN\r\nPRIVMSG #TOKEN :hi\r\n",
    "\u{16}\u{3}\u{1}\u{2}TOKEN\r\n",
    "RTSP DESCRIBE TOKEN\r\nCSeq: 1\r\nTransport: TOKEN\r\nRange: x\r\n",
];

const VERBS: [&str; 48] = [
    "XYZZY", "USER", "CWD", "SMNT", "RETR", "APPE", "RNFR", "RNTO", "DELE", "RMD", "LIST", "NLST",
    "MLST", "MLSD", "SIZE", "MDTM", "STAT", "HASH", "XCRC", "XMD5", "XSHA256", "MFMT", "MFF",
    "SITE", "ERET", "ESTO", "PORT", "EPRT", "SOCK", "LSTN", "PASV", "EPSV", "TYPE", "STRU", "MODE",
    "ALLO", "REST", "OPTS", "HELP", "HOST", "LANG", "AUTH", "PROT", "PBSZ", "CCC", "RANG", "ACCT",
    "CLNT",
];

const TOKEN: &str = "x7f3a91x";

/// The greeting, two errors, and the goodbye.
const MOST_LINES: usize = 4;

/// Far less than the minute that a session may stay without a login.
const PATIENCE: Duration = Duration::from_secs(20);
