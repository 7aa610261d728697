//! The log on stderr: text for people or JSON for programs; no line of it can be forged.

use std::fmt;
use std::io::{self, IsTerminal, Write as _};

use thirdhost_server::config::{Log, LogFormat};
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// Sends the log to stderr from here on. `RUST_LOG` goes before the configured level.
pub(crate) fn to_stderr(log: &Log) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(log.level.to_string()));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Nobody can be told on stderr that stderr takes no more: to try would be a panic.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    match log.format {
        LogFormat::Text => subscriber
            .with_ansi(io::stderr().is_terminal())
            .fmt_fields(debug_fn(field).delimited(" "))
            .init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}

/// Tells the operator something before there is a log; a stderr that takes no more stops nothing.
pub(crate) fn tell(text: impl fmt::Display) {
    writeln!(io::stderr(), "{text}").ok();
}

/// Writes one field of a text line.
//
// SECURITY: whatever comes from outside reaches the log as a field. Every value is one word, or
// quoted, and holds no control character (spec S-63).
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = format!("{value:?}");
    match field.name() {
        "message" => escaped(writer, &text),
        name if is_one_word(&text) => write!(writer, "{name}={text}"),
        // A string: its Debug form is quoted and escaped.
        name if is_quoted(&text) => write!(writer, "{name}={text}"),
        name => write!(writer, "{name}={text:?}"),
    }
}

fn is_one_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c != '=' && !c.is_whitespace() && is_plain(c))
}

fn is_quoted(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return false;
    };
    let mut escaped = false;
    let harmless = inner.chars().all(|c| match c {
        _ if std::mem::take(&mut escaped) => !c.is_control(),
        '\\' => {
            escaped = true;
            true
        }
        // Debug of a string escapes neither quotes of the other kind nor what combines.
        '\'' => true,
        c => c != '"' && is_plain(c),
    });
    harmless && !escaped
}

/// Whether it stands for itself in the Debug form.
fn is_plain(c: char) -> bool {
    // Nearly every one of nearly every line.
    c.is_ascii_alphanumeric() || c.escape_debug().len() == 1
}

fn escaped(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| match c {
        '"' | '\'' | '\\' | ' ' => writer.write_char(c),
        c if c.is_ascii_alphanumeric() => writer.write_char(c),
        c => write!(writer, "{}", c.escape_debug()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let sink = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .with_writer(move || sink.clone())
            .fmt_fields(debug_fn(field).delimited(" "))
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    //= security#S-63
    //= type=test
    #[test]
    fn no_text_of_a_user_forges_a_line_a_field_or_an_escape_sequence() {
        for hostile in [
            "x\n2026 INFO transfer user=\"root\"",
            "x\r\nINFO",
            "\u{1b}[2J\u{9b}2J",
            "a outcome=completed",
            "\" outcome=\"completed",
            "\\\" outcome=\\\"completed",
            "\"\\\\\" outcome=\"completed\"",
            "\u{202e}gpj.exe\u{2028}\u{200b}",
            "\\",
            "\"\\\"",
            "",
        ] {
            let display = line(|| tracing::info!(field = %hostile, "transfer"));
            let string = line(|| tracing::info!(field = hostile, "transfer"));
            let message = line(|| tracing::info!("{hostile}"));
            for written in [&display, &string, &message] {
                assert_eq!(written.matches('\n').count(), 1, "{written:?}");
                let inner = written.trim_end_matches('\n');
                assert!(
                    inner.chars().all(|c| !c.is_control()),
                    "{hostile:?} {written:?}"
                );
                assert!(
                    !inner.contains(['\u{202e}', '\u{2028}', '\u{200b}']),
                    "{written:?}"
                );
            }
            for written in [&display, &string] {
                let value = written.trim_end().strip_prefix(" INFO transfer field=");
                let value = value.unwrap();
                assert!(
                    is_quoted(value) || is_one_word(value),
                    "{hostile:?} {value}"
                );
            }
        }
    }

    #[test]
    fn plain_values_stay_plain() {
        let peer = "[2001:db8::1]:21";
        let written = line(|| tracing::info!(user = "al ice", %peer, octets = 7, "transfer"));
        assert_eq!(
            written,
            " INFO transfer user=\"al ice\" peer=[2001:db8::1]:21 octets=7\n"
        );
        let escaped = line(|| tracing::info!(path = "/it's \"so\"", "transfer"));
        assert_eq!(escaped, " INFO transfer path=\"/it's \\\"so\\\"\"\n");
    }
}
