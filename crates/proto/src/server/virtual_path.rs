//! Virtual paths: what a user's pathname means beneath the user's root. Spec S-46.

use std::fmt;

use thirdhost_wire::Pathname;

/// An absolute path in the user's view: `/`, or `/` and components joined by `/`.
///
/// No component is empty, `.` or `..`; none is longer than [`COMPONENT_BYTES_MAX`] and the
/// whole no longer than [`PATH_BYTES_MAX`]. What lies beneath is the store's business.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VirtualPath(String);

impl VirtualPath {
    /// `/`.
    #[must_use]
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// What `name` means to a user who is at `self`: `.` and empty components are dropped,
    /// `..` goes up and never above `/`.
    ///
    /// # Errors
    /// When a component or the whole would be too long, or a character is not allowed.
    pub fn join(&self, name: &Pathname) -> Result<Self, PathError> {
        let name = name.as_str();
        let mut components: Vec<&str> = if name.starts_with('/') {
            Vec::new()
        } else {
            self.components().collect()
        };
        for component in name.split('/') {
            match component {
                "" | "." => {}
                ".." => drop(components.pop()),
                _ if component.len() > COMPONENT_BYTES_MAX => return Err(PathError::TooLong),
                _ if component.chars().any(char::is_control) => return Err(PathError::Control),
                _ => components.push(component),
            }
        }
        let joined = format!("/{}", components.join("/"));
        if joined.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        Ok(Self(joined))
    }

    /// The directory that holds it; `/` for `/`.
    #[must_use]
    pub fn parent(&self) -> Self {
        match self.0.rsplit_once('/') {
            None | Some(("", _)) => Self::root(),
            Some((parent, _)) => Self(parent.to_owned()),
        }
    }

    /// The last component; `None` for `/`.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.components().next_back()
    }

    /// The components from the root down; none for `/`.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }

    /// Whether `other` is this path or lies beneath it.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        let mut others = other.components();
        self.components().all(|ours| others.next() == Some(ours))
    }

    /// The path as the user sees it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without the leading `/`; empty for `/`.
    #[must_use]
    pub fn relative(&self) -> &str {
        self.0.trim_start_matches('/')
    }
}

impl fmt::Display for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a pathname leads nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A component or the whole is too long.
    #[error("the pathname is too long")]
    TooLong,
    /// A control character is in it.
    #[error("the pathname holds a control character")]
    Control,
}

/// The longest component, in bytes: what Linux file systems take.
pub const COMPONENT_BYTES_MAX: usize = 255;

/// The longest path, in bytes: Linux' `PATH_MAX`.
pub const PATH_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(at: &str, name: &str, expected: &str) {
        let at = VirtualPath(at.to_owned());
        let name = Pathname::try_from(name).unwrap();
        let joined = at.join(&name).unwrap();
        assert_eq!(joined.as_str(), expected, "{name} at {at}");
        assert_eq!(format!("/{}", joined.relative()), expected);
    }

    //= security#S-46
    //= type=test
    #[test]
    fn a_pathname_never_leads_above_the_root() {
        check("/", "a", "/a");
        check("/a", "b/c", "/a/b/c");
        check("/a", "/b", "/b");
        check("/a", "..", "/");
        check("/a", "../..", "/");
        check("/a", "../../etc/passwd", "/etc/passwd");
        check("/a", "./b//c/./", "/a/b/c");
        check("/a", "...", "/a/...");
        check("/a", "b\\..\\c", "/a/b\\..\\c");
        check("/", " two spaces", "/ two spaces");
    }

    //= security#S-46
    //= type=test
    #[test]
    fn long_and_controlled_names_are_refused() {
        let join = |name: &str| VirtualPath::root().join(&Pathname::try_from(name).unwrap());
        assert!(join(&"x".repeat(COMPONENT_BYTES_MAX)).is_ok());
        assert_eq!(
            join(&"x".repeat(COMPONENT_BYTES_MAX + 1)),
            Err(PathError::TooLong)
        );
        assert_eq!((COMPONENT_BYTES_MAX, PATH_BYTES_MAX), (255, 4096));
        // With the `/` in front it has exactly so many bytes, or one more.
        let longest = format!("{}{}", "x/".repeat(PATH_BYTES_MAX / 2 - 1), "x");
        assert_eq!(join(&longest).map(|path| path.as_str().len()), Ok(4096));
        assert_eq!(join(&format!("{longest}x")), Err(PathError::TooLong));
        assert_eq!(join("a\u{7}b"), Err(PathError::Control));
    }

    #[test]
    fn parent_and_file_name_take_the_path_apart() {
        let path = VirtualPath("/a/b".to_owned());
        assert_eq!(path.parent().as_str(), "/a");
        assert_eq!(path.parent().parent().as_str(), "/");
        assert_eq!(VirtualPath::root().parent().as_str(), "/");
        assert_eq!(path.file_name(), Some("b"));
        assert_eq!(VirtualPath::root().file_name(), None);
    }
}
