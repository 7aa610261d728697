//! What a user may do with files, and where. Configuration keys `permissions` and `path`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::virtual_path::VirtualPath;

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
pub struct PermissionSet(u8);

impl PermissionSet {
    /// Whether `permission` is in the set.
    #[must_use]
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | permission.bit()),
        )
    }
}

/// What a user may do at each path: one set for everywhere, and others beneath prefixes. The
/// longest prefix that holds a path decides alone; sets are not added up.
///
/// A prefix is a virtual path, compared component by component after `..` has been resolved:
/// `/in` holds `/in` and `/in/a`, not `/inn`. A symbolic link counts as where it stands, not as
/// where it leads: whoever puts one into a home decides what is reached over it. No command of
/// ours makes one. Where the file system takes `A` and `a` for the same, a prefix must not be
/// relied upon to keep users out.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Permissions {
    everywhere: PermissionSet,
    /// The longest first.
    beneath: Arc<[(VirtualPath, PermissionSet)]>,
}

impl Permissions {
    /// Nothing but looking and fetching, everywhere.
    #[must_use]
    pub fn read_only() -> Self {
        [Permission::Read].into_iter().collect()
    }

    /// Everything, everywhere.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// `permissions` at `prefix` and beneath, in place of what holds there so far.
    #[must_use]
    pub fn beneath(self, prefix: VirtualPath, permissions: PermissionSet) -> Self {
        let others = self.beneath.iter().filter(|(other, _)| *other != prefix);
        let mut beneath: Vec<_> = others.cloned().collect();
        beneath.push((prefix, permissions));
        beneath.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.components().count()));
        Self {
            everywhere: self.everywhere,
            beneath: beneath.into(),
        }
    }

    /// What is granted where no prefix says otherwise.
    #[must_use]
    pub fn everywhere(&self) -> PermissionSet {
        self.everywhere
    }

    /// Whether `permission` is granted at `path`.
    ///
    /// A directory that is, or holds, a prefix is never renamed, nor is anything renamed to its
    /// name: what lies in it would come under other rules.
    #[must_use]
    pub fn allow(&self, permission: Permission, path: &VirtualPath) -> bool {
        let moves_a_prefix = permission == Permission::Rename
            && self.beneath.iter().any(|(prefix, _)| path.holds(prefix));
        self.at(path).contains(permission) && !moves_a_prefix
    }

    /// Whether `path` may be the working directory: where anything at all may be done in it or
    /// beneath it. The root always may, since that is where a session begins.
    #[must_use]
    pub fn may_enter(&self, path: &VirtualPath) -> bool {
        let beneath = self.beneath.iter();
        *path == VirtualPath::root()
            || !self.at(path).is_empty()
            || beneath
                .filter(|(prefix, _)| path.holds(prefix))
                .any(|(_, permissions)| !permissions.is_empty())
    }

    /// Whether the same is granted for all that lies in `directory`, whatever its name, beneath
    /// it too: then one answer of [`allow`](Self::allow) stands for all of one kind.
    #[must_use]
    pub fn is_uniform_in(&self, directory: &VirtualPath) -> bool {
        let mut beneath = self.beneath.iter();
        !beneath.any(|(prefix, _)| directory.holds(prefix) && prefix != directory)
    }

    fn at(&self, path: &VirtualPath) -> PermissionSet {
        self.beneath
            .iter()
            .find(|(prefix, _)| prefix.holds(path))
            .map_or(self.everywhere, |(_, permissions)| *permissions)
    }
}

