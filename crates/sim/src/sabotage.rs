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
    /// A port that was held is never given back.
    KeepsPorts,
    /// The limits of the user's program never come.
    StopsClock,
    /// Where an upload was given up, none is ever taken again.
    LocksOut,
    /// The user's program says that all is done, whatever came of it.
    SaysDone,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ShowsPartials,
        Self::LosesCommits,
        Self::DropsReplies,
        Self::AdmitsStrangers,
        Self::HangsOnAbandon,
        Self::KeepsPorts,
        Self::StopsClock,
        Self::LocksOut,
        Self::SaysDone,
    ];
}
