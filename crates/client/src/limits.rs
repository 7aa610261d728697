//! Every bound of the client, by name, with the reason for its value.

use std::time::Duration;

/// How long the client waits and how much it takes from a server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// For a TCP connection to stand. 30 s: two lost SYNs and some.
    pub connect: Duration,
    /// For a TLS handshake. 15 s, as servers have it (spec S-39a).
    pub handshake: Duration,
    /// For a reply. 90 s: more than the 60 s a server waits for its data connection (spec A-23)
    /// before it says 425, which is better to hear than to guess.
    pub reply: Duration,
    /// For a byte to move on our own data connection. 300 s, as servers do (spec S-53).
    pub data_stall: Duration,
    /// For the source to say whether a file is there before the destination is told (spec U-4).
    pub patience: Duration,
    /// For the second server to be done after the first, and for a server to say that it has
    /// what was sent. 300 s: it may have to write a large file to a slow disk.
    pub straggler: Duration,
    /// For a server to hash a file. 900 s: what thirdhostd hashes at once (64 GiB), from a disk
    /// that reads 75 MB a second.
    pub hash: Duration,
    /// For a whole third-party file, whose bytes we do not see. 24 h.
    pub transfer: Duration,
    /// Before a server is asked how far a file is. 2 s: most files are there by then.
    pub progress_patience: Duration,
    /// Between two such questions, times the files under way (spec U-10).
    pub progress_interval: Duration,
    /// For a server to answer ABOR when the person stops. 5 s: somebody waits for it.
    pub abort: Duration,
    /// Between two words to servers that wait for the other parts of a file. 30 s: a tenth of
    /// what servers bear.
    pub keep_alive: Duration,
    /// The fewest bytes of a file for one of several streams. 1 MiB: what is shorter is over before
    /// logging in for it has paid.
    pub stream_bytes: u64,
    /// The most bytes of one directory listing. 64 MiB: half a million names.
    pub listing_bytes: usize,
    /// The most bytes a server may send on the control connection without finishing a reply.
    pub unfinished_reply_bytes: usize,
    /// The most preliminary replies to one command: restart markers (110) of a very large file.
    pub preliminary_replies: u32,
}

impl Limits {
    /// For a few bytes that somebody watches: 10 s. A server that closes a connection unasked
    /// often leaves its own command unanswered for minutes.
    #[must_use]
    pub(crate) fn for_a_probe(&self) -> Self {
        let most = Duration::from_secs(10);
        Self {
            reply: self.reply.min(most),
            straggler: self.straggler.min(most),
            transfer: self.transfer.min(most),
            ..self.clone()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            handshake: Duration::from_secs(15),
            reply: Duration::from_secs(90),
            data_stall: Duration::from_secs(300),
            patience: Duration::from_secs(3),
            straggler: Duration::from_secs(300),
            hash: Duration::from_secs(900),
            transfer: Duration::from_secs(24 * 60 * 60),
            progress_patience: Duration::from_secs(2),
            progress_interval: Duration::from_secs(1),
            abort: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            stream_bytes: 1 << 20,
            listing_bytes: 64 << 20,
            unfinished_reply_bytes: 512 << 10,
            preliminary_replies: 1_000_000,
        }
    }
}

/// The most streams for one file: more do not fill a path better, and each is a session at both
/// servers.
pub const STREAMS_MAX: usize = 16;

/// The most pairs of connections that all files together have open for their streams, beside those
/// of the workers. 32: with as many workers as may be (64) and whoever asks how far the files are,
/// each server still sees fewer than the 100 sessions that thirdhostd lets one host have.
pub(crate) const STREAM_PAIRS_MAX: usize = 32;