impl FromIterator<Permission> for Permissions {
    /// The same everywhere.
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self {
            everywhere: permissions.into_iter().collect(),
            beneath: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Permission::{Append, Delete, Mkdir, Read, Rename, Write};
    use super::*;

    fn path(path: &str) -> VirtualPath {
        VirtualPath::root().join(&path.try_into().unwrap()).unwrap()
    }

    fn set(permissions: &[Permission]) -> PermissionSet {
        permissions.iter().copied().collect()
    }

    /// Read everywhere, with a drop box, an exception in it, and a closed corner.
    fn permissions() -> Permissions {
        Permissions::read_only()
            .beneath(path("/in"), set(&[Write]))
            .beneath(path("/in/box/deep"), set(&Permission::ALL))
            .beneath(path("/closed"), set(&[]))
            .beneath(path("/work"), set(&Permission::ALL))
            .beneath(path("/work/fixed/hidden"), set(&[]))
    }

    #[test]
    fn a_permission_is_told_by_the_word_that_it_is_read_from() {
        for permission in Permission::ALL {
            assert_eq!(permission.to_string().parse(), Ok(permission));
        }
        assert_eq!(Mkdir.to_string(), "mkdir");
        assert_eq!("Read".parse::<Permission>(), Err(UnknownPermission));
    }

    #[test]
    fn what_is_granted_twice_is_granted() {
        let twice = set(&[Write, Read, Write]);
        assert_eq!(twice, set(&[Read, Write]));
        assert!(twice.contains(Write) && !twice.contains(Append));
    }

    #[test]
    fn a_directory_without_prefixes_in_it_is_uniform() {
        let uniform = |at: &str| permissions().is_uniform_in(&path(at));
        assert!(!uniform("/") && !uniform("/in") && !uniform("/in/box") && !uniform("/work"));
        assert!(uniform("/in/box/deep") && uniform("/closed") && uniform("/other"));
        assert!(uniform("/in/boxes") && uniform("/work/fixed/hidden/more"));
        assert!(Permissions::all().is_uniform_in(&path("/")));
    }

    #[test]
    fn the_longest_prefix_decides_component_by_component() {
        let check = |at: &str, expected: &[Permission]| {
            let allowed: Vec<Permission> = Permission::ALL
                .into_iter()
                .filter(|permission| permissions().allow(*permission, &path(at)))
                .collect();
            assert_eq!(allowed, expected, "{at}");
        };
        check("/", &[Read]);
        check("/f", &[Read]);
        check("/in", &[Write]);
        check("/in/f", &[Write]);
        check("/in/box/f", &[Write]);
        check("/inn", &[Read]);
        check("/in/box/deep/f", &Permission::ALL);
        check("/in/box/deeper", &[Write]);
        check("/in/../f", &[Read]);
        check("/f/../in/f", &[Write]);
        check("/IN/f", &[Read]);
        check("/closed", &[]);
        check("/closed/f", &[]);
        check("/work/f", &Permission::ALL);
        check("/work/fixed/f", &Permission::ALL);
        check("/work/fixed/hidden", &[]);
        assert_eq!(permissions().everywhere(), set(&[Read]));
    }

    #[test]
    fn a_directory_that_is_or_holds_a_prefix_is_not_renamed() {
        for (at, expected) in [
            ("/work/f", true),
            ("/work/fixed/f", true),
            ("/work/fixed", false),
            ("/work", false),
            ("/in/box/deep", false),
            ("/in/box/deep/f", true),
        ] {
            assert_eq!(permissions().allow(Rename, &path(at)), expected, "{at}");
        }
        let others = [Read, Write, Append, Delete, Mkdir];
        assert!(
            others
                .iter()
                .all(|p| permissions().allow(*p, &path("/work")))
        );
    }

    #[test]
    fn a_directory_is_entered_where_something_may_be_done_in_it_or_beneath() {
        let closed = Permissions::default().beneath(path("/a/b"), set(&[Write]));
        for (permissions, at, expected) in [
            (&permissions(), "/", true),
            (&permissions(), "/in", true),
            (&permissions(), "/closed", false),
            (&permissions(), "/closed/d", false),
            (&permissions(), "/work/fixed/hidden", false),
            (&closed, "/", true),
            (&closed, "/a", true),
            (&closed, "/a/b", true),
            (&closed, "/a/c", false),
            (&Permissions::default(), "/", true),
            (&Permissions::default(), "/a", false),
        ] {
            assert_eq!(permissions.may_enter(&path(at)), expected, "{at}");
        }
    }

    #[test]
    fn a_prefix_given_again_takes_the_place_of_the_first() {
        let permissions = permissions().beneath(path("/in"), set(&[Read]));
        assert!(!permissions.allow(Write, &path("/in/f")));
        assert!(permissions.allow(Read, &path("/in/f")));
    }
}
