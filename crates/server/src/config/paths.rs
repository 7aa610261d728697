//! What a user may do, and where: `permissions` and the tables `[[user.path]]`.

use std::path::Path;

use serde::Deserialize;
use thirdhost_proto::server::{Permission, Permissions, VirtualPath};
use thirdhost_wire::Pathname;
use toml::Spanned;

use super::ConfigError;
use super::values::{Word, Worded};

/// A table `[[user.path]]` or `[[anonymous.path]]`: other permissions beneath a prefix.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathTable {
    prefix: Spanned<Worded<Prefix>>,
    permissions: Vec<Worded<Permission>>,
}

/// What a list of permissions and the tables for prefixes make; without a list, read only.
pub(super) fn permissions(
    list: Option<Vec<Worded<Permission>>>,
    tables: Vec<PathTable>,
    file: &Path,
    text: &str,
) -> Result<Permissions, ConfigError> {
    let mut permissions = list.map_or_else(Permissions::read_only, |list| unworded(list).collect());
    let mut seen: Vec<VirtualPath> = Vec::new();
    for table in tables {
        let span = table.prefix.span();
        let Worded(Prefix(prefix)) = table.prefix.into_inner();
        if seen.contains(&prefix) {
            let problem = "this prefix is there already; expected each prefix once";
            return Err(ConfigError::at(file, text, span, problem));
        }
        seen.push(prefix.clone());
        permissions = permissions.beneath(prefix, unworded(table.permissions).collect());
    }
    Ok(permissions)
}

fn unworded(list: Vec<Worded<Permission>>) -> impl Iterator<Item = Permission> {
    list.into_iter().map(|Worded(permission)| permission)
}

/// A directory or file as the user sees it, other than the root, whose permissions are the
/// user's own.
pub(super) struct Prefix(pub(super) VirtualPath);

impl Word for Prefix {
    const EXPECTED: &'static str =
        "a path from the user's own root such as \"/incoming\", without \"..\"";

    fn from_word(word: &str) -> Option<Self> {
        if !word.starts_with('/') || word.split('/').any(|component| component == "..") {
            return None;
        }
        let prefix = VirtualPath::root()
            .join(&Pathname::try_from(word).ok()?)
            .ok()?;
        (prefix != VirtualPath::root()).then_some(Self(prefix))
    }
}
