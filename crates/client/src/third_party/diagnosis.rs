//! Why a server did not take part, and the line of its configuration that would let it.

use std::net::IpAddr;

use thirdhost_proto::third_party::{Arrangement, BySide, Cause, Failure, Side, Step};

use crate::Product;

/// Why a way did not work.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The server that has to be told, if one has.
    pub side: Option<Side>,
    /// Why, in half a sentence about that server.
    pub cause: &'static str,
    /// Where its configuration is.
    pub place: &'static str,
    /// What allows it there, as it is written; empty if nothing does.
    pub line: String,
}

/// A server, for the other one.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) product: Product,
    /// Where it is reached.
    pub(super) host: IpAddr,
}

/// What a failure says about the two servers.
pub(super) fn diagnose(ends: BySide<End>, listener: Side, failure: &Failure) -> Diagnosis {
    let (side, part) = blamed(listener, failure);
    let product = ends.of(side).product;
    let rule = RULES
        .iter()
        .find(|rule| rule.product == product && rule.part == part);
    match rule {
        None => Diagnosis {
            side: Some(side),
            cause: part.cause(),
            place: "",
            line: String::new(),
        },
        Some(rule) => {
            let key = match side {
                Side::Source => "send_to",
                Side::Destination => "receive_from",
            };
            let other = ends.of(side.opposite()).host;
            let line = rule.line.replace("{key}", key);
            Diagnosis {
                side: Some(side),
                cause: rule.cause,
                place: rule.place,
                line: line.replace("{other}", &network(other)),
            }
        }
    }
}

/// What FEAT has ruled out.
pub(super) fn not_offered(arrangement: Arrangement, listener: Side, reason: &str) -> Diagnosis {
    let side = match arrangement {
        Arrangement::Lstn if reason.contains("LSTN") => Some(listener),
        Arrangement::Lstn if reason.contains("SOCK") => Some(listener.opposite()),
        _ => None,
    };
    Diagnosis {
        side,
        cause: "does not know RFC 438",
        place: "",
        line: String::new(),
    }
}

/// Who refused, and what part it was to play.
fn blamed(listener: Side, failure: &Failure) -> (Side, Part) {
    let speaks_of_tls = |side: Side| {
        let reply = failure.of(side).and_then(Cause::reply);
        reply.is_some_and(|reply| {
            let text = reply.text().to_string().to_ascii_lowercase();
            reply.code().number() == NO_TLS || TLS_WORDS.iter().any(|word| text.contains(word))
        })
    };
    let by_tls = Side::BOTH.into_iter().find(|&side| speaks_of_tls(side));
    match (failure.step, by_tls) {
        (Step::Call, _) => (failure.side, Part::Calls),
        (Step::Listen | Step::Pin, _) => (failure.side, Part::Listens),
        (Step::Transfer, Some(side)) => (side, Part::Protects),
        // Both were arranged; it is the listener that looks at who calls, and many say nothing.
        (Step::Transfer, None) => (listener, Part::Listens),
        _ => (failure.side, Part::Other),
    }
}

/// What a server was to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Calls,
    Listens,
    Protects,
    Other,
}

impl Part {
    fn cause(self) -> &'static str {
        match self {
            Self::Calls => "calls nobody but the user's own host",
            Self::Listens => "does not let another host than the user's call",
            Self::Protects => "does not speak TLS with another server",
            Self::Other => "refused",
        }
    }
}

/// A network of one address.
fn network(host: IpAddr) -> String {
    match host {
        IpAddr::V4(host) => format!("{host}/32"),
        IpAddr::V6(host) => format!("{host}/128"),
    }
}

struct Rule {
    product: Product,
    part: Part,
    cause: &'static str,
    place: &'static str,
    line: &'static str,
}

const fn rule(
    product: Product,
    part: Part,
    cause: &'static str,
    place: &'static str,
    line: &'static str,
) -> Rule {
    Rule {
        product,
        part,
        cause,
        place,
        line,
    }
}

const CALLS: &str = "calls nobody but the user's own host";
const LISTENS: &str = "closes the connection of any host but the user's own";
const REUSE: &str = "wants the TLS session of the user's own connection";
const OURS: &str = "third_party = { {key} = [\"{other}\"] }";
const OURS_PLACE: &str = "the user's [[user]] table in thirdhostd's configuration";

