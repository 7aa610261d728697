//! What a user may do with files. Configuration key `permissions`.

use std::fmt;
use std::str::FromStr;

/// One thing a user may be allowed to do.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Permission {
    /// RETR, and every listing.
    Read,
    /// STOR and STOU.
    Write,
    /// APPE.
    Append,
    /// DELE and RMD.
    Delete,
    /// RNFR and RNTO.
    Rename,
    /// MKD.
    Mkdir,
}

impl Permission {
    /// Every permission, in the order in which the configuration lists them.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::Append,
        Self::Delete,
        Self::Rename,
        Self::Mkdir,
    ];

    /// The word in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Append => "append",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Mkdir => "mkdir",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(word: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.word() == word)
            .ok_or(UnknownPermission)
    }
}

/// The word names no permission.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected one of read, write, append, delete, rename, mkdir")]
pub struct UnknownPermission;

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Permissions(u8);

impl Permissions {
    /// Nothing but looking and fetching.
    #[must_use]
    pub fn read_only() -> Self {
        [Permission::Read].into_iter().collect()
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether `permission` is in the set.
    #[must_use]
    pub fn allow(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | permission.bit()),
        )
    }
}
