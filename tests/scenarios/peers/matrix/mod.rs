//! Every program × what it is asked to do × how it connects × the name of the file.
//!
//! A cell that a program cannot do is in the matrix too, with the reason: see [`Cannot`]. To read
//! the matrices: `cargo nextest run -p scenarios matrix --no-capture`.

mod cells;
mod curl;
mod ftplib;
mod inetutils;
mod lftp;
mod rclone;
mod site;
mod tnftp;
mod wget;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use self::cells::{Cell, Security, VERBS, Verb, columns};
use self::site::{Outcome, Site};
use super::require;

#[test]
fn every_cell_of_the_matrix_of_curl_holds() {
    check(&curl::CURL);
}

#[test]
fn every_cell_of_the_matrix_of_ftplib_holds() {
    check(&ftplib::FTPLIB);
}

#[test]
fn every_cell_of_the_matrix_of_inetutils_ftp_holds() {
    check(&inetutils::INETUTILS);
}

#[test]
fn every_cell_of_the_matrix_of_lftp_holds() {
    check(&lftp::LFTP);
}

#[test]
fn every_cell_of_the_matrix_of_rclone_holds() {
    check(&rclone::RCLONE);
}

#[test]
fn every_cell_of_the_matrix_of_tnftp_holds() {
    check(&tnftp::TNFTP);
}

#[test]
fn every_cell_of_the_matrix_of_wget_holds() {
    check(&wget::WGET);
}

/// A program that speaks FTP, and how it is told what to do.
struct Client {
    program: &'static str,
    told: fn(&Task) -> Told,
    cannot: &'static [Cannot],
}

/// What a program is to do, where, and with which files.
struct Task<'a> {
    verb: Verb,
    security: Security,
    server: SocketAddr,
    /// The certificate to be believed, in PEM.
    certificate: &'a Path,
    /// The name at the server. Beneath `moved` is where a renamed file goes.
    name: &'a str,
    /// The program's own file.
    own: &'a str,
}

/// A command, and what it reads on stdin. It runs in a directory of its own, which is its home.
struct Told {
    command: Command,
    input: String,
}

/// Cells that a program cannot do, and why: its own fault or choice, never the server's.
struct Cannot {
    when: fn(&Cell) -> bool,
    why: &'static str,
}

impl Task<'_> {
    /// `ftp://127.0.0.1:50123/`
    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/", self.server)
    }

    /// Where a renamed file goes.
    fn moved(&self) -> String {
        format!("moved/{}", self.name)
    }
}

impl From<Command> for Told {
    fn from(command: Command) -> Self {
        Self {
            command,
            input: String::new(),
        }
    }
}

/// Does every cell, prints the matrix, and fails when a cell failed.
fn check(client: &Client) {
    if !require(client.program) {
        return;
    }
    let site = Site::start();
    let mut failures = Vec::new();
    println!("{}: a dash is what it cannot do", client.program);
    println!(
        "{:24}{}",
        "",
        VERBS.map(|verb| format!("{verb:?}")).join(" ")
    );
    for column in columns() {
        let mut line = format!("{:24}", column.to_string());
        for verb in VERBS {
            let cell = Cell { verb, column };
            let mark = match site.try_cell(client, &cell) {
                Outcome::Done => "ok",
                Outcome::Cannot => "-",
                Outcome::Failed(failure) => {
                    failures.push(format!("{verb:?} {column}: {failure}"));
                    "FAILED"
                }
            };
            let width = format!("{verb:?} ").len();
            line.push_str(&format!("{mark:width$}"));
        }
        println!("{}", line.trim_end());
    }
    for cannot in client.cannot {
        println!("- {}", cannot.why);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// As a URL has it.
fn escaped(name: &str) -> String {
    name.bytes().map(|octet| format!("%{octet:02X}")).collect()
}
