//! What must be true after every case, whatever it was about.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::transcript::{Place, ReplyLines};
use crate::{Entry, Flow, Kind, Site, files};

/// Something is not as it must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct Mismatch {
    /// What was looked at.
    pub what: String,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl Mismatch {
    /// A mismatch, in words.
    pub fn new(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// Two values are equal.
///
/// # Errors
/// If they are not.
pub fn equal<T: PartialEq + ToString>(what: &str, expected: T, found: T) -> Result<(), Mismatch> {
    if expected == found {
        return Ok(());
    }
    Err(Mismatch::new(what, expected.to_string(), found.to_string()))
}

/// A file of `site` holds, byte for byte, `parts` one behind the other.
///
/// # Errors
/// If it does not, is not there, or cannot be read.
pub fn holds(site: &Site, name: &str, parts: &[&Path]) -> Result<(), Mismatch> {
    let what = format!("{name} at {}", site.name());
    let lengths: io::Result<Vec<u64>> = parts
        .iter()
        .map(|part| part.metadata().map(|metadata| metadata.len()))
        .collect();
    let expected = match lengths {
        Ok(lengths) => {
            let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
            format!(
                "{} bytes, the very ones that were sent",
                lengths.join(" + ")
            )
        }
        Err(error) => format!("bytes that cannot be read any more ({error})"),
    };
    let path = site.path(name);
    let found = match files::first_difference(&path, parts) {
        Ok(None) => return Ok(()),
        Ok(Some(offset)) => {
            let length = path.metadata().map_or(0, |metadata| metadata.len());
            format!("{length} bytes, other than expected from byte {offset} on")
        }
        Err(error) => format!("no file to read: {error}"),
    };
    Err(Mismatch::new(what, expected, found))
}

/// Only these names are in the directory of `site`: no temporary is left, nothing else came.
///
/// # Errors
/// If there is more or less.
pub fn only_names(site: &Site, names: &[&str]) -> Result<(), Mismatch> {
    let mut expected: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    expected.sort();
    let what = format!("the directory of {}", site.name());
    match site.names() {
        Ok(found) => equal(&what, listed(&expected), listed(&found)),
        Err(error) => Err(Mismatch::new(what, listed(&expected), error.to_string())),
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    match (names.len(), more) {
        (0, _) => "nothing".to_owned(),
        (_, 0) => shown.join(", "),
        _ => format!(
            "{} and {more} more (the last {})",
            shown.join(", "),
            names.len()
        ),
    }
}

/// No session is left, and no port reserved; what is over soon is waited for.
///
/// # Errors
/// If something is still held after [`PATIENCE`].
pub async fn all_released(site: &Site) -> Result<(), Mismatch> {
    all_released_within(site, PATIENCE).await
}

async fn all_released_within(site: &Site, patience: Duration) -> Result<(), Mismatch> {
    let counts = || (site.server().sessions(), site.server().ports_reserved());
    let released = async {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        while counts() != (0, 0) {
            tick.tick().await;
        }
    };
    if tokio::time::timeout(patience, released).await.is_ok() {
        return Ok(());
    }
    let (sessions, ports) = counts();
    Err(Mismatch::new(
        format!("what {} holds after the end", site.name()),
        "no session and no port",
        format!("{sessions} sessions and {ports} ports"),
    ))
}

/// Every command to `site` got one final reply, after it and before the next but one; nothing
/// was answered that was not asked. The greeting answers the call.
///
/// # Errors
/// If a reply is missing or too many.
pub fn one_final_reply_each(entries: &[Entry], site: &str) -> Result<(), Mismatch> {
    let mut owed: i64 = 1;
    let mut reply = ReplyLines::default();
    let mut last_sent = "the call".to_owned();
    for entry in entries.iter().filter(|entry| entry.site == site) {
        match entry.kind {
            Kind::Note => {}
            Kind::Sent => {
                owed += 1;
                last_sent.clone_from(&entry.line);
            }
            Kind::Received
                if reply.place(&entry.line) == Place::Last && !entry.line.starts_with('1') =>
            {
                // After a QUIT the user may call the same site again.
                let greeting = owed == 0 && last_sent == "QUIT" && entry.line.starts_with("220");
                owed -= i64::from(!greeting);
            }
            Kind::Received => {}
        }
        if owed < 0 {
            let what = format!("replies of {site} after {last_sent}");
            let found = format!("one more: {}", entry.line);
            return Err(Mismatch::new(
                what,
                "one final reply to each command",
                found,
            ));
        }
    }
    match owed {
        0 => Ok(()),
        owed => Err(Mismatch::new(
            format!("replies of {site}"),
            "one final reply to each command",
            format!("{owed} missing at the end; the last command was {last_sent}"),
        )),
    }
}

/// Nothing but control connections was opened at the user's host.
///
/// # Errors
/// With the number of bytes that passed.
pub fn nothing_via_user(flows: &[Flow], sites: [&Site; 2]) -> Result<(), Mismatch> {
    let bytes = via_user(flows, sites);
    let what = "bytes of files that passed the user's host";
    equal(what, 0, bytes)
}

/// Bytes over connections of the user that are no control connections.
#[must_use]
pub fn via_user(flows: &[Flow], sites: [&Site; 2]) -> u64 {
    let is_control = |flow: &&Flow| sites.iter().any(|site| site.address() == flow.peer);
    let others = flows.iter().filter(|flow| !is_control(flow));
    others.map(|flow| flow.bytes).sum()
}

/// How long the end of a session may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::SiteBuilder;

    fn site() -> Site {
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        SiteBuilder::new("SITE1", host).start().unwrap()
    }

    fn check_replies(lines: &[&str], fine: bool) {
        let entries: Vec<Entry> = lines
            .iter()
            .map(|line| {
                let (kind, line) = line.split_at(1);
                let kind = if kind == ">" {
                    Kind::Sent
                } else {
                    Kind::Received
                };
                let (site, line) = ("SITE1".to_owned(), line.to_owned());
                Entry { site, kind, line }
            })
            .collect();
        let found = one_final_reply_each(&entries, "SITE1");
        assert_eq!(found.is_ok(), fine, "{lines:?}: {found:?}");
    }

    #[test]
    fn a_reply_too_many_or_too_few_is_found() {
        check_replies(&["<220 hello"], true);
        check_replies(&[], false);
        check_replies(
            &[
                "<220-hello",
                "<221 not yet",
                "<220 there",
                ">NOOP",
                "<200 ok",
            ],
            true,
        );
        check_replies(&["<220-hello", "<there"], false);
        check_replies(&["<220 hello", ">RETR a", "<150 soon", "<226 done"], true);
        check_replies(&["<220 hello", ">RETR a", "<150 soon"], false);
        check_replies(&["<220 hello", ">NOOP", "<200 ok", "<200 ok"], false);
        check_replies(&["<220 hello", "<200 ok", ">NOOP"], false);
        check_replies(
            &["<220 a", ">RETR a", ">ABOR", "<426 no", "<226 aborted"],
            true,
        );
        check_replies(&["<220 a", ">RETR a", ">ABOR", "<226 done"], false);
        check_replies(
            &[
                "<220 a",
                ">QUIT",
                "<221 bye",
                "<220 again",
                ">NOOP",
                "<200 ok",
            ],
            true,
        );
        check_replies(&["<220 a", ">NOOP", "<200 ok", "<220 again"], false);
    }

    #[tokio::test]
    async fn a_wrong_file_and_a_name_too_many_are_found() {
        let site = site();
        std::fs::write(site.path("a"), b"old").unwrap();
        let old = site.keep("a").unwrap();
        holds(&site, "a", &[&old]).unwrap();
        only_names(&site, &["a"]).unwrap();
        holds(&site, "missing", &[&old]).unwrap_err();
        let wrong = holds(&site, "a", &[&old, &old]).unwrap_err();
        assert!(wrong.expected.starts_with("3 + 3 bytes"), "{wrong}");
        assert!(wrong.found.ends_with("from byte 3 on"), "{wrong}");
        std::fs::write(site.path(".thirdhost-partial.b"), b"").unwrap();
        let more = only_names(&site, &["a"]).unwrap_err();
        assert!(more.found.contains(".thirdhost-partial.b"), "{more}");
        only_names(&site, &["a", "b", ".thirdhost-partial.b"]).unwrap_err();
    }

    #[tokio::test]
    async fn a_session_that_goes_on_is_found() {
        let site = site();
        let mut caller = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        tokio::io::AsyncReadExt::read_u8(&mut caller).await.unwrap();
        let held = all_released_within(&site, Duration::ZERO)
            .await
            .unwrap_err();
        assert_eq!(held.found, "1 sessions and 0 ports");
        drop(caller);
        all_released(&site).await.unwrap();
    }

    #[tokio::test]
    async fn a_byte_through_the_users_host_is_found() {
        let (one, two) = (site(), site());
        let flow = |peer, bytes| Flow { peer, bytes };
        let control = [flow(one.address(), 900), flow(two.address(), 900)];
        nothing_via_user(&control, [&one, &two]).unwrap();
        let mut other = one.address();
        other.set_port(other.port().wrapping_add(1));
        let relayed = [control[0], flow(other, 1)];
        let found = nothing_via_user(&relayed, [&one, &two]).unwrap_err();
        assert_eq!(found.found, "1");
    }
}
