//! Rules on the lines of every Rust file: its head, its size, and what may not stand in it.

use super::Finding;
use crate::source::{Line, Source, has_word};

/// What breaks a rule in one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, what: String, remedy| {
        findings.push(Finding::new(source.path(), line, what, remedy));
    };
    if !source.lines().next().is_some_and(says_what_for) {
        find(
            1,
            "no `//!` in the first line".to_owned(),
            "say there what the file is for",
        );
    }
    let room = source.lines().filter(|line| !line.test).count();
    if room > ROOM_LINES_MAX {
        let what = format!("{room} lines without tests, {ROOM_LINES_MAX} are allowed");
        find(ROOM_LINES_MAX + 1, what, "split it by what it knows");
    }
    let mut under_test_attribute = false;
    let mut in_clock = false;
    let mut in_select = false;
    for (number, line) in source.numbered() {
        if let Some(name) = function_name(line) {
            // A test's own clock may be made of the runtime's.
            in_clock = name == "sleep";
        }
        if line.test && !in_clock && sleeps(line) {
            find(
                number,
                "a sleep in a test".to_owned(),
                "wait for the event itself",
            );
        }
        if in_select && !line.test && line.code.trim() != "biased;" {
            let what = "a `select!` that draws lots".to_owned();
            find(number, what, "begin it with `biased;`, the rarest first");
        }
        in_select = line.code.trim_end().ends_with("select! {");
        for (what, remedy) in in_line(line) {
            find(number, what, remedy);
        }
        under_test_attribute |= is_test_attribute(line);
        if let Some(name) = function_name(line) {
            if under_test_attribute && name.starts_with("test_") {
                let remedy = "name it as a sentence, without `test_`";
                find(number, format!("test name `{name}`"), remedy);
            }
            under_test_attribute = false;
        }
    }
    findings
}

/// A `//!` line, or a crate's README in its place.
fn says_what_for(first: &Line) -> bool {
    first.raw.starts_with("//! ") || first.raw.starts_with("#![doc = include_str!(")
}

fn in_line(line: &Line) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    let columns = line.raw.chars().count();
    if columns > COLUMNS_MAX {
        let what = format!("{columns} columns, {COLUMNS_MAX} are allowed");
        found.push((what, "break the line"));
    }
    if let Some(mark) = unfinished(line) {
        found.push((
            format!("`{mark}`"),
            "finish it, or open an issue and leave no mark here",
        ));
    }
    if line.test && line.code.contains("bind(") && has_fixed_port(&line.raw) {
        let what = "a fixed port in a test".to_owned();
        found.push((what, "bind port 0 and ask which it is"));
    }
    for (attribute, remedy) in ATTRIBUTES {
        if has_attribute(line, attribute) {
            found.push((format!("attribute `{attribute}`"), remedy));
        }
    }
    found
}

/// A mark of unfinished work, in code or comment.
fn unfinished(line: &Line) -> Option<&'static str> {
    let text = [&line.code, &line.comment];
    let marks = MARKS
        .iter()
        .find(|mark| text.iter().any(|text| has_word(text, mark)));
    let macros = MACROS.iter().find(|name| has_word(&line.code, name));
    marks.or(macros).copied()
}

/// Whether the line has the attribute `name`, alone or behind a `cfg_attr`.
fn has_attribute(line: &Line, name: &str) -> bool {
    let code = line.code.trim_start();
    let Some(attribute) = code.strip_prefix("#[").or_else(|| code.strip_prefix("#![")) else {
        return false;
    };
    let attribute = attribute.split(']').next().unwrap_or_default();
    let at_once = attribute.split(['(', '=', ' ']).next() == Some(name);
    at_once || (attribute.starts_with("cfg_attr(") && has_word(attribute, name))
}

/// `#[test]`, `#[tokio::test]`, `#[tokio::test(…)]`.
fn is_test_attribute(line: &Line) -> bool {
    let Some(attribute) = line.code.trim_start().strip_prefix("#[") else {
        return false;
    };
    let path = attribute.split(['(', ']']).next().unwrap_or_default();
    path == "test" || path.ends_with("::test")
}

