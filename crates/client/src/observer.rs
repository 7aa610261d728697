//! Who watches the dialogues: transcripts, `-v`, tests.

use std::fmt;

/// Sees every line of every control connection, in the order in which it went over the wire.
///
/// Lines carry no CRLF. The arguments of PASS and ACCT never arrive here (spec S-70).
pub trait Observer: fmt::Debug + Send + Sync {
    /// A command went to the server named `site`.
    fn sent(&self, site: &str, line: &str);

    /// A line of a reply came from the server named `site`.
    fn received(&self, site: &str, line: &str);

    /// So many more bytes of a file or listing passed this host.
    fn moved(&self, bytes: u64) {
        let _unused = bytes;
    }

    /// Something that the person should know at once: clear text, a certificate that is new.
    fn warning(&self, warning: &str) {
        self.note(warning);
    }

    /// Something worth telling that is no line: why one arrangement failed and the next is tried.
    fn note(&self, note: &str) {
        let _unused = note;
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn sent(&self, _site: &str, _line: &str) {}

    fn received(&self, _site: &str, _line: &str) {}
}
