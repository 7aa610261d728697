//! The dialogues of a user with two sites, printed in RFC 438's own two columns.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thirdhost_client::Observer;

/// Records every line of every control connection, in the order in which they passed.
#[derive(Debug, Default)]
pub struct Transcript {
    entries: Mutex<Vec<Entry>>,
}

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The site it went to or came from; empty for a note.
    pub site: String,
    /// Which way.
    pub kind: Kind,
    /// The line without CRLF.
    pub line: String,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A command.
    Sent,
    /// A line of a reply.
    Received,
    /// A remark of the client.
    Note,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layout {
    /// What RFC 438's example shows: its four steps, numbered, and what X and Y are. The rest
    /// (login, TYPE, SIZE) is three dots, as there.
    Example,
    /// Every command and every reply, of a long reply its first and last line.
    Full,
}

impl Transcript {
    /// What has passed so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The commands that went to `site` so far.
    #[must_use]
    pub fn commands_to(&self, site: &str) -> Vec<String> {
        self.lines(site, Kind::Sent)
    }

    /// The reply lines that came from `site` so far.
    #[must_use]
    pub fn replies_from(&self, site: &str) -> Vec<String> {
        self.lines(site, Kind::Received)
    }

    /// The dialogues with `left` and `right` side by side.
    #[must_use]
    pub fn columns(&self, left: &str, right: &str, layout: Layout) -> String {
        columns(&self.lock(), [left, right], layout)
    }

    fn lines(&self, site: &str, kind: Kind) -> Vec<String> {
        let entries = self.lock();
        let of_site = |entry: &&Entry| entry.site == site && entry.kind == kind;
        let lines = entries.iter().filter(of_site);
        lines.map(|entry| entry.line.clone()).collect()
    }

    fn add(&self, site: &str, kind: Kind, line: &str) {
        self.lock().push(Entry {
            site: site.to_owned(),
            kind,
            line: line.to_owned(),
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Transcript {
    fn sent(&self, site: &str, line: &str) {
        self.add(site, Kind::Sent, line);
    }

    fn received(&self, site: &str, line: &str) {
        self.add(site, Kind::Received, line);
    }

    fn note(&self, note: &str) {
        self.add("", Kind::Note, note);
    }
}

/// Where a line stands in its reply. RFC 959 section 4.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    First,
    Inner,
    /// The only one of its reply too.
    Last,
}

/// Tells the lines of replies apart, one site's replies in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplyLines {
    open: Option<String>,
}

impl ReplyLines {
    pub(crate) fn place(&mut self, line: &str) -> Place {
        let (code, rest) = line.split_at_checked(3).unwrap_or((line, ""));
        match &self.open {
            Some(open) if open == code && rest.starts_with(' ') => {
                self.open = None;
                Place::Last
            }
            Some(_) => Place::Inner,
            None if rest.starts_with('-') => {
                self.open = Some(code.to_owned());
                Place::First
            }
            None => Place::Last,
        }
    }
}

fn columns(entries: &[Entry], sites: [&str; 2], layout: Layout) -> String {
    let mut out = String::new();
    let [left, right] = sites.map(|site| format!("to {site}:"));
    row(&mut out, "", &left, &right);
    out.push('\n');
    let mut example = Example::default();
    let mut dots = false;
    let mut replies = [ReplyLines::default(), ReplyLines::default()];
    for entry in entries {
        let Some(column) = sites.iter().position(|site| *site == entry.site) else {
            if layout == Layout::Full {
                writeln!(out, "{:MARGIN$}-- {}", "", entry.line).ok();
            }
            continue;
        };
        let mut place = || Some(replies.get_mut(column)?.place(&entry.line));
        if entry.kind == Kind::Received && place() == Some(Place::Inner) {
            continue;
        }
        let shown = match layout {
            Layout::Full => Some(Shown::plain(entry)),
            Layout::Example => example.shown(entry),
        };
        let Some(shown) = shown else {
            // Three dots for all that RFC 438 does not print, once before its example.
            if !dots {
                (0..3).for_each(|_| row(&mut out, "", DOT, DOT));
                out.push('\n');
                dots = true;
            }
            continue;
        };
        if shown.begins_step && shown.step > 1 {
            out.push('\n');
        }
        let step = match shown.begins_step {
            true => format!("{:>4}.", shown.step),
            false => String::new(),
        };
        for (number, text) in wrapped(&shown.text).into_iter().enumerate() {
            let step = if number == 0 { step.as_str() } else { "" };
            match column {
                0 => row(&mut out, step, &text, ""),
                _ => row(&mut out, step, "", &text),
            }
        }
    }
    out
}

fn row(out: &mut String, step: &str, left: &str, right: &str) {
    let line = format!("{step:MARGIN$}{left:COLUMN$}{right}");
    writeln!(out, "{}", line.trim_end()).ok();
}

/// A line as it is printed.
#[derive(Debug)]
struct Shown {
    text: String,
    step: u32,
    begins_step: bool,
}

impl Shown {
    fn plain(entry: &Entry) -> Self {
        let arrow = match entry.kind {
            Kind::Sent => ">",
            Kind::Received | Kind::Note => "<",
        };
        Self {
            text: format!("{arrow} {}", entry.line),
            step: 0,
            begins_step: false,
        }
    }
}

/// Where we are in RFC 438's example.
#[derive(Debug, Default)]
struct Example {
    step: u32,
    /// The sites whose last command belongs to the example.
    within: Vec<String>,
    /// The numbers that X and Y stand for, in this order.
    sockets: Vec<String>,
}

impl Example {
    fn shown(&mut self, entry: &Entry) -> Option<Shown> {
        let step_before = self.step;
        if entry.kind == Kind::Sent {
            self.within.retain(|site| *site != entry.site);
            self.step = self.step_of(&entry.line)?;
            self.within.push(entry.site.clone());
        } else if !self.within.contains(&entry.site) {
            return None;
        }
        let mut shown = Shown::plain(entry);
        shown.step = self.step;
        shown.begins_step = self.step != step_before;
        if let (Kind::Received, Some(number)) = (entry.kind, entry.line.strip_prefix("255 SOCK ")) {
            let name = self.name(number);
            write!(shown.text, "   (= {name})").ok();
        }
        Some(shown)
    }

    /// The number RFC 438 prints before a command; `None` if it does not print the command.
    fn step_of(&self, line: &str) -> Option<u32> {
        match line.split(' ').next().unwrap_or_default() {
            "LSTN" => Some(1),
            "SOCK" => Some(if self.step < 2 { 2 } else { 3 }),
            "RETR" | "STOR" | "APPE" => Some(4),
            _ => None,
        }
    }

    fn name(&mut self, number: &str) -> &'static str {
        let known = self.sockets.iter().position(|known| known == number);
        let index = known.unwrap_or_else(|| {
            self.sockets.push(number.to_owned());
            self.sockets.len() - 1
        });
        if index == 0 { "X" } else { "Y" }
    }
}

/// Breaks at spaces what is wider than a column.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let width = line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if width < COLUMN || line == ">" || line == "<" {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("    {word}"));
        }
    }
    lines
}

