//! The real binaries of this workspace: built when they are not there yet.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where a binary of this workspace is, built as this program is.
///
/// Cargo's own lock keeps several tests from building it at once, and where it is fresh already
/// this costs next to nothing.
///
/// # Errors
/// When it cannot be built.
pub fn path(name: &str) -> io::Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = match BUILT.get() {
        Some(directory) => directory,
        None => {
            let built = build()?;
            BUILT.get_or_init(|| built)
        }
    };
    Ok(directory.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// `--workspace` so that the features are those of a build of everything, which is then not
/// repeated.
fn build() -> io::Result<PathBuf> {
    let this = env::current_exe()?;
    // target/<profile>/this, or for tests target/<profile>/deps/this
    let profile = this
        .ancestors()
        .skip(1)
        .find(|place| !place.ends_with("deps"))
        .ok_or(io::ErrorKind::NotFound)?;
    let target = profile.parent().ok_or(io::ErrorKind::NotFound)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--workspace", "--all-features"])
        .args(["--bin", "thirdhostd", "--bin", "thirdhost", "--target-dir"])
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    // What the cargo that runs us said of our package would make build scripts run again.
    for (name, _) in env::vars_os() {
        let said = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|start| said.starts_with(start))
        {
            build.env_remove(&name);
        }
    }
    if let Some(name) = profile.file_name().filter(|name| *name != "debug") {
        build.arg("--profile").arg(name);
    }
    let output = build.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(said.into_owned()));
    }
    Ok(profile.to_owned())
}
