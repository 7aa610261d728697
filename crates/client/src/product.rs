//! Which server program it is, told by its greeting and by FEAT.

use std::fmt;

use thirdhost_wire::Features;

/// A server program that is known to need or to allow something of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Product {
    /// thirdhostd.
    Thirdhostd,
    /// vsftpd.
    Vsftpd,
    /// ProFTPD.
    Proftpd,
    /// Pure-FTPd.
    PureFtpd,
    /// pyftpdlib, and what is made with it.
    Pyftpdlib,
    /// FileZilla Server.
    FileZilla,
    /// SFTPGo.
    Sftpgo,
    /// globus-gridftp-server.
    Gridftp,
    /// Another, or one that does not show itself.
    Unknown,
}

impl Product {
    /// Recognises a server. Greetings are often replaced, so FEAT is asked too.
    #[must_use]
    pub fn of(greeting: &str, features: &Features) -> Self {
        let greeting = greeting.to_ascii_lowercase();
        let said = GREETINGS.iter().find(|(mark, _)| greeting.contains(mark));
        if let Some((_, product)) = said {
            return *product;
        }
        let has = |names: &[&str]| names.iter().all(|name| features.has(name));
        // Facts in lower case are nobody else's.
        let facts = features.parameters("MLST").unwrap_or_default();
        match () {
            () if has(&["LSTN", "SOCK"]) => Self::Thirdhostd,
            () if has(&["ESTA", "ESTP"]) => Self::PureFtpd,
            () if has(&["SPAS", "ERET", "DCAU"]) => Self::Gridftp,
            () if facts.contains("unix.mode;unix.uid;unix.gid;") => Self::Pyftpdlib,
            () if has(&["RANG", "CSID", "MFF", "HOST"]) => Self::Proftpd,
            () => Self::Unknown,
        }
    }

    /// Whether it takes a data connection that speaks before STOR for a dead one, and closes it.
    ///
    /// Seen in pyftpdlib 2.2: what is readable before STOR or APPE counts as the peer's end.
    pub(crate) fn is_deaf_before_store(self) -> bool {
        self == Self::Pyftpdlib
    }

    /// Whether it reads one command after the other, however many come at once, while no
    /// transfer is under way.
    ///
    /// Seen in all of these; of others nothing is known.
    pub(crate) fn takes_commands_ahead(self) -> bool {
        matches!(
            self,
            Self::Thirdhostd | Self::Vsftpd | Self::Proftpd | Self::PureFtpd | Self::Pyftpdlib
        )
    }

    /// Whether RETR has to wait for the answer to PORT or EPRT.
    ///
    /// Seen in pyftpdlib 2.2: it calls when it is told whom, and what it is to send before it is
    /// connected it never sends.
    pub(crate) fn sends_only_when_connected(self) -> bool {
        self == Self::Pyftpdlib
    }

    /// Whether its calls may hang while it serves several sessions.
    ///
    /// Seen in pyftpdlib 2.2: at the next PORT, EPRT, PASV or EPSV of a session it takes the
    /// descriptor of that session's last call out of its `epoll` set, though the number belongs to
    /// another session's data connection by then, which is never served again.
    pub(crate) fn forgets_calls(self) -> bool {
        self == Self::Pyftpdlib
    }

    /// Whether a command that comes during a transfer is done after it. ProFTPD, Pure-FTPd and
    /// pyftpdlib answer it with an error.
    pub(crate) fn queues_behind_transfer(self) -> bool {
        matches!(self, Self::Thirdhostd | Self::Vsftpd)
    }

    /// Whether it drops the octets that are not ASCII from what it is sent, SIZE's name too, so
    /// that two names become one and nothing tells.
    ///
    /// Seen in globus-gridftp-server 13.24.
    pub(crate) fn drops_what_is_not_ascii(self) -> bool {
        self == Self::Gridftp
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thirdhostd => "thirdhostd",
            Self::Vsftpd => "vsftpd",
            Self::Proftpd => "ProFTPD",
            Self::PureFtpd => "Pure-FTPd",
            Self::Pyftpdlib => "pyftpdlib",
            Self::FileZilla => "FileZilla Server",
            Self::Sftpgo => "SFTPGo",
            Self::Gridftp => "GridFTP",
            Self::Unknown => "an unknown server",
        })
    }
}

/// What a greeting holds, in lower case.
const GREETINGS: &[(&str, Product)] = &[
    ("thirdhostd", Product::Thirdhostd),
    ("vsftpd", Product::Vsftpd),
    ("proftpd", Product::Proftpd),
    ("pure-ftpd", Product::PureFtpd),
    ("pyftpdlib", Product::Pyftpdlib),
    ("filezilla server", Product::FileZilla),
    ("sftpgo", Product::Sftpgo),
    ("gridftp", Product::Gridftp),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(greeting: &str, features: &[&str], expected: Product) {
        let mut known = Features::new();
        for line in features {
            let (name, parameters) = line.split_once(' ').unwrap_or((line, ""));
            known.add(name, parameters);
        }
        assert_eq!(
            Product::of(greeting, &known),
            expected,
            "{greeting:?} {features:?}"
        );
    }

    /// Greetings as the programs send them.
    #[test]
    fn a_server_is_known_by_its_greeting() {
        for (greeting, expected) in [
            ("(vsFTPd 3.0.3)", Product::Vsftpd),
            ("ProFTPD Server (ProFTPD) [192.0.2.1]", Product::Proftpd),
            (
                "--------- Welcome to Pure-FTPd [privsep] [TLS] ----------",
                Product::PureFtpd,
            ),
            ("pyftpdlib 2.2.0 ready.", Product::Pyftpdlib),
            ("FileZilla Server 1.8.2", Product::FileZilla),
            ("SFTPGo 2.6.2 ready", Product::Sftpgo),
            (
                "host GridFTP Server 13.24 (gcc64, 1653033972-1) ready.",
                Product::Gridftp,
            ),
            ("Welcome.", Product::Unknown),
        ] {
            check(greeting, &[], expected);
        }
    }

    #[test]
    fn a_server_whose_greeting_was_replaced_is_known_by_its_features() {
        check(
            "Hello",
            &["LSTN S;R;", "SOCK IPv4;IPv6;ANY;"],
            Product::Thirdhostd,
        );
        check(
            "Hello",
            &["ESTA", "PASV", "EPSV", "ESTP"],
            Product::PureFtpd,
        );
        check("Hello", &["DCAU", "ERET", "ESTO", "SPAS"], Product::Gridftp);
        let facts = "MLST type*;perm*;size*;modify*;unique*;unix.mode;unix.uid;unix.gid;";
        check("Hello", &[facts], Product::Pyftpdlib);
        let lines = ["CSID", "HOST", "MFF modify;", "RANG STREAM"];
        check("Hello", &lines, Product::Proftpd);
        check("Hello", &["EPSV", "SIZE"], Product::Unknown);
    }
}
