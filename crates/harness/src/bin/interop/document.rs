//! The published table: `crates/client/INTEROP.md`.

use std::fs;
use std::io;
use std::path::PathBuf;

use thirdhost_harness::peers::{self, Running, TlsEnd};

use crate::copy::{SIZES, Way};
use crate::expected;

/// What was found out about a pair.
pub(crate) struct Row {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) tls: bool,
    pub(crate) way: Way,
    pub(crate) refusals: Vec<String>,
}

/// A server and its version.
pub(crate) struct Server {
    name: &'static str,
    version: String,
}

pub(crate) fn servers(running: &[Running]) -> Vec<Server> {
    let server = |running: &Running| Server {
        name: running.peer().name(),
        version: running.version(),
    };
    running.iter().map(server).collect()
}

/// Writes what was found out.
pub(crate) fn write(servers: &[Server], rows: &[Row]) -> io::Result<()> {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let sizes = SIZES.map(|size| size.to_string()).join(", ");
    let mut text = format!(
        "# Between which servers files go directly\n\n\
         Found out by `cargo xtask interop --write` on {today}. Every server was allowed to take \
         part in third-party transfers; what\neach has to be told, `thirdhost probe` says. Files \
         of {sizes} bytes were copied by `thirdhost cp -r` from the server of\nthe row to that of \
         the column and compared byte for byte.\n\n| server | version |\n|---|---|\n"
    );
    for Server { name, version } in servers {
        text.push_str(&format!("| {name} | {version} |\n"));
    }
    text.push_str(&tables(rows));
    fs::write(file(), text)
}

/// Whether what is published is what was found out; `true` if not all pairs were looked at.
pub(crate) fn holds(rows: &[Row]) -> io::Result<bool> {
    let all = peers::ALL.len();
    let with_tls = peers::ALL.iter().filter(|peer| peer.tls() != TlsEnd::None);
    let with_tls = with_tls.count();
    if rows.len() < all * all + with_tls * with_tls {
        return Ok(true);
    }
    Ok(fs::read_to_string(file())?.ends_with(&tables(rows)))
}

/// What does not change from one day to the next.
fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    for tls in [false, true] {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.tls == tls).collect();
        text.push_str(if tls {
            "\n## Under TLS, control and data\n\n"
        } else {
            "\n## In clear text\n\n"
        });
        table(&mut text, &rows);
    }
    text.push_str(
        "\n`LSTN`: LSTN and SOCK (RFC 438), each server knows the other's host and port. `EPSV`: \
         EPSV and EPRT (RFC 2428). `PASV`: PASV and\nPORT (RFC 959). The destination listens and \
         the source calls, unless the table says otherwise.\n",
    );
    text
}

fn table(text: &mut String, rows: &[&Row]) {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.to) {
            names.push(row.to);
        }
    }
    text.push_str(&format!("| from \\ to | {} |\n", names.join(" | ")));
    text.push_str(&format!("|---|{}\n", "---|".repeat(names.len())));
    let mut notes: Vec<&str> = Vec::new();
    for from in &names {
        let cells = rows.iter().filter(|row| row.from == *from);
        let cells: Vec<String> = cells.map(|row| cell(row, &mut notes)).collect();
        text.push_str(&format!("| {from} | {} |\n", cells.join(" | ")));
    }
    for (number, note) in notes.iter().enumerate() {
        text.push_str(&format!("\n({}) {note}.\n", number + 1));
    }
}

fn cell(row: &Row, notes: &mut Vec<&'static str>) -> String {
    match (&row.way, expected::relay_only(row)) {
        (Way::Direct { arrangement, .. }, _) => {
            let listens = match row.way.listener() {
                Some("source") => ", source listens",
                _ => "",
            };
            format!("{}{listens}", arrangement.to_uppercase())
        }
        (Way::Relay, Some(why)) => {
            let known = notes.iter().position(|note| *note == why);
            let number = known.unwrap_or_else(|| {
                notes.push(why);
                notes.len() - 1
            });
            format!("relay ({})", number + 1)
        }
        (Way::Relay, None) => "relay".to_owned(),
        (Way::Failed(_), _) => "FAILED".to_owned(),
    }
}

fn file() -> PathBuf {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    crates.join("client/INTEROP.md")
}
