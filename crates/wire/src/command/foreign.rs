//! Lines of other protocols, which browsers and mailers can be made to send here. Spec S-38.

/// Whether `line` is one that HTTP, SMTP or SSH begins with and FTP never has.
///
/// Said of a whole line, so that no pathname can be meant: the code decides, and for the methods
/// of HTTP that people type into an FTP session too, the version at the end of the line.
pub(super) fn is_foreign(line: &[u8]) -> bool {
    let end = line.iter().position(|octet| *octet == b' ');
    let code = line.get(..end.unwrap_or(line.len())).unwrap_or(line);
    let is = |word: &&str| word.as_bytes().eq_ignore_ascii_case(code);
    CODES.iter().any(is)
        || code.get(..4).is_some_and(|start| start == SSH)
        || is_header(code)
        || ends_in_version(line)
}

/// `Host:` and its kin: a token of RFC 9110 section 5.6.2, as far as header names go, and a colon.
fn is_header(code: &[u8]) -> bool {
    let Some(colon) = code.iter().position(|octet| *octet == b':') else {
        return false;
    };
    let is_token = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let name = code.get(..colon).unwrap_or_default();
    !name.is_empty() && name.iter().all(is_token)
}

fn ends_in_version(line: &[u8]) -> bool {
    let last = line.rsplit(|octet| *octet == b' ').next();
    let starts = |protocol: &&[u8]| last.is_some_and(|word| word.starts_with(protocol));
    let is_request = line.iter().filter(|octet| **octet == b' ').count() == 2;
    is_request && VERSIONS.iter().any(starts)
}

/// Codes that are never FTP's, whatever follows.
const CODES: [&str; 6] = ["GET", "POST", "HEAD", "HELO", "EHLO", "LHLO"];

/// What stands last in the first line of a request.
const VERSIONS: [&[u8]; 3] = [b"HTTP/", b"RTSP/", b"SIP/"];

/// How a banner of SSH begins (RFC 4253 section 4.2).
const SSH: &[u8] = b"SSH-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_of_other_protocols_are_known_and_no_other_line_is() {
        for line in [
            "GET / HTTP/1.1",
            "get",
            "POST /upload HTTP/1.0",
            "HEAD / HTTP/1.1",
            "PUT /f HTTP/1.1",
            "DELETE /f HTTP/1.1",
            "OPTIONS * HTTP/1.1",
            "PRI * HTTP/2.0",
            "DESCRIBE rtsp://h/ RTSP/1.0",
            "HELO example.org",
            "EHLO [192.0.2.1]",
            "LHLO example.org",
            "SSH-2.0-OpenSSH_10.0",
            "Host: example.org",
            "Host:example.org",
            "Content-Type: text/plain",
        ] {
            assert!(is_foreign(line.as_bytes()), "{line}");
        }
        for line in [
            "",
            ":",
            "RETR GET / HTTP/1.1",
            "STOR a: b HTTP/1.1",
            "put f",
            "DELETE f",
            "USER a:b",
            "PASS Host:",
            "GETX",
            "SSH",
            "XSSH-2.0",
        ] {
            assert!(!is_foreign(line.as_bytes()), "{line}");
        }
    }
}
