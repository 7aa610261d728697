//! Which facts MLST and MLSD tell: OPTS MLST and the MLST line of FEAT. RFC 3659 sections 7.8, 7.9.

use std::fmt;

/// A fact that our server can tell.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Fact {
    /// `type`.
    Type,
    /// `size`: octets.
    Size,
    /// `modify`: when it was last changed.
    Modify,
    /// `perm`: what the user may do with it.
    Perm,
    /// `unique`: the same for two names of one file.
    Unique,
    /// `UNIX.mode`: permission bits in octal.
    UnixMode,
    /// `X.partial`: octets that an interrupted upload left (design D10).
    Partial,
    /// `X.partial-modify`: when the last of those came.
    PartialModify,
}

/// A set of facts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FactSet(u8);

/// OPTS MLST's options hold a space (501, RFC 3659 section 7.9).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the list of facts holds a space")]
pub struct FactSetError;

impl Fact {
    /// Every fact, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Type,
        Self::Size,
        Self::Modify,
        Self::Perm,
        Self::Unique,
        Self::UnixMode,
        Self::Partial,
        Self::PartialModify,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Size => "size",
            Self::Modify => "modify",
            Self::Perm => "perm",
            Self::Unique => "unique",
            Self::UnixMode => "UNIX.mode",
            Self::Partial => "X.partial",
            Self::PartialModify => "X.partial-modify",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FactSet {
    /// No fact.
    pub const EMPTY: Self = Self(0);

    /// Every fact.
    #[must_use]
    pub fn all() -> Self {
        Fact::ALL.into_iter().collect()
    }

    /// Reads OPTS MLST's options, `fact;fact;…`: unknown facts are left out, none means none.
    ///
    /// # Errors
    ///
    /// When there is a space among them.
    pub fn from_options(options: &str) -> Result<Self, FactSetError> {
        if options.contains(' ') {
            return Err(FactSetError);
        }
        Ok(options.split(';').filter_map(fact_named).collect())
    }

    /// Reads the facts that a FEAT line of MLST marks as told: those with a `*`.
    #[must_use]
    pub fn from_feature(parameters: &str) -> Self {
        parameters
            .split(';')
            .filter_map(|fact| fact_named(fact.strip_suffix('*')?))
            .collect()
    }

    /// Adds a fact.
    pub fn insert(&mut self, fact: Fact) {
        self.0 |= fact.bit();
    }

    /// Whether the fact is in the set.
    #[must_use]
    pub fn contains(self, fact: Fact) -> bool {
        self.0 & fact.bit() != 0
    }

    /// Whether a fact of that name, in any case, is in the set.
    #[must_use]
    pub fn has_name(self, name: &str) -> bool {
        fact_named(name).is_some_and(|fact| self.contains(fact))
    }

    /// The parameters of FEAT's MLST line: every fact, and `*` behind those in the set.
    #[must_use]
    pub fn feature_parameters(self) -> String {
        let mark = |fact| if self.contains(fact) { "*;" } else { ";" };
        Fact::ALL
            .into_iter()
            .flat_map(|fact| [fact.name(), mark(fact)])
            .collect()
    }
}

/// What is told unless OPTS MLST says otherwise (spec Q-22), and X.partial with its time where
/// there is one.
impl Default for FactSet {
    fn default() -> Self {
        Self::all()
    }
}

impl FromIterator<Fact> for FactSet {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        facts
            .into_iter()
            .fold(Self::EMPTY, |set, fact| Self(set.0 | fact.bit()))
    }
}

/// `fact;` for each, as in `200 MLST OPTS type;size;`.
impl fmt::Display for FactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = Fact::ALL.into_iter().filter(|fact| self.contains(*fact));
        facts.try_for_each(|fact| write!(f, "{};", fact.name()))
    }
}

fn fact_named(name: &str) -> Option<Fact> {
    Fact::ALL
        .into_iter()
        .find(|fact| fact.name().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FactsLine;

    #[test]
    fn options_choose_the_facts_we_know() {
        let check = |options, told: Result<&str, FactSetError>| {
            let found = FactSet::from_options(options).map(|set| set.to_string());
            assert_eq!(found, told.map(str::to_owned), "{options}");
        };
        check("", Ok(""));
        check("Type;SIZE;", Ok("type;size;"));
        check(
            "unix.MODE;X.partial;charset;type",
            Ok("type;UNIX.mode;X.partial;"),
        );
        check("type; size;", Err(FactSetError));
    }

    #[test]
    fn the_feature_line_marks_what_is_told() {
        let set: FactSet = [Fact::Type, Fact::Modify].into_iter().collect();
        let line = "type*;size;modify*;perm;unique;UNIX.mode;X.partial;X.partial-modify;";
        assert_eq!(set.feature_parameters(), line);
        assert_eq!(FactSet::from_feature(line), set);
        assert_eq!(
            FactSet::from_feature(&FactSet::all().feature_parameters()),
            FactSet::all()
        );
        assert_eq!(FactSet::from_feature(""), FactSet::EMPTY);
    }

    #[test]
    fn every_set_survives_the_wire() {
        for bits in 0..=u8::MAX {
            let set = FactSet(bits);
            assert_eq!(FactSet::from_options(&set.to_string()), Ok(set));
            assert_eq!(FactSet::from_feature(&set.feature_parameters()), set);
        }
    }

    #[test]
    fn a_selection_drops_the_other_facts() {
        let mut line = FactsLine::parse(b"Type=file;size=5;charset=x; n").unwrap();
        line.facts.select([Fact::Type].into_iter().collect());
        assert_eq!(line.to_string(), "Type=file; n");
        line.facts.select(FactSet::EMPTY);
        assert_eq!(line.to_string(), " n");
    }

    #[test]
    fn a_fact_that_comes_twice_is_there_once() {
        let mut set: FactSet = [Fact::Type, Fact::Size, Fact::Type].into_iter().collect();
        assert_eq!(set.to_string(), "type;size;");
        for _ in 0..2 {
            set.insert(Fact::Modify);
            assert_eq!(set.to_string(), "type;size;modify;");
        }
    }
}
