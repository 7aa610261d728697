//! How much one user may take.

/// The bounds of one user, over all of its sessions. `None`: only the server's own hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bounds {
    /// Sessions that may be logged in at once (spec S-52). Key `sessions`.
    pub sessions: Option<usize>,
}
