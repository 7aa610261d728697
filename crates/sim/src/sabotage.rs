//! Mutations: what a broken server would do, so that the oracle shows that it can fail.

/// One thing that is done wrong on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sabotage {
    /// An interrupted upload appears under its name.
    ShowsPartials,
    /// An upload is said to be in place, and is not.
    LosesCommits,
    /// The replies that a file is in place are never sent.
    DropsReplies,
    /// A listening data port takes whoever calls for the one who is expected.
    AdmitsStrangers,
    /// An upload that is given up is never let go of.
    HangsOnAbandon,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ShowsPartials,
        Self::LosesCommits,
        Self::DropsReplies,
        Self::AdmitsStrangers,
        Self::HangsOnAbandon,
    ];
}
