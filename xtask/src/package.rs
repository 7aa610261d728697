//! `cargo xtask package`: what would be published, packed and built from there; nothing leaves.

use crate::step::Step;

/// The one step. Packages with `publish = false` are skipped by cargo.
///
/// Changes not yet committed are packed as well: this asks whether they could be published.
pub(crate) fn steps() -> Vec<Step> {
    vec![Step::cargo(
        "package",
        "publish --workspace --dry-run --allow-dirty",
    )]
}
