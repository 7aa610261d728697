//! How `thirdhost` ends, as a number. Design section 4.

/// The exit codes of `thirdhost`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
#[non_exhaustive]
pub enum ExitCode {
    /// Everything was done.
    Done = 0,
    /// The command line is wrong.
    Usage = 1,
    /// Something that has no number of its own.
    Other = 2,
    /// A directory is not there.
    DirectoryNotFound = 3,
    /// A file is not there.
    FileNotFound = 4,
    /// It failed now; the same may succeed later.
    Temporary = 5,
    /// It was refused; the same will be refused again.
    Refused = 6,
    /// The connection or the dialogue broke.
    Fatal = 7,
    /// There was nothing to do.
    NothingToDo = 9,
    /// What arrived is not what was sent.
    VerificationFailed = 10,
    /// No way was found to bring the two servers together.
    ThirdPartyRefused = 11,
    /// Some of it was done.
    PartlyDone = 12,
    /// It was stopped (Ctrl-C): 128 and the number of SIGINT, as shells count it.
    Stopped = 130,
}

impl ExitCode {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Done,
        Self::Usage,
        Self::Other,
        Self::DirectoryNotFound,
        Self::FileNotFound,
        Self::Temporary,
        Self::Refused,
        Self::Fatal,
        Self::NothingToDo,
        Self::VerificationFailed,
        Self::ThirdPartyRefused,
        Self::PartlyDone,
        Self::Stopped,
    ];

    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Usage => "wrong usage",
            Self::Other => "other",
            Self::DirectoryNotFound => "directory not found",
            Self::FileNotFound => "file not found",
            Self::Temporary => "temporary failure (a retry helps)",
            Self::Refused => "refused (a retry does not help)",
            Self::Fatal => "fatal (connection or dialogue broken)",
            Self::NothingToDo => "nothing to do",
            Self::VerificationFailed => "verification failed",
            Self::ThirdPartyRefused => "third-party transfer refused",
            Self::PartlyDone => "partly done",
            Self::Stopped => "stopped (Ctrl-C)",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_design() {
        let numbers: Vec<u8> = ExitCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 130]);
    }
}