const DOT: &str = "   .";

/// Room for the number of a step.
const MARGIN: usize = 7;

const COLUMN: usize = 42;

#[cfg(test)]
mod tests {
    use super::*;

    /// `1>` and `2<` say which site and which way.
    fn transcript(lines: &[&str]) -> Transcript {
        let transcript = Transcript::default();
        for line in lines {
            let (head, text) = line.split_once(' ').unwrap();
            let site = format!("SITE{}", &head[..1]);
            match &head[1..] {
                ">" => transcript.sent(&site, text),
                "<" => transcript.received(&site, text),
                _ => transcript.note(text),
            }
        }
        transcript
    }

    fn check(lines: &[&str], layout: Layout, expected: &str) {
        let printed = transcript(lines).columns("SITE1", "SITE2", layout);
        assert_eq!(printed, expected, "printed:\n{printed}");
    }

    #[test]
    fn the_example_looks_as_in_the_rfc() {
        let lines = [
            "1< 220 ready",
            "1> USER user",
            "1< 331 password",
            "2> SIZE PROG2.PL1",
            "2< 213 5",
            "2> LSTN R",
            "2< 255 SOCK 40002",
            "1> SOCK 127.0.0.3,40002",
            "1< 255 SOCK 51003",
            "2> SOCK 127.0.0.2,51003",
            "2< 255 SOCK 40002",
            "1> RETR PROG1.PL1",
            "2> APPE PROG2.PL1",
            "1< 150 sent",
            "2< 150 received",
            "2< 226 done",
            "1< 226 done",
            "2> SIZE PROG2.PL1",
            "2< 213 9",
        ];
        let expected = "       to SITE1:                                 to SITE2:

          .                                         .
          .                                         .
          .                                         .

   1.                                            > LSTN R
                                                 < 255 SOCK 40002   (= X)

   2.  > SOCK 127.0.0.3,40002
       < 255 SOCK 51003   (= Y)

   3.                                            > SOCK 127.0.0.2,51003
                                                 < 255 SOCK 40002   (= X)

   4.  > RETR PROG1.PL1
                                                 > APPE PROG2.PL1
       < 150 sent
                                                 < 150 received
                                                 < 226 done
       < 226 done
";
        check(&lines, Layout::Example, expected);
    }

    #[test]
    fn everything_is_shown_when_asked_for_and_long_lines_stay_in_their_column() {
        let lines = [
            "1< 211-Extensions:",
            "1<  SIZE",
            "1< 211 End",
            "2< 150 A reply that is so long that it does not fit into its column.",
            "-- a note",
            "3> nobody's",
            "1< 230 in",
        ];
        let expected = "       to SITE1:                                 to SITE2:

       < 211-Extensions:
       < 211 End
                                                 < 150 A reply that is so long that it
                                                     does not fit into its column.
       -- a note
       -- nobody's
       < 230 in
";
        check(&lines, Layout::Full, expected);
        let printed = transcript(&lines).columns("SITE1", "SITE2", Layout::Full);
        assert_eq!(printed, expected);
        assert!(printed.lines().all(|line| line.chars().count() < 100));
    }

    #[test]
    fn what_went_where_is_told_apart() {
        let transcript = transcript(&["1> A", "2> B", "1< 200 c", "-- d"]);
        assert_eq!(transcript.commands_to("SITE1"), ["A"]);
        assert_eq!(transcript.replies_from("SITE1"), ["200 c"]);
        assert_eq!(transcript.commands_to("SITE2"), ["B"]);
        assert_eq!(transcript.entries().len(), 4);
    }
}
