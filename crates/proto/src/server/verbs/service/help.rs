//! HELP: the commands, or the syntax of one. RFC 959 section 4.1.3.

use thirdhost_wire::{Text, Verb};

use crate::server::reply_text as text;
use crate::server::session::ServerPi;

pub(in crate::server) fn help(pi: &mut ServerPi, topic: Option<&Text>) {
    let Some(topic) = topic else {
        let lines: Vec<String> = SYNTAX.chunks(PER_LINE).map(line).collect();
        return pi.reply(text::help(lines));
    };
    let known = SYNTAX
        .iter()
        .find(|(verb, _)| verb.code().eq_ignore_ascii_case(topic.as_str()));
    pi.reply(match known {
        Some((verb, usage)) => text::help_on(*verb, usage),
        None => text::unknown_topic(),
    });
}

fn line(verbs: &[(Verb, &str)]) -> String {
    let codes: Vec<&str> = verbs.iter().map(|(verb, _)| verb.code()).collect();
    codes.join(" ")
}

const PER_LINE: usize = 10;

const SYNTAX: &[(Verb, &str)] = &[
    (Verb::User, "<name>"),
    (Verb::Pass, "<password>"),
    (Verb::Acct, "<account>"),
    (Verb::Cwd, "<pathname>"),
    (Verb::Cdup, ""),
    (Verb::Host, "<name>"),
    (Verb::Lang, "[EN]"),
    (Verb::Clnt, "<program>"),
    (Verb::Csid, "Name=<program>; Version=<version>;"),
    (Verb::Rein, ""),
    (Verb::Quit, ""),
    (Verb::Port, "h1,h2,h3,h4,p1,p2"),
    (Verb::Eprt, "|1 or 2|<address>|<port>|"),
    (Verb::Pasv, ""),
    (Verb::Epsv, "[1|2|ALL]"),
    (Verb::Cepr, "ON|OFF"),
    (Verb::Pret, "<command>"),
    (Verb::Algs, "STATUS64|ENABLE64|DISABLE64"),
    (Verb::Esta, ""),
    (Verb::Estp, ""),
    (Verb::Lstn, "S|R [1|2]"),
    (Verb::Sock, "[<host>,]<socket>"),
    (Verb::Type, "A|I|L 8"),
    (Verb::Stru, "F|R"),
    (Verb::Mode, "S|B"),
    (Verb::Retr, "<pathname>"),
    (Verb::Stor, "<pathname>"),
    (Verb::Stou, "[<pathname>]"),
    (Verb::Appe, "<pathname>"),
    (Verb::Allo, "<bytes>"),
    (Verb::Rest, "<offset or marker>"),
    (Verb::Rnfr, "<pathname>"),
    (Verb::Rnto, "<pathname>"),
    (Verb::Abor, ""),
    (Verb::Dele, "<pathname>"),
    (Verb::Rmd, "<pathname>"),
    (Verb::Mkd, "<pathname>"),
    (Verb::Pwd, ""),
    (Verb::List, "[<pathname>]"),
    (Verb::Nlst, "[<pathname>]"),
    (Verb::Mlst, "[<pathname>]"),
    (Verb::Mlsd, "[<pathname>]"),
    (Verb::Size, "<pathname>"),
    (Verb::Mdtm, "<pathname>"),
    (Verb::Hash, "<pathname>"),
    (Verb::Xcrc, "<pathname> [<start> <end>]"),
    (Verb::Xmd5, "<pathname> [<start> <end>]"),
    (Verb::Xsha, "<pathname> [<start> <end>]"),
    (Verb::Xsha1, "<pathname> [<start> <end>]"),
    (Verb::Xsha256, "<pathname> [<start> <end>]"),
    (Verb::Xsha512, "<pathname> [<start> <end>]"),
    (Verb::Rang, "<first octet> <last octet>"),
    (Verb::Mfmt, "<YYYYMMDDhhmmss> <pathname>"),
    (Verb::Mff, "modify=<time>;UNIX.mode=<octal>; <pathname>"),
    (Verb::Site, "<subcommand>; SITE HELP lists them"),
    (Verb::Syst, ""),
    (Verb::Stat, "[<pathname>]"),
    (Verb::Help, "[<command>]"),
    (Verb::Feat, ""),
    (Verb::Opts, "<command> [<options>]"),
    (Verb::Noop, ""),
    (Verb::Auth, "TLS"),
    (Verb::Pbsz, "0"),
    (Verb::Prot, "C|P"),
    (Verb::Ccc, ""),
    (Verb::Sscn, "[ON|OFF]"),
    (Verb::Cpsv, ""),
];