/// What each server program has to be told.
const RULES: &[Rule] = &[
    rule(
        Product::Thirdhostd,
        Part::Calls,
        "calls no host that the user may not meet",
        OURS_PLACE,
        OURS,
    ),
    rule(
        Product::Thirdhostd,
        Part::Listens,
        "lets no host call that the user may not meet",
        OURS_PLACE,
        OURS,
    ),
    rule(
        Product::Thirdhostd,
        Part::Protects,
        "cannot check the other's certificate",
        "[tls] in thirdhostd's configuration",
        "peer_verify = \"none\"",
    ),
    rule(
        Product::Vsftpd,
        Part::Calls,
        CALLS,
        "vsftpd.conf",
        "port_promiscuous=YES",
    ),
    rule(
        Product::Vsftpd,
        Part::Listens,
        LISTENS,
        "vsftpd.conf",
        "pasv_promiscuous=YES",
    ),
    rule(
        Product::Vsftpd,
        Part::Protects,
        REUSE,
        "vsftpd.conf",
        "require_ssl_reuse=NO",
    ),
    rule(
        Product::Proftpd,
        Part::Calls,
        CALLS,
        "proftpd.conf",
        "AllowForeignAddress on",
    ),
    rule(
        Product::Proftpd,
        Part::Listens,
        LISTENS,
        "proftpd.conf",
        "AllowForeignAddress on",
    ),
    rule(
        Product::Proftpd,
        Part::Protects,
        REUSE,
        "proftpd.conf",
        "TLSOptions NoSessionReuseRequired",
    ),
    rule(
        Product::PureFtpd,
        Part::Calls,
        CALLS,
        "the command line of pure-ftpd (-W for anonymous users too)",
        "-w",
    ),
    rule(
        Product::PureFtpd,
        Part::Listens,
        LISTENS,
        "the command line of pure-ftpd (-W for anonymous users too)",
        "-w",
    ),
    rule(
        Product::Pyftpdlib,
        Part::Calls,
        CALLS,
        "the class of the FTPHandler",
        "permit_foreign_addresses = True",
    ),
    rule(
        Product::Pyftpdlib,
        Part::Listens,
        LISTENS,
        "the class of the FTPHandler",
        "permit_foreign_addresses = True",
    ),
    rule(
        Product::Sftpgo,
        Part::Calls,
        CALLS,
        "the binding under ftpd in sftpgo.json",
        "\"active_connections_security\": 1",
    ),
    rule(
        Product::Sftpgo,
        Part::Listens,
        LISTENS,
        "the binding under ftpd in sftpgo.json",
        "\"passive_connections_security\": 1",
    ),
    rule(
        Product::FileZilla,
        Part::Calls,
        "calls nobody but the user's own host, and no setting changes that",
        "",
        "",
    ),
    rule(
        Product::FileZilla,
        Part::Listens,
        "closes the connection of any host but the user's own, and no setting changes that",
        "",
        "",
    ),
    rule(
        Product::FileZilla,
        Part::Protects,
        "wants the TLS session of the user's own connection, and no setting changes that",
        "",
        "",
    ),
    rule(
        Product::Gridftp,
        Part::Calls,
        "calls other hosts unless PORT is switched off",
        "gridftp.conf, without PORT and EPRT",
        "disable_command_list",
    ),
];

/// 522: the TLS handshake on the data connection failed (RFC 4217 section 10.2).
const NO_TLS: u16 = 522;

/// How servers speak of it otherwise.
const TLS_WORDS: &[&str] = &["tls", "ssl", "session reuse", "resum"];

#[cfg(test)]
mod tests {
    use super::*;
    use thirdhost_wire::{Reply, ReplyCode};

    /// The source is that program, the destination unknown; it says this at that step.
    fn check(source: Product, listener: Side, step: Step, code: u16, text: &str, line: &str) {
        let end = |product, last| End {
            product,
            host: IpAddr::from([192, 0, 2, last]),
        };
        let ends = BySide {
            source: end(source, 1),
            destination: end(Product::Unknown, 2),
        };
        let failure = Failure {
            side: Side::Source,
            step,
            cause: Cause::Reply(Reply::new(ReplyCode::new(code).unwrap(), text)),
            other: None,
        };
        let found = diagnose(ends, listener, &failure);
        assert_eq!(found.side, Some(Side::Source), "{source} {text}");
        assert_eq!(found.line, line, "{source} {text}");
        assert_eq!(found.place.is_empty(), line.is_empty(), "{source} {text}");
    }

    #[test]
    fn who_does_not_call_another_host_is_told_what_to_write() {
        let text = "Illegal PORT command.";
        for (product, line) in [
            (Product::Vsftpd, "port_promiscuous=YES"),
            (Product::Proftpd, "AllowForeignAddress on"),
            (Product::PureFtpd, "-w"),
            (Product::Pyftpdlib, "permit_foreign_addresses = True"),
            (Product::Sftpgo, "\"active_connections_security\": 1"),
            (Product::Gridftp, "disable_command_list"),
            (Product::FileZilla, ""),
            (Product::Unknown, ""),
            (
                Product::Thirdhostd,
                "third_party = { send_to = [\"192.0.2.2/32\"] }",
            ),
        ] {
            check(product, Side::Destination, Step::Call, 500, text, line);
        }
    }

    #[test]
    fn who_does_not_let_another_host_call_is_told_what_to_write() {
        let text = "Security: Bad IP connecting.";
        for (product, line) in [
            (Product::Vsftpd, "pasv_promiscuous=YES"),
            (Product::Proftpd, "AllowForeignAddress on"),
            (Product::PureFtpd, "-w"),
            (Product::Pyftpdlib, "permit_foreign_addresses = True"),
            (Product::Sftpgo, "\"passive_connections_security\": 1"),
            (Product::FileZilla, ""),
            (Product::Unknown, ""),
        ] {
            check(product, Side::Source, Step::Transfer, 425, text, line);
        }
    }

    #[test]
    fn who_wants_its_own_tls_session_is_told_what_to_write() {
        let text = "SSL connection failed; session reuse required: see require_ssl_reuse";
        for (product, line) in [
            (Product::Vsftpd, "require_ssl_reuse=NO"),
            (Product::Proftpd, "TLSOptions NoSessionReuseRequired"),
            (Product::Thirdhostd, "peer_verify = \"none\""),
            (Product::FileZilla, ""),
        ] {
            check(product, Side::Destination, Step::Transfer, 522, text, line);
        }
    }
}
