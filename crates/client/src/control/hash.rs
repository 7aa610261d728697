//! Hashes that servers tell of their files: HASH, XSHA256 and their kin. Spec U-8.

use thirdhost_wire::{Pathname, Reply};

use crate::{ControlConn, Error};

/// A hash that a server can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Algorithm {
    /// As HASH names it.
    pub(crate) name: &'static str,
    /// The command of its own that some servers have for it.
    own_verb: &'static str,
    digits: usize,
}

/// The strongest hash that both servers list in FEAT.
pub(crate) fn common(source: &ControlConn, destination: &ControlConn) -> Option<Algorithm> {
    ALGORITHMS.into_iter().find(|algorithm| {
        [source, destination]
            .iter()
            .all(|conn| has(conn, *algorithm))
    })
}

/// The strongest hash that both servers tell by HASH itself.
pub(crate) fn by_command(source: &ControlConn, destination: &ControlConn) -> Option<Algorithm> {
    ALGORITHMS.into_iter().find(|algorithm| {
        [source, destination]
            .iter()
            .all(|conn| conn.features().has_parameter("HASH", algorithm.name))
    })
}

/// The strongest hash that the server lists in FEAT.
pub(crate) fn strongest(conn: &ControlConn) -> Option<Algorithm> {
    ALGORITHMS
        .into_iter()
        .find(|algorithm| has(conn, *algorithm))
}

/// The hash of a file, in lower case; `None` if the server does not tell it.
pub(crate) async fn of(
    conn: &mut ControlConn,
    algorithm: Algorithm,
    path: &Pathname,
) -> Result<Option<String>, Error> {
    conn.ensure_image().await?;
    let verb = if conn.features().has_parameter("HASH", algorithm.name) {
        if !is_selected(conn, algorithm) && !select(conn, algorithm).await? {
            return Ok(None);
        }
        "HASH"
    } else {
        algorithm.own_verb
    };
    let limit = conn.environment.limits.hash;
    let reply = conn.extension_within(limit, verb, path.as_str()).await?;
    Ok(digest(&reply, algorithm))
}

/// OPTS HASH chooses another than the one in force.
async fn select(conn: &mut ControlConn, algorithm: Algorithm) -> Result<bool, Error> {
    let reply = conn
        .extension("OPTS", &format!("HASH {}", algorithm.name))
        .await?;
    Ok(reply.code().is_completion())
}

/// FEAT marks the algorithm in force with `*`.
pub(crate) fn is_selected(conn: &ControlConn, algorithm: Algorithm) -> bool {
    conn.features()
        .all("HASH")
        .flat_map(|parameters| parameters.split([';', ' ']))
        .filter_map(|parameter| parameter.strip_suffix('*'))
        .any(|selected| selected.eq_ignore_ascii_case(algorithm.name))
}

fn has(conn: &ControlConn, algorithm: Algorithm) -> bool {
    let features = conn.features();
    features.has_parameter("HASH", algorithm.name)
        || (!algorithm.own_verb.is_empty() && features.has(algorithm.own_verb))
}

/// `213 SHA-256 0-1234 <hex> name`, `213-…` before it, or `213 <HEX>` and `250 <HEX>`.
pub(crate) fn digest(reply: &Reply, algorithm: Algorithm) -> Option<String> {
    if !reply.code().is_completion() {
        return None;
    }
    let is_digest = |word: &&str| {
        word.len() == algorithm.digits && word.bytes().all(|octet| octet.is_ascii_hexdigit())
    };
    // The name comes last and may look like a hash itself: the first word that fits is it.
    let line = reply.lines().last()?;
    line.split(' ').find(is_digest).map(str::to_ascii_lowercase)
}

/// The strongest first. CRC32 finds accidents, and an accident is what is looked for.
pub(crate) const ALGORITHMS: [Algorithm; 5] = [
    Algorithm {
        name: "SHA-512",
        own_verb: "XSHA512",
        digits: 128,
    },
    Algorithm {
        name: "SHA-256",
        own_verb: "XSHA256",
        digits: 64,
    },
    Algorithm {
        name: "SHA-1",
        own_verb: "XSHA1",
        digits: 40,
    },
    Algorithm {
        name: "MD5",
        own_verb: "XMD5",
        digits: 32,
    },
    Algorithm {
        name: "CRC32",
        own_verb: "XCRC",
        digits: 8,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use thirdhost_wire::ReplyCode;

    fn check(code: u16, text: &str, expected: Option<&str>) {
        let reply = Reply::new(ReplyCode::new(code).unwrap(), text);
        let [.., crc] = ALGORITHMS;
        assert_eq!(digest(&reply, crc).as_deref(), expected, "{code} {text}");
    }

    #[test]
    fn the_hash_is_found_in_every_form_of_the_answer() {
        check(213, "CRC32 0-5 0a1b2c3d name", Some("0a1b2c3d"));
        check(213, "0A1B2C3D", Some("0a1b2c3d"));
        check(250, "0A1B2C3D", Some("0a1b2c3d"));
        check(213, "CRC32 0-5 0a1b2c3d deadbeef", Some("0a1b2c3d"));
        check(213, "CRC32 0-5 0a1b name", None);
        check(550, "0A1B2C3D", None);
    }
}
