//! Pathnames in double quotes, as 257 carries them. RFC 959 appendix II.

/// Puts a pathname into double quotes and doubles every quote inside.
#[must_use]
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads a pathname in double quotes from the front of `text`; returns it and what follows.
///
/// `None` if `text` begins with no quote or the closing one is missing.
#[must_use]
pub fn unquote(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(behind) => {
                name.push('"');
                rest = behind;
            }
            None => return Some((name, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inner_quotes_are_doubled_and_halved_again() {
        let check = |name, quoted: &str| {
            assert_eq!(quote(name), quoted);
            assert_eq!(unquote(quoted), Some((name.to_owned(), "")));
        };
        check("/", r#""/""#);
        check("", r#""""#);
        check(r#"/a"b"#, r#""/a""b""#);
        check(r#"""#, r#""""""#);
        check("/two words/é", r#""/two words/é""#);
    }

    #[test]
    fn a_missing_quote_is_no_name() {
        for text in ["", "/", "\"", "\"/a", "\"/a\"\"", "/a\""] {
            assert_eq!(unquote(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn unquote_undoes_quote(name in ".*", behind in "( .*)?") {
            let text = format!("{}{behind}", quote(&name));
            prop_assert_eq!(unquote(&text), Some((name, behind.as_str())));
        }
    }
}
