//! A Rust file as lines in which code, comments and tests are told apart; literals are emptied.

use std::path::Path;

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    path: String,
    lines: Vec<Line>,
}

/// One line of a file.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The line as it stands.
    pub(crate) raw: String,
    /// Its code: no comments, literals emptied.
    pub(crate) code: String,
    /// Its comment, with the slashes.
    pub(crate) comment: String,
    /// It is compiled for tests only.
    pub(crate) test: bool,
}

impl Source {
    /// Reads `text`; `path` is relative to the root, with `/` between its parts.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut lines = Lexer::lines(text);
        mark_test_items(&mut lines);
        Self {
            path: path.to_owned(),
            lines,
        }
    }

    /// Marks the whole file as compiled for tests only.
    pub(crate) fn mark_all_as_test(&mut self) {
        self.lines.iter_mut().for_each(|line| line.test = true);
    }

    /// The path it was given.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Its lines in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Its lines with their numbers, from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.lines)
    }

    /// The paths, without `.rs`, of the modules this file declares as `#[cfg(test)] mod name;`.
    pub(crate) fn declared_test_modules(&self) -> impl Iterator<Item = String> + '_ {
        let path = Path::new(&self.path);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let parent = path.parent().unwrap_or(Path::new("")).to_string_lossy();
        let directory = match stem.as_ref() {
            "mod" | "lib" | "main" => parent.into_owned(),
            stem => format!("{parent}/{stem}"),
        };
        let names = self
            .lines
            .iter()
            .filter(|line| line.test)
            .filter_map(|line| {
                let (_, declaration) = line.code.split_once("mod ")?;
                Some(declaration.trim().strip_suffix(';')?.to_owned())
            });
        names.map(move |name| format!("{directory}/{name}"))
    }
}

/// Whether `word` stands in `code` with no letter, digit or `_` touching it.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let (before, rest) = code.split_at(at);
        let after = rest.strip_prefix(word).unwrap_or_default();
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// Marks each item under `#[cfg(test)]`, from the attribute to its closing brace or semicolon.
fn mark_test_items(lines: &mut [Line]) {
    let mut inside = false;
    let mut depth = 0_i32;
    for line in lines {
        let code = line.code.trim();
        if !inside && (code.starts_with("#[cfg(test)]") || code.starts_with("#[cfg(all(test,")) {
            inside = true;
            depth = 0;
        }
        if !inside {
            continue;
        }
        line.test = true;
        for c in line.code.chars() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(c, '}' | ';') {
                inside = false;
            }
        }
    }
}

/// Tells code from comments and literals.
struct Lexer<'a> {
    rest: &'a str,
    state: State,
    line: Line,
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    /// How many block comments are open.
    BlockComment(usize),
    Text,
    /// How many `#` close it.
    RawText(usize),
}

impl<'a> Lexer<'a> {
    fn lines(text: &'a str) -> Vec<Line> {
        let mut lexer = Lexer {
            rest: text,
            state: State::Code,
            line: Line::default(),
            lines: Vec::new(),
        };
        while !lexer.rest.is_empty() {
            lexer.state = match lexer.state {
                State::Code => lexer.code(),
                State::LineComment => lexer.line_comment(),
                State::BlockComment(depth) => lexer.block_comment(depth),
                State::Text => lexer.text(),
                State::RawText(hashes) => lexer.raw_text(hashes),
            };
        }
        if !lexer.line.raw.is_empty() {
            lexer.lines.push(lexer.line);
        }
        lexer.lines
    }

    fn code(&mut self) -> State {
        if self.rest.starts_with("//") {
            return State::LineComment;
        }
        if self.rest.starts_with("/*") {
            self.comment(2);
            return State::BlockComment(1);
        }
        if let Some(hashes) = self.raw_text_start() {
            return State::RawText(hashes);
        }
        if self.rest.starts_with('"') {
            self.literal(1);
            self.line.code.push('"');
            return State::Text;
        }
        if let Some(length) = character_length(self.rest) {
            self.literal(length);
            return State::Code;
        }
        if let Some(c) = self.take() {
            self.line.code.push(c);
        }
        State::Code
    }

    fn line_comment(&mut self) -> State {
        if self.rest.starts_with('\n') {
            return State::Code;
        }
        self.comment(1);
        State::LineComment
    }

    fn block_comment(&mut self, depth: usize) -> State {
        if self.rest.starts_with("/*") {
            self.comment(2);
            return State::BlockComment(depth + 1);
        }
        if self.rest.starts_with("*/") {
            self.comment(2);
            return if depth == 1 {
                State::Code
            } else {
                State::BlockComment(depth - 1)
            };
        }
        self.comment(1);
        State::BlockComment(depth)
    }

