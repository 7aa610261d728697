//! `cargo xtask package`: what would be published, packed and built from there; nothing leaves.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::step::Step;
use crate::tree;

/// Packs and builds. Packages with `publish = false` are skipped by cargo.
///
/// Changes not yet committed are packed as well: this asks whether they could be published.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::own("forget", forget),
        Step::cargo("package", "publish --workspace --dry-run --allow-dirty")
            .with_variable("CARGO_TARGET_DIR", TARGET),
    ]
}

/// Makes cargo forget what it unpacked and built for an earlier run.
///
/// Cargo builds each package against those packed before it, from a registry in the target
/// directory, and keeps what it unpacked and built by path and version. Another run at the same
/// path, with the same version and other sources, would be built against the old ones.
fn forget() -> Result<(), String> {
    let target = tree::root().join(TARGET);
    if target.exists() {
        remove(&target).map_err(|error| format!("{TARGET}: {error}"))?;
    }
    let Some(home) = cargo_home() else {
        return Ok(());
    };
    for kind in ["src", "cache"] {
        forget_below(&home.join("registry").join(kind)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Removes our packages from the registries that have no host: those on this disk.
fn forget_below(registries: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(registries) else {
        return Ok(());
    };
    for registry in entries {
        let registry = registry?;
        if registry.file_name().to_string_lossy().starts_with('-') {
            for package in fs::read_dir(registry.path())? {
                let package = package?;
                if package.file_name().to_string_lossy().starts_with(OURS) {
                    remove(&package.path())?;
                }
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

fn cargo_home() -> Option<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

/// A target directory for packing alone.
const TARGET: &str = "target/packing";

/// How the names of our packages begin.
const OURS: &str = "thirdhost-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_packages_from_registries_on_this_disk_are_forgotten() {
        let root = env::temp_dir().join(format!("thirdhost-xtask-{}", std::process::id()));
        let kept = ["index.example-1/thirdhost-wire-0.1.0", "-1/bytes-1.0.0"];
        let gone = ["-1/thirdhost-wire-0.1.0", "-2/thirdhost-proto-0.1.0"];
        for name in kept.iter().chain(&gone) {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        forget_below(&root).unwrap();
        assert!(kept.iter().all(|name| root.join(name).exists()));
        assert!(gone.iter().all(|name| !root.join(name).exists()));
        fs::remove_dir_all(&root).unwrap();
    }
}
