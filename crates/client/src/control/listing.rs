//! Directory listings: facts where the server has MLSD, lines as they come where not. RFC 3659.

use thirdhost_wire::{Command, FactsLine, FileKind, Pathname};

use crate::{ControlConn, Error};

/// What a directory holds.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Listing {
    /// MLSD: without the directory itself and its parents.
    ///
    /// A name is the server's word and may hold anything but CR, LF and NUL, `/` and `..` among
    /// it: join it to no path unseen (spec S-24).
    Facts {
        /// One for each file or directory.
        entries: Vec<FactsLine>,
        /// How many lines could not be read, or name what no command can name.
        unreadable: usize,
    },
    /// LIST: lines in a form of the server's own; control characters show as `?`.
    Raw(Vec<String>),
}

impl ControlConn {
    /// The contents of a directory, of the current one if none is named.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is not there; [`Error::Misbehaved`] if the listing exceeds
    /// [`Limits::listing_bytes`](crate::Limits::listing_bytes).
    pub async fn list(&mut self, directory: Option<&Pathname>) -> Result<Listing, Error> {
        let directory = directory.cloned();
        if self.features.has("MLST") || self.features.has("MLSD") {
            let text = self.listing("MLSD", Command::Mlsd(directory)).await?;
            return Ok(facts(&text));
        }
        let text = self.listing("LIST", Command::List(directory)).await?;
        Ok(Listing::Raw(lines(&text).map(to_text).collect()))
    }

    /// The same with the names that begin with a dot, which many a LIST leaves out.
    ///
    /// # Errors
    /// As [`list`](Self::list); also where the server takes `-a` for the name of a directory.
    pub(crate) async fn list_all(
        &mut self,
        directory: Option<&Pathname>,
    ) -> Result<Listing, Error> {
        if self.features.has("MLST") || self.features.has("MLSD") {
            return self.list(directory).await;
        }
        let all = match directory {
            Some(directory) => format!("-a {}", directory.as_str()),
            None => "-a".to_owned(),
        };
        match Pathname::try_from(all.as_str()) {
            Ok(all) => self.list(Some(&all)).await,
            Err(_) => self.list(directory).await,
        }
    }
}

/// What MLSD has sent.
pub(crate) fn facts(text: &[u8]) -> Listing {
    let mut entries = Vec::new();
    let mut unreadable = 0;
    for line in lines(text) {
        match FactsLine::parse(line) {
            Ok(line) if is_itself(&line) => {}
            Ok(line) => entries.push(line),
            Err(_) => unreadable += 1,
        }
    }
    Listing::Facts {
        entries,
        unreadable,
    }
}

fn is_itself(line: &FactsLine) -> bool {
    matches!(
        line.facts.kind(),
        Some(FileKind::ListedDirectory | FileKind::ParentDirectory)
    ) || matches!(line.name.as_str(), "." | "..")
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&octet| octet == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

fn to_text(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, names: &[&str], unreadable_expected: usize) {
        let Listing::Facts {
            entries,
            unreadable,
        } = facts(text.as_bytes())
        else {
            panic!()
        };
        let found: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(found, names, "{text:?}");
        assert_eq!(unreadable, unreadable_expected, "{text:?}");
    }

    #[test]
    fn the_directory_itself_and_its_parents_are_left_out() {
        check(
            "type=file;size=12; a b\r\ntype=dir; d\r\n",
            &["a b", "d"],
            0,
        );
        check(
            "type=cdir; /x\r\ntype=pdir; /\r\ntype=dir; .\r\ntype=dir; ..\r\n",
            &[],
            0,
        );
        check("type=file; a\ntype=file; b\n", &["a", "b"], 0);
    }

    #[test]
    fn a_name_that_would_break_a_command_line_is_counted_not_passed_on() {
        check("type=file; a\rDELE b\r\ntype=file; c\r\n", &["c"], 1);
        check("type=file; a\0b\r\n", &[], 1);
    }
}
