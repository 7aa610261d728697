//! Replies: three digits and text. RFC 959 section 4.2.

use std::fmt;

/// A reply code, 100 to 599.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// 255, the data socket reply of RFC 354 and RFC 438 clause d.1.
    pub const DATA_SOCKET: Self = Self(255);

    /// A code. `None` outside 100 to 599.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 599 { Some(Self(code)) } else { None }
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// 1yz: the command is under way, another reply follows.
    #[must_use]
    pub fn is_preliminary(self) -> bool {
        self.0 / 100 == 1
    }

    /// 2yz: done.
    #[must_use]
    pub fn is_completion(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3yz: accepted so far, more is wanted.
    #[must_use]
    pub fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4yz: not now; the same command may succeed later.
    #[must_use]
    pub fn is_transient_negative(self) -> bool {
        self.0 / 100 == 4
    }

    /// 5yz: no.
    #[must_use]
    pub fn is_permanent_negative(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Debug for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A reply of one or more lines.
///
/// No line holds a control character: the constructors put `?` in its place (spec S-62).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    code: ReplyCode,
    lines: Vec<String>,
}

impl Reply {
    /// A reply of one line.
    #[must_use]
    pub fn new(code: ReplyCode, text: impl AsRef<str>) -> Self {
        Self { code, lines: vec![clean(text.as_ref())] }
    }

    /// A reply of several lines: `first` behind `ddd-`, each of `inner` behind one space,
    /// `last` behind `ddd` and a space (spec Q-9).
    #[must_use]
    pub fn multi<S: AsRef<str>>(
        code: ReplyCode,
        first: impl AsRef<str>,
        inner: impl IntoIterator<Item = S>,
        last: impl AsRef<str>,
    ) -> Self {
        let mut lines = vec![clean(first.as_ref())];
        lines.extend(inner.into_iter().map(|line| clean(line.as_ref())));
        lines.push(clean(last.as_ref()));
        Self { code, lines }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// The text of the first line, without the code.
    #[must_use]
    pub fn text(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// The text of every line, without codes and without the space before inner lines.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
