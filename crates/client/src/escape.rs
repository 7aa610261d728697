//! Text from servers, made safe for a terminal.

use std::fmt::Write as _;

/// Replaces what would move the cursor, change colours or reorder the line: control characters,
/// bidirectional marks, and characters of no width. What is replaced shows as `\u{…}`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_dangerous(character) {
            let _infallible = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(escape(text), expected);
    }

    #[test]
    fn terminals_get_no_control_no_bidi_and_no_invisible_characters() {
        check("a plain näme 文", "a plain näme 文");
        check("\u{1b}[31mred", "\\u{1b}[31mred");
        check("a\r\nb", "a\\u{d}\\u{a}b");
        check("\u{9b}2J", "\\u{9b}2J");
        check("txt.\u{202e}exe", "txt.\\u{202e}exe");
        check("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}");
        check("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}");
    }
}