    fn text(&mut self) -> State {
        if self.rest.starts_with('\\') {
            self.literal(2);
            return State::Text;
        }
        let ends = self.rest.starts_with('"');
        self.literal(1);
        if !ends {
            return State::Text;
        }
        self.line.code.push('"');
        State::Code
    }

    fn raw_text(&mut self, hashes: usize) -> State {
        let ends = self
            .rest
            .strip_prefix('"')
            .is_some_and(|rest| rest.starts_with(&"#".repeat(hashes)));
        self.literal(if ends { 1 + hashes } else { 1 });
        if !ends {
            return State::RawText(hashes);
        }
        self.line.code.push('"');
        State::Code
    }

    /// Takes the opening of a raw string, `r"` to `br##"`, and says how many `#` it has.
    fn raw_text_start(&mut self) -> Option<usize> {
        if self
            .line
            .code
            .ends_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return None;
        }
        let opening = self.rest.trim_start_matches(['b', 'c']).strip_prefix('r')?;
        let quoted = opening.trim_start_matches('#');
        let hashes = opening.len() - quoted.len();
        let after = quoted.strip_prefix('"')?;
        self.literal(self.rest.len() - after.len());
        self.line.code.push('"');
        Some(hashes)
    }

    /// Takes `count` characters into the comment.
    fn comment(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(c) = self.take() {
                self.line.comment.push(c);
            }
        }
    }

    /// Takes `count` characters and drops them.
    fn literal(&mut self, count: usize) {
        for _ in 0..count {
            self.take();
        }
    }

    /// The next character, unless it ended the line.
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.lines.push(std::mem::take(&mut self.line));
            return None;
        }
        self.line.raw.push(c);
        Some(c)
    }
}

/// How many characters the character literal at the start of `rest` has; none for a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let mut chars = inner.chars();
    match chars.next()? {
        '\\' => chars.skip(1).position(|c| c == '\'').map(|at| at + 4),
        _ => (chars.next()? == '\'').then_some(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_comments_and_literals_are_told_apart() {
        let check = |text: &str, code: &str, comment: &str| {
            let lines = Lexer::lines(text);
            let join = |f: fn(&Line) -> &str| lines.iter().map(f).collect::<Vec<_>>().join("\n");
            assert_eq!(join(|line| &line.code), code, "code of {text:?}");
            assert_eq!(join(|line| &line.comment), comment, "comment of {text:?}");
            assert_eq!(join(|line| &line.raw), text, "raw of {text:?}");
        };
        check("let a; // b", "let a; ", "// b");
        check("a(\"// no\"); // yes", "a(\"\"); ", "// yes");
        check("a(\"\\\"//\");", "a(\"\");", "");
        check("a(r#\"x\"//\"#); b", "a(\"\"); b", "");
        check("a(br\"//\");", "a(\"\");", "");
        check("let r#type = 1;", "let r#type = 1;", "");
        check("/* a /* b */ c */ d", " d", "/* a /* b */ c */");
        check(
            "f('\"', '\\'', '\\u{1f}', 'x'); g::<'a>()",
            "f(, , , ); g::<'a>()",
            "",
        );
        check("\"a\nb // c\" d", "\"\n\" d", "\n");
        check("/* a\nb */ c", "\n c", "/* a\nb */");
    }

    #[test]
    fn items_under_cfg_test_are_tests_and_nothing_else_is() {
        let check = |text: &str, tests: &str| {
            let source = Source::new("a.rs", text);
            let marks: String = source
                .lines()
                .map(|l| if l.test { 't' } else { '.' })
                .collect();
            assert_eq!(marks, tests, "{text}");
        };
        check(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n",
            ".tttt",
        );
        check("#[cfg(test)]\nmod table;\nfn a() {}\n", "tt.");
        check("#[cfg(test)]\nfn a() {\n}\nfn b() {}\n", "ttt.");
        check(
            "#[cfg(all(test, unix))]\n#[expect(x)]\nmod tests {\n}\nfn b() {}\n",
            "tttt.",
        );
        check("// #[cfg(test)]\nfn a() {}\n", "..");
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("use tokio::net", "tokio"));
        assert!(!has_word("use tokio_util::codec", "tokio"));
        assert!(!has_word("is_async()", "async"));
        assert!(has_word("x tokio_a tokio", "tokio"));
    }
}
