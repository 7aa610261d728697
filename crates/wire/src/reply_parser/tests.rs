//! Replies: known lines, their inverse, the manners of other servers, and every bound.

use proptest::prelude::*;

use super::*;

#[test]
fn a_reply_is_read_and_written_back() {
    let check = |octets: &str, code: u16, lines: &[&str]| {
        let reply = parse(octets).unwrap().unwrap();
        assert_eq!(
            (reply.code().number(), reply.lines()),
            (code, strings(lines).as_slice())
        );
        let mut written = Vec::new();
        reply.encode(&mut written);
        assert_eq!(String::from_utf8(written).unwrap(), octets);
        assert_eq!(format!("{reply}\n").replace('\n', "\r\n"), octets);
    };
    check("200 ok\r\n", 200, &["ok"]);
    check("200 \r\n", 200, &[""]);
    check("255 SOCK 50123\r\n", 255, &["SOCK 50123"]);
    check(
        "211-Extensions:\r\n MODE B\r\n  two\r\n211 End\r\n",
        211,
        &["Extensions:", "MODE B", " two", "End"],
    );
    check("221-a\r\n221 b\r\n", 221, &["a", "b"]);
    check(
        "211-a\r\n 211 not the end\r\n 211-x\r\n \r\n211 \r\n",
        211,
        &["a", "211 not the end", "211-x", "", ""],
    );
    check("599 é\r\n", 599, &["é"]);
}

#[test]
fn replies_of_other_servers_are_understood() {
    let check = |octets: &str, lines: &[&str]| {
        let reply = parse(octets).unwrap().unwrap();
        assert_eq!(reply.lines(), strings(lines), "{octets}");
    };
    check("200\r\n", &[""]);
    check("230-a\r\n230-b\r\n230 c\r\n", &["a", "b", "c"]);
    check(
        "230-a\r\nb\r\n\r\n231 d\r\n231-e\r\n230\r\n",
        &["a", "b", "", "231 d", "231-e", ""],
    );
    check(
        "230-a\r\n2300 b\r\n230c\r\n230 d\r\n",
        &["a", "2300 b", "230c", "d"],
    );
    check("220-\r\n220 \r\n", &["", ""]);
    check(
        "123-First line\r\nSecond line\r\n  234 A line beginning with numbers\r\n\
         123 The last line\r\n",
        &[
            "First line",
            "Second line",
            " 234 A line beginning with numbers",
            "The last line",
        ],
    );
}

#[test]
fn control_characters_and_broken_text_do_no_harm() {
    let mut parser = ReplyParser::new();
    let reply = parser.feed(b"200 a\x1b[2J\r\xff").unwrap().unwrap();
    assert_eq!(reply.text(), "a?[2J?\u{fffd}");
}

#[test]
fn other_lines_are_no_replies() {
    for (octets, error) in [
        ("\r\n", ReplyError::NoCode),
        ("20\r\n", ReplyError::NoCode),
        ("ok\r\n", ReplyError::NoCode),
        ("2000 ok\r\n", ReplyError::NoCode),
        ("200ok\r\n", ReplyError::NoCode),
        (" 200 ok\r\n", ReplyError::NoCode),
        ("+20 ok\r\n", ReplyError::NoCode),
        ("HTTP/1.1 200 OK\r\n", ReplyError::NoCode),
        ("099 ok\r\n", ReplyError::CodeOutOfRange),
        ("600-ok\r\n", ReplyError::CodeOutOfRange),
        ("999 ok\r\n", ReplyError::CodeOutOfRange),
    ] {
        assert_eq!(parse(octets), Err(error), "{octets}");
    }
}

#[test]
fn every_bound_is_kept() {
    let mut parser = ReplyParser::new();
    let longest = [b"200 ".as_slice(), &[b'a'; REPLY_LINE_BYTES_MAX - 4]].concat();
    assert!(parser.feed(&longest).unwrap().is_some());
    assert_eq!(
        parser.feed(&[&longest[..], b"a"].concat()),
        Err(ReplyError::LineTooLong)
    );

    parser.feed(b"200-").unwrap();
    for _ in 2..REPLY_LINES_MAX {
        assert_eq!(parser.feed(b"a"), Ok(None));
    }
    assert!(parser.feed(b"200 end").unwrap().is_some());
    parser.feed(b"200-").unwrap();
    for _ in 1..REPLY_LINES_MAX {
        assert_eq!(parser.feed(b"a"), Ok(None));
    }
    assert_eq!(parser.feed(b"200 end"), Err(ReplyError::TooManyLines));
    assert!(!parser.is_within_reply());

    parser.feed(b"200-").unwrap();
    for _ in 0..REPLY_BYTES_MAX / REPLY_LINE_BYTES_MAX {
        assert_eq!(parser.feed(&[b'a'; REPLY_LINE_BYTES_MAX]), Ok(None));
    }
    assert_eq!(parser.feed(b"a"), Err(ReplyError::TooLong));
}

proptest! {
    #[test]
    fn no_lines_panic(
        lines in prop::collection::vec("(2[01][01]|[0-9]{3})?[ -]?.{0,5}", 0..9),
    ) {
        let mut parser = ReplyParser::new();
        for line in lines {
            if let Ok(Some(reply)) = parser.feed(line.as_bytes()) {
                prop_assert_eq!(parse_reply(&reply), Ok(Some(reply)));
            }
        }
    }

    #[test]
    fn every_reply_survives_the_wire(
        code in 100_u16..600,
        lines in prop::collection::vec("( |[0-9]{3}[ -])?.{0,9}", 1..9),
    ) {
        let code = ReplyCode::new(code).unwrap();
        let reply = match lines.as_slice() {
            [first, inner @ .., last] => Reply::multi(code, first, inner, last),
            _ => Reply::new(code, &lines[0]),
        };
        prop_assert_eq!(parse_reply(&reply), Ok(Some(reply)));
    }
}

fn parse_reply(reply: &Reply) -> Result<Option<Reply>, ReplyError> {
    let mut octets = Vec::new();
    reply.encode(&mut octets);
    parse(std::str::from_utf8(&octets).unwrap())
}

/// Feeds every line; the reply must come with the last and not before.
fn parse(octets: &str) -> Result<Option<Reply>, ReplyError> {
    let mut parser = ReplyParser::new();
    let mut reply = None;
    for line in octets.strip_suffix("\r\n").unwrap().split("\r\n") {
        assert_eq!(reply, None);
        reply = parser.feed(line.as_bytes())?;
    }
    Ok(reply)
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn a_reply_that_has_begun_and_not_ended_is_told() {
    let mut parser = ReplyParser::new();
    for (line, is_within) in [
        ("200 ok", false),
        ("211-a", true),
        (" b", true),
        ("211 end", false),
    ] {
        parser.feed(line.as_bytes()).unwrap();
        assert_eq!(parser.is_within_reply(), is_within, "{line}");
    }
}