fn function_name(line: &Line) -> Option<&str> {
    let (before, rest) = line.code.split_once("fn ")?;
    if !before.is_empty() && !before.ends_with([' ', '\t']) {
        return None;
    }
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

fn sleeps(line: &Line) -> bool {
    let code = &line.code;
    ["thread::sleep", "time::sleep", "sleep(", "sleep_until("]
        .iter()
        .any(|call| {
            code.match_indices(call).any(|(at, _)| {
                let before = code.split_at(at).0;
                !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
            })
        })
}

/// Whether the line binds a port that is written out and is not 0.
fn has_fixed_port(raw: &str) -> bool {
    let Some((_, arguments)) = raw.split_once("bind(") else {
        return false;
    };
    let Some(argument) = arguments.split(')').next() else {
        return false;
    };
    let last = argument
        .trim_end_matches('"')
        .rsplit([':', ','])
        .next()
        .unwrap_or_default();
    argument.contains([':', ',']) && last.trim().parse::<u16>().is_ok_and(|port| port != 0)
}

/// Lines outside tests; what is longer has two subjects.
const ROOM_LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;
const ATTRIBUTES: [(&str, &str); 3] = [
    ("allow", "write #[expect(lint, reason = \"…\")]"),
    ("ignore", "make the test pass, or delete it"),
    ("should_panic", "assert the error that is returned"),
];
/// In two parts, so that a plain search finds real ones only.
const MARKS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const MACROS: [&str; 3] = [
    concat!("to", "do!"),
    concat!("un", "implemented!"),
    concat!("d", "bg!"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text with words of its only finding; none for one that has none.
    fn check_each(path: &str, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let mut source = Source::new(path, &format!("//! A room.\n{text}\n"));
            if path.starts_with("tests/") {
                source.mark_all_as_test();
            }
            let found = check(&source);
            assert_eq!(
                found.len(),
                usize::from(!expected.is_empty()),
                "{text}: {found:?}"
            );
            assert!(
                found.iter().all(|f| f.what.contains(expected)),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn the_first_line_says_what_the_file_is_for() {
        let heads = [
            ("//! A room.\n", 0),
            ("#![doc = include_str!(\"../README.md\")]\n", 0),
            ("#![forbid(a)]\n", 1),
            ("use std::io;\n", 1),
            ("", 1),
            ("//!\n", 1),
            ("\n//! A.\n", 1),
        ];
        for (text, count) in heads {
            assert_eq!(check(&Source::new("a.rs", text)).len(), count, "{text:?}");
        }
    }

    #[test]
    fn lines_and_rooms_have_an_end() {
        let (fits, long) = ("x".repeat(100), "ä".repeat(101));
        check_each("a.rs", &[(&fits, ""), (&long, "101 columns")]);
        let (room, more) = ("a();\n".repeat(398), "a();\n".repeat(399));
        check_each("a.rs", &[(&room, ""), (&more, "401 lines")]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}", "a();\n".repeat(500));
        check_each("a.rs", &[(&tests, "")]);
    }

    #[test]
    fn unfinished_work_is_found_in_code_and_comments_but_not_in_text() {
        for mark in MARKS {
            let text = [
                format!("// {mark}: later"),
                format!("/// {mark}"),
                format!("a(); /* {mark} */"),
            ];
            check_each("a.rs", &text.each_ref().map(|text| (text.as_str(), mark)));
            let text = [
                format!("// {mark}X"),
                format!("a(\"{mark}\");"),
                format!("let {mark}_A = 1;"),
            ];
            check_each("a.rs", &text.each_ref().map(|text| (text.as_str(), "")));
        }
        for name in MACROS {
            let text = [format!("{name}();"), format!("let a = {name}(\"b\");")];
            check_each("a.rs", &text.each_ref().map(|text| (text.as_str(), name)));
            let text = [
                format!("// {name}"),
                format!("a(\"{name}()\");"),
                format!("a_{name}()"),
            ];
            check_each("a.rs", &text.each_ref().map(|text| (text.as_str(), "")));
        }
    }

    #[test]
    fn attributes_that_hide_something_are_found() {
        check_each(
            "a.rs",
            &[
                ("#[allow(dead_code)]", "`allow`"),
                ("#![allow(dead_code)]", "`allow`"),
                ("#[cfg_attr(unix, allow(dead_code))]", "`allow`"),
                ("#[expect(dead_code, reason = \"allow(\")]", ""),
                ("#[ignore]", "`ignore`"),
                ("#[ignore = \"slow\"]", "`ignore`"),
                ("#[cfg_attr(miri, ignore)]", "`ignore`"),
                ("#[should_panic(expected = \"a\")]", "`should_panic`"),
                ("// #[ignore]", ""),
                ("policy.allow(peer);", ""),
            ],
        );
    }

    #[test]
    fn names_of_tests_are_sentences() {
        check_each(
            "tests/a.rs",
            &[
                ("#[test]\nfn test_append() {}", "test name `test_append`"),
                (
                    "#[tokio::test(start_paused = true)]\nasync fn test_a() {}",
                    "test name",
                ),
                ("#[test]\nfn append_is_refused() {}\nfn test_peer() {}", ""),
            ],
        );
    }

    /// Simulated worlds repeat themselves only if nothing draws lots but their seeds.
    #[test]
    fn what_is_selected_is_asked_in_a_fixed_order() {
        let cases = [
            ("tokio::select! {\n    biased;\n    a = b => c,\n}", ""),
            ("tokio::select! {\n    a = b => c,\n}", "draws lots"),
            (
                "let a = select! {\n    // First.\n    a = b => c,\n};",
                "draws lots",
            ),
            ("// select! {\nlet a = b;", ""),
        ];
        check_each("crates/a/src/a.rs", &cases);
        check_each("tests/a.rs", &cases.map(|(text, _)| (text, "")));
    }

    #[test]
    fn tests_wait_for_events_and_let_the_system_choose_ports() {
        let cases = [
            ("std::thread::sleep(a);", "a sleep"),
            ("tokio::time::sleep(a).await;", "a sleep"),
            ("sleep(a).await;", "a sleep"),
            ("clock.sleep(a);", ""),
            ("fn sleep(&self) {\n tokio::time::sleep(a)\n}", ""),
            ("fn sleep() {}\nfn b() {\n thread::sleep(a)\n}", "a sleep"),
            ("bind(\"127.0.0.1:2121\")", "a fixed port"),
            ("bind((HOST, 2121))", "a fixed port"),
            ("bind(\"127.0.0.1:0\")", ""),
            ("bind((HOST, 0))", ""),
            ("bind(address)", ""),
        ];
        check_each("tests/a.rs", &cases);
        check_each("crates/a/src/a.rs", &cases.map(|(text, _)| (text, "")));
    }
}
