//! Places: `ftp://[user[:password]@]host[:port]/path`, `ftpes://…`, `ftps://…`, or a local path.
//! Design section 4.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use thirdhost_wire::{Password, Pathname, PathnameError, Text};

use crate::Security;

/// Where a file is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// On an FTP server.
    Remote(Remote),
    /// On this host.
    Local(PathBuf),
}

/// A file or directory on an FTP server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Remote {
    /// The host: a name or an address, IPv6 without brackets.
    pub host: String,
    /// The control port; unless told 990 for `ftps`, else 21.
    pub port: u16,
    /// When it is spoken to under TLS: the scheme.
    pub security: Security,
    /// Who logs in, if the place says so.
    pub user: Option<Text>,
    /// The password, if the place says so; everybody who lists processes can read it there.
    pub password: Option<Password>,
    /// Relative to the login directory, or absolute; `None` is the login directory itself.
    pub path: Option<Pathname>,
    /// What the user calls the server, if it has a name of the user's own.
    pub label: Option<String>,
}

/// Why a text is no place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// There is nothing in it.
    #[error("the place is empty; expected ftp://[user@]host[:port]/path or a local path")]
    Empty,
    /// Another scheme.
    #[error(
        "the scheme {0}:// is not known; expected ftp, ftpes or ftps://[user@]host[:port]/path"
    )]
    Scheme(String),
    /// Not a URL.
    #[error("the place is malformed: {0}; expected ftp://[user@]host[:port]/path")]
    Malformed(#[from] url::ParseError),
    /// No host.
    #[error("the place names no host; expected ftp://[user@]host[:port]/path")]
    NoHost,
    /// Port 0.
    #[error("port 0 names no socket; expected 1 to 65535")]
    ZeroPort,
    /// A query or fragment, where a `?` or `#` of a file name must be %-encoded.
    #[error("'?' and '#' in a path are written %3F and %23")]
    QueryOrFragment,
    /// Not UTF-8 after %-decoding.
    #[error("the {0} is not UTF-8 after %-decoding")]
    NotUtf8(&'static str),
    /// CR, LF or NUL after %-decoding (spec S-61).
    #[error("the {0} cannot be sent: {1}")]
    Forbidden(&'static str, PathnameError),
}

impl Place {
    /// Reads a place.
    ///
    /// # Errors
    /// [`PlaceError`], which says what was expected.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        if text.is_empty() {
            return Err(PlaceError::Empty);
        }
        match text.split_once("://") {
            None => Ok(Self::Local(PathBuf::from(text))),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "ftp" => Remote::parse(rest, Security::Offered).map(Self::Remote),
                "ftpes" => Remote::parse(rest, Security::Explicit).map(Self::Remote),
                "ftps" => Remote::parse(rest, Security::Implicit).map(Self::Remote),
                "file" => Ok(Self::Local(PathBuf::from(rest))),
                _ if is_scheme(scheme) => Err(PlaceError::Scheme(scheme.to_owned())),
                _ => Ok(Self::Local(PathBuf::from(text))),
            },
        }
    }
}

impl Remote {
    /// The host and port as they are written in messages.
    #[must_use]
    pub fn site(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The same server under a name of the user's own.
    #[must_use]
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Self {
            label: Some(label.into()),
            ..self
        }
    }

    /// The same server with another path, as it stands (no `%` is decoded); empty for none.
    ///
    /// # Errors
    /// [`PlaceError::Forbidden`] for a CR, LF or NUL in it.
    pub fn with_path(self, path: &str) -> Result<Self, PlaceError> {
        let read = |path| Pathname::try_from(path);
        let path = (!path.is_empty()).then(|| read(path)).transpose();
        let path = path.map_err(|problem| PlaceError::Forbidden("path", problem))?;
        Ok(Self { path, ..self })
    }

    /// The path as it goes into a command.
    #[must_use]
    pub fn path_text(&self) -> &str {
        self.path.as_ref().map_or("", Pathname::as_str)
    }

