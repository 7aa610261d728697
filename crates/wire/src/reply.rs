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
        if code >= 100 && code <= 599 {
            Some(Self(code))
        } else {
            None
        }
    }

    /// A code that is written in this crate, and in range.
    pub(crate) const fn literal(code: u16) -> Self {
        Self(code)
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
        Self {
            code,
            lines: vec![clean(text.as_ref())],
        }
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

    /// A reply as it was received: one line at least, cleaned like the others.
    pub(crate) fn from_lines(code: ReplyCode, lines: Vec<String>) -> Self {
        Self {
            code,
            lines: lines.iter().map(|line| clean(line)).collect(),
        }
    }

    /// Appends the reply to `out`, every line with its CRLF (spec Q-9).
    ///
    /// Inner lines begin with one space, so that none is taken for the last. As UTF-8 holds no
    /// octet 255, nothing needs Telnet quoting.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.for_each_line(|line| {
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        });
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

    fn for_each_line(&self, mut line: impl FnMut(String)) {
        let code = self.code;
        match self.lines.as_slice() {
            [] => line(format!("{code} ")),
            [only] => line(format!("{code} {only}")),
            [first, inner @ .., last] => {
                line(format!("{code}-{first}"));
                inner.iter().for_each(|text| line(format!(" {text}")));
                line(format!("{code} {last}"));
            }
        }
    }
}

/// As on the wire, lines parted by a line feed and without one at the end.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        self.for_each_line(|line| lines.push(line));
        f.write_str(&lines.join("\n"))
    }
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digit_alone_says_what_a_reply_means() {
        for code in 100..=599 {
            let reply = ReplyCode::new(code).unwrap();
            let means = [
                reply.is_preliminary(),
                reply.is_completion(),
                reply.is_intermediate(),
                reply.is_transient_negative(),
                reply.is_permanent_negative(),
            ];
            let expected = [100, 200, 300, 400, 500].map(|from| (from..from + 100).contains(&code));
            assert_eq!(means, expected, "{code}");
        }
        assert_eq!([99, 600].map(ReplyCode::new), [None, None]);
    }
}
