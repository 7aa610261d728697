//! FEAT: every extension in force. RFC 2389 section 3.

use crate::server::reply_text as text;
use crate::server::session::ServerPi;
use crate::server::{QUEUED_COMMANDS_MAX, TlsOffer};

pub(in crate::server) fn feat(pi: &mut ServerPi) {
    let mlst = format!("MLST {}", pi.facts.feature_parameters());
    let hash = format!("HASH {}", pi.hash.feature_parameters());
    let fixed = FEATURES.iter().map(|line| (*line).to_owned());
    let tls = (pi.settings.tls != TlsOffer::Absent).then_some(TLS_FEATURES);
    let tls = tls.into_iter().flatten().map(str::to_owned);
    let pipeline = format!("PIPELINE {QUEUED_COMMANDS_MAX}");
    let lines: Vec<String> = fixed.chain([hash, mlst, pipeline]).chain(tls).collect();
    pi.reply(text::features(lines));
}

/// Without HASH and MLST, whose lines tell what OPTS has chosen, and PIPELINE, whose line tells
/// a bound.
const FEATURES: &[&str] = &[
    "CEPR",
    "CLNT",
    "CSID",
    "EPRT",
    "EPSV",
    "ESTA",
    "ESTP",
    "HOST",
    "LANG EN*",
    "LSTN S;R;",
    "MDTM",
    "MFF modify;UNIX.mode;",
    "MFMT",
    "MODE B",
    "PARTS",
    "PRET",
    "RANG STREAM",
    "REST STREAM",
    "SITE CHMOD;HELP;IDLE;PARTS;UTIME;WHO",
    "SIZE",
    "SOCK IPv4;IPv6;ANY;",
    "TVFS",
    "UTF8",
    "XCRC",
    "XMD5",
    "XSHA",
    "XSHA1",
    "XSHA256",
    "XSHA512",
];

/// With a certificate.
const TLS_FEATURES: [&str; 6] = ["AUTH TLS", "CPSV", "PBSZ", "PROT", "SITE PEERCERT", "SSCN"];
