//! `~/.netrc`: who logs in where, as other clients have it.

/// The user and the password for a host. With `user`, the entry must be that user's.
pub(crate) fn find(text: &str, host: &str, user: Option<&str>) -> Option<(String, String)> {
    let mut words = words(text).into_iter();
    let mut entry: Option<Entry> = None;
    let mut found = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" | "default" => {
                found = found.or_else(|| entry.take().and_then(|entry| entry.fits(user)));
                let is_meant = word == "default"
                    || words
                        .next()
                        .is_some_and(|name| name.eq_ignore_ascii_case(host));
                entry = is_meant.then(Entry::default);
            }
            "login" | "password" | "account" => {
                let value = words.next();
                if let Some(entry) = &mut entry {
                    match word.as_str() {
                        "login" => entry.user = value,
                        "password" => entry.password = value,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found.or_else(|| entry.and_then(|entry| entry.fits(user)))
}

#[derive(Default)]
struct Entry {
    user: Option<String>,
    password: Option<String>,
}

impl Entry {
    fn fits(self, user: Option<&str>) -> Option<(String, String)> {
        let own = self.user?;
        let is_meant = user.is_none_or(|user| user == own);
        is_meant.then_some((own, self.password.unwrap_or_default()))
    }
}

/// Words parted by space; `"…"` holds spaces and `\` takes the next character; macros and
/// comments are left out.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        if in_macro {
            in_macro = !line.trim().is_empty();
            continue;
        }
        if line.trim_start().starts_with('#') {
            continue;
        }
        let found = line_words(line);
        in_macro = found.iter().any(Word::begins_macro);
        let plain = found.into_iter().take_while(|word| !word.begins_macro());
        words.extend(plain.map(|word| word.text));
    }
    words
}

/// A word, and whether some of it was in quotes or behind `\`: then it is no keyword that ends the
/// line.
#[derive(Default)]
struct Word {
    text: String,
    is_quoted: bool,
}

impl Word {
    fn begins_macro(&self) -> bool {
        self.text == "macdef" && !self.is_quoted
    }
}

fn line_words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut in_quotes = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default().is_quoted = true;
            }
            '\\' => {
                let word = word.get_or_insert_default();
                word.is_quoted = true;
                word.text.extend(characters.next());
            }
            c if c.is_whitespace() && !in_quotes => words.extend(word.take()),
            c => word.get_or_insert_default().text.push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, user: Option<&str>, expected: Option<(&str, &str)>) {
        let text = "# machine c login no password no\n\
            machine a login u password p\n\
            machine b\n  login v\n  password \"q \\\"r\"\n\
            machine b login w password s\n\
            macdef init\nmachine m login x password y\n\n\
            default login anonymous password me@x\n";
        let found = find(text, host, user);
        let found = found
            .as_ref()
            .map(|(user, word)| (user.as_str(), word.as_str()));
        assert_eq!(found, expected, "{host} {user:?}");
    }

    #[test]
    fn the_entry_of_host_and_user_is_found() {
        check("a", None, Some(("u", "p")));
        check("A", Some("u"), Some(("u", "p")));
        check("b", None, Some(("v", "q \"r")));
        check("b", Some("w"), Some(("w", "s")));
        check("c", None, Some(("anonymous", "me@x")));
        check("c", Some("root"), None);
        check("m", None, Some(("anonymous", "me@x")));
    }

    #[test]
    fn a_password_that_is_the_word_for_macros_begins_none() {
        let text = "machine a login u password \"macdef\"\n\
            machine b login v password \"x macdef y\"\n\
            machine c login w password \\macdef\n";
        for (host, password) in [("a", "macdef"), ("b", "x macdef y"), ("c", "macdef")] {
            let found = find(text, host, None).map(|(_, word)| word);
            assert_eq!(found.as_deref(), Some(password), "{host}");
        }
    }
}
