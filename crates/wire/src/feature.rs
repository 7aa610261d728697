//! FEAT's answer: which extensions are in force. RFC 2389 section 3.

use crate::{Reply, ReplyCode};

/// The features of a server, in the order of its FEAT lines.
///
/// A name may have several lines (`AUTH TLS`, `AUTH SSL`). Names are compared in any case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Features {
    lines: Vec<(String, String)>,
}

/// The reply is not FEAT's 211.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the server answered FEAT with {found} where 211 was expected")]
pub struct NotFeatures {
    /// The code that came.
    pub found: ReplyCode,
}

impl Features {
    /// No features.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads FEAT's answer. A single line says that there are none (RFC 2389 section 3.2).
    ///
    /// # Errors
    ///
    /// When the code is not 211. A server that answers 500 or 502 knows no FEAT.
    pub fn from_reply(reply: &Reply) -> Result<Self, NotFeatures> {
        if reply.code() != SYSTEM_STATUS {
            return Err(NotFeatures {
                found: reply.code(),
            });
        }
        let mut features = Self::new();
        if let [_, inner @ .., _] = reply.lines() {
            inner.iter().for_each(|line| features.add_line(line));
        }
        Ok(features)
    }

    /// Adds a feature with its parameters, which may be empty.
    pub fn add(&mut self, name: &str, parameters: &str) {
        self.add_line(&format!("{name} {parameters}"));
    }

    /// Whether the feature is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.parameters(name).is_some()
    }

    /// The parameters of the first line of that name; empty if it has none.
    #[must_use]
    pub fn parameters(&self, name: &str) -> Option<&str> {
        let mut lines = self.lines();
        lines
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, parameters)| parameters)
    }

    /// The parameters of every line of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, parameters)| parameters)
    }

    /// Whether `parameter` is among the parameters of the feature, in any case. Parameters are
    /// parted by `;` or space, and `*` behind one is left aside (RFC 3659 section 7.8).
    #[must_use]
    pub fn has_parameter(&self, name: &str, parameter: &str) -> bool {
        self.all(name)
            .flat_map(|parameters| parameters.split([';', ' ']))
            .any(|found| found.trim_end_matches('*').eq_ignore_ascii_case(parameter))
    }

    /// Name and parameters of every line.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines
            .iter()
            .map(|(name, parameters)| (name.as_str(), parameters.as_str()))
    }

    /// FEAT's answer.
    #[must_use]
    pub fn reply(&self) -> Reply {
        if self.lines.is_empty() {
            return Reply::new(SYSTEM_STATUS, "No extensions supported");
        }
        let lines = self.lines().map(|(name, parameters)| match parameters {
            "" => name.to_owned(),
            parameters => format!("{name} {parameters}"),
        });
        Reply::multi(SYSTEM_STATUS, "Extensions supported:", lines, "End")
    }

    fn add_line(&mut self, line: &str) {
        let line = line.trim_matches(' ');
        let (name, parameters) = line.split_once(' ').unwrap_or((line, ""));
        if !name.is_empty() {
            self.lines
                .push((name.to_owned(), parameters.trim_matches(' ').to_owned()));
        }
    }
}

const SYSTEM_STATUS: ReplyCode = ReplyCode::literal(211);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ReplyParser;

    #[test]
    fn a_list_of_features_is_read_and_written_back() {
        let text = "211-Extensions supported:\n LSTN S;R;\n SOCK IPv4;IPv6;ANY;\n MODE B\n \
                    PIPELINE 64\n AUTH TLS\n AUTH SSL\n UTF8\n MLST type*;size;\n211 End";
        let features = Features::from_reply(&parse(text)).unwrap();
        assert_eq!(features.reply().to_string(), text);
        assert_eq!(features.parameters("pipeline"), Some("64"));
        assert_eq!(features.parameters("UTF8"), Some(""));
        assert_eq!(features.all("auth").collect::<Vec<_>>(), ["TLS", "SSL"]);
        assert!(features.has_parameter("AUTH", "ssl"));
        assert!(features.has_parameter("SOCK", "IPv6"));
        assert!(features.has_parameter("MLST", "TYPE"));
        assert!(!features.has_parameter("MLST", "modify"));
        assert!(!features.has("SSCN"));
    }

    #[test]
    fn a_feature_that_was_added_is_there() {
        let mut features = Features::new();
        assert!(!features.has("SIZE"));
        features.add("SIZE", "");
        features.add("LSTN", "S;");
        assert!(features.has("size") && features.has("LSTN"));
        assert_eq!(features.parameters("LSTN"), Some("S;"));
    }

    #[test]
    fn no_features_are_a_single_line() {
        let none = Features::new();
        assert_eq!(none.reply().to_string(), "211 No extensions supported");
        assert_eq!(Features::from_reply(&none.reply()), Ok(none));
    }

    #[test]
    fn lines_without_a_space_or_with_the_code_are_features_too() {
        let features = Features::from_reply(&parse(
            "211-Features\nMDTM\n211-SIZE\n   UTF8  \n \n211 End",
        ));
        let names: Vec<_> = features
            .as_ref()
            .unwrap()
            .lines()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["MDTM", "SIZE", "UTF8"]);
    }

    #[test]
    fn another_reply_is_no_list() {
        let found = ReplyCode::new(502).unwrap();
        assert_eq!(
            Features::from_reply(&Reply::new(found, "no")),
            Err(NotFeatures { found })
        );
    }

    proptest! {
        #[test]
        fn from_reply_undoes_reply(
            lines in prop::collection::vec(("[!-~]{1,9}", "[ -~]{0,9}"), 0..9),
        ) {
            let mut features = Features::new();
            lines.iter().for_each(|(name, parameters)| features.add(name, parameters));
            let reply = parse(&features.reply().to_string());
            prop_assert_eq!(Features::from_reply(&reply), Ok(features));
        }
    }

    fn parse(text: &str) -> Reply {
        let mut parser = ReplyParser::new();
        text.lines()
            .find_map(|line| parser.feed(line.as_bytes()).unwrap())
            .unwrap()
    }
}
