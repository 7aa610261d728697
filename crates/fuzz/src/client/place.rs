//! Any text as a place: no panic, nothing in it that would break a command line, and what is read
//! can be written so that it is read the same.

use std::fmt::Write as _;

use thirdhost_client::{Place, Remote, Security};

pub(crate) fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let Ok(Place::Remote(remote)) = Place::parse(text) else {
        return;
    };
    assert!(!remote.path_text().contains(['\r', '\n', '\0']));
    assert!(!remote.site().contains(char::is_control));
    let written = url(&remote);
    assert_eq!(
        Place::parse(&written),
        Ok(Place::Remote(remote)),
        "{written}"
    );
}

fn url(remote: &Remote) -> String {
    let scheme = match remote.security {
        Security::Explicit => "ftpes",
        Security::Implicit => "ftps",
        _ => "ftp",
    };
    let mut url = format!("{scheme}://");
    let user = remote.user.as_ref().map(|user| encoded(user.as_str()));
    let password = remote.password.as_ref().map(|word| encoded(word.reveal()));
    if user.is_some() || password.is_some() {
        url.push_str(&user.unwrap_or_default());
        if let Some(password) = password {
            url.push(':');
            url.push_str(&password);
        }
        url.push('@');
    }
    url.push_str(&remote.site());
    url.push('/');
    url.push_str(&encoded(remote.path_text()));
    url
}

/// Every octet as `%` and two digits, whether it needs it or not.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, octet| {
        // Writing to a string does not fail.
        let _written = write!(encoded, "%{octet:02X}");
        encoded
    })
}