    /// `rest` is what follows `ftp://`. The authority is read by the URL rules; the path is not
    /// (they would swallow `..` and spaces, which belong to the name).
    fn parse(rest: &str, security: Security) -> Result<Self, PlaceError> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains(['?', '#']) || authority.contains(['?', '#']) {
            return Err(PlaceError::QueryOrFragment);
        }
        if authority.contains(|c: char| c.is_control() || c == '\\') {
            return Err(PlaceError::Malformed(
                url::ParseError::InvalidDomainCharacter,
            ));
        }
        let url = url::Url::parse(&format!("ftp://{authority}/"))?;
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or(PlaceError::NoHost)?;
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = match (url.port(), security) {
            (Some(port), _) => port,
            // A URL does not tell the port of its scheme from none; another scheme has another.
            (None, Security::Implicit) => url::Url::parse(&format!("http://{authority}/"))?
                .port()
                .unwrap_or(IMPLICIT_PORT),
            (None, _) => CONTROL_PORT,
        };
        if port == 0 {
            return Err(PlaceError::ZeroPort);
        }
        let user = Some(url.username()).filter(|user| !user.is_empty());
        let user = user
            .map(|user| text::<Text>(user, "user name"))
            .transpose()?;
        let password = url
            .password()
            .map(|word| text(word, "password"))
            .transpose()?;
        let path = (!path.is_empty()).then(|| text(path, "path")).transpose()?;
        Ok(Self {
            host,
            port,
            security,
            user,
            password,
            path,
            label: None,
        })
    }
}

fn text<T>(encoded: &str, what: &'static str) -> Result<T, PlaceError>
where
    T: for<'a> TryFrom<&'a str, Error = PathnameError>,
{
    let decoded = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| PlaceError::NotUtf8(what))?;
    T::try_from(&decoded).map_err(|problem| PlaceError::Forbidden(what, problem))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// RFC 959 section 8: port L.
const CONTROL_PORT: u16 = 21;

/// The registry's `ftps`: TLS from the first octet on.
const IMPLICIT_PORT: u16 = 990;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(place: &str, expected: &str) {
        let found = match Place::parse(place) {
            Ok(Place::Local(path)) => format!("local {}", path.display()),
            Ok(Place::Remote(remote)) => format!(
                "{} {} {} {:?}",
                remote.site(),
                remote.user.as_ref().map_or("-", Text::as_str),
                remote.password.as_ref().map_or("-", Password::reveal),
                remote.path_text(),
            ),
            Err(PlaceError::Forbidden(what, _)) => format!("forbidden {what}"),
            Err(PlaceError::Malformed(_)) => "malformed".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(found, expected, "{place}");
    }

    #[test]
    fn a_path_is_relative_to_the_login_directory_unless_doubled_or_encoded() {
        check("ftp://h/a/b", r#"h:21 - - "a/b""#);
        check("ftp://h//etc/x", r#"h:21 - - "/etc/x""#);
        check("ftp://h/%2Fetc/x", r#"h:21 - - "/etc/x""#);
        check("ftp://h", r#"h:21 - - """#);
        check("ftp://h/", r#"h:21 - - """#);
        check("FTP://u@h:2121/a", r#"h:2121 u - "a""#);
        check("ftp://u%40d:p%3Aw@h/a", r#"h:21 u@d p:w "a""#);
        check("ftp://[::1]:2121/a", r#"[::1]:2121 - - "a""#);
        check("ftp://h/a%20b c/../d", r#"h:21 - - "a b c/../d""#);
        check("ftp://h/100%25%3F", r#"h:21 - - "100%?""#);
        check("ftp://h/%e2%82%ac", "h:21 - - \"€\"");
    }

    #[test]
    fn the_scheme_says_how_tls_begins_and_on_which_port() {
        for (place, security, port) in [
            ("ftp://h/a", Security::Offered, 21),
            ("FTPES://h/a", Security::Explicit, 21),
            ("ftps://h/a", Security::Implicit, 990),
            ("ftps://h:21/a", Security::Implicit, 21),
            ("ftpes://h:2121/a", Security::Explicit, 2121),
        ] {
            let Ok(Place::Remote(remote)) = Place::parse(place) else {
                panic!("{place}")
            };
            assert_eq!((remote.security, remote.port), (security, port), "{place}");
        }
    }

    //= security#S-61
    //= type=test
    #[test]
    fn what_would_break_the_command_line_is_refused() {
        check("ftp://h/a%0D%0ADELE%20b", "forbidden path");
        check("ftp://h/a%0ab", "forbidden path");
        check("ftp://h/a%00", "forbidden path");
        check("ftp://u%0d@h/a", "forbidden user name");
        check("ftp://u:p%0a@h/a", "forbidden password");
        check("ftp://h/%ff", r#"NotUtf8("path")"#);
        check("ftp://h/a?b", "QueryOrFragment");
    }

    #[test]
    fn other_schemes_and_local_paths_are_told_apart() {
        check("http://h/a", r#"Scheme("http")"#);
        check("a/b", "local a/b");
        check("./ftp:x", "local ./ftp:x");
        check("", "Empty");
        check("ftp:///a", "malformed");
        check("ftp://h:0/a", "ZeroPort");
        check("ftp://h:99999/a", "malformed");
    }
}
