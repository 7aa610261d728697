//! `known_servers`: certificates believed because they were seen before (trust on first use).
//!
//! One line for each server and certificate: `host:port SHA256 <64 hexadecimal digits>`. Empty
//! lines and lines that begin with `#` mean nothing. A server with several lines may show any of
//! those certificates, so that a new one can be announced before it comes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Fingerprint;

/// The file.
#[derive(Clone, Debug)]
pub(super) struct KnownServers {
    path: PathBuf,
}

impl KnownServers {
    /// It need not be there yet.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The certificates of a server, the oldest first.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or a line of this server cannot.
    pub(super) fn of(&self, server: &str) -> io::Result<Vec<Fingerprint>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.starts_with('#'));
        let mut found = Vec::new();
        for line in lines {
            let mut words = line.split_whitespace();
            if !words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(server))
            {
                continue;
            }
            // SECURITY: a line of this server that cannot be read must not count as none.
            let unreadable =
                || io::Error::new(io::ErrorKind::InvalidData, format!("{EXPECTED}: {line}"));
            let fingerprint = match (words.next(), words.next(), words.next()) {
                (Some("SHA256"), Some(digits), None) => digits.parse().map_err(|_| unreadable())?,
                _ => return Err(unreadable()),
            };
            found.push(fingerprint);
        }
        Ok(found)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn add(&self, server: &str, fingerprint: Fingerprint) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        // Who edited the file may have left its last line without an end.
        let before = match fs::read(&self.path)?.last() {
            None | Some(b'\n') => "",
            Some(_) => "\n",
        };
        // One write, so that two that run at once do not mix their lines.
        file.write_all(format!("{before}{server} SHA256 {fingerprint}\n").as_bytes())
    }
}

const EXPECTED: &str = "expected `host:port SHA256 <64 hexadecimal digits>`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_under_its_name_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let known = KnownServers::at(directory.path().join("a/known_servers"));
        let [one, two] = [Fingerprint::of(b"1"), Fingerprint::of(b"2")];
        assert_eq!(known.of("h:21").unwrap(), []);
        known.add("h:21", one).unwrap();
        known.add("h:990", two).unwrap();
        known.add("h:21", two).unwrap();
        assert_eq!(known.of("H:21").unwrap(), [one, two]);
        assert_eq!(known.of("h:990").unwrap(), [two]);
        assert_eq!(known.of("h:2").unwrap(), []);
    }

    #[test]
    fn a_last_line_without_an_end_is_not_written_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("known_servers");
        let known = KnownServers::at(path.clone());
        let [one, two] = [Fingerprint::of(b"1"), Fingerprint::of(b"2")];
        fs::write(&path, format!("h:21 SHA256 {one}")).unwrap();
        known.add("o:21", two).unwrap();
        assert_eq!(known.of("h:21").unwrap(), [one]);
        assert_eq!(known.of("o:21").unwrap(), [two]);
    }

    #[test]
    fn a_line_that_cannot_be_read_does_not_make_its_server_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("known_servers");
        let known = KnownServers::at(path.clone());
        let one = Fingerprint::of(b"1");
        for broken in [
            "h:21",
            "h:21 SHA256",
            "h:21 MD5 00",
            "h:21 SHA256 00",
            "h:21 SHA256 x y",
        ] {
            fs::write(&path, format!("# h:21 x\n\n{broken}\no:21 SHA256 {one}\n")).unwrap();
            assert!(known.of("h:21").is_err(), "{broken}");
            assert_eq!(known.of("o:21").unwrap(), [one], "{broken}");
        }
    }
}
