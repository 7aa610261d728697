//! The process confines itself to the files it needs, where the kernel has Landlock (spec S-74).
//!
//! | where | what |
//! |---|---|
//! | beneath the root | everything |
//! | the directories of the configuration, the users file and what else is read again | reading |
//! | where systems keep the CAs they trust | reading |
//! | the directory of the xferlog | appending, and making it |
//! | the network | as before: which peers may be met is the policy's business |
//!
//! Directories, not files: an editor, `user set` and certificate renewal put new files there.

use std::path::Path;

use thirdhost_server::config::Config;

/// Confines this thread and all that it starts. To be called before there are other threads.
///
/// # Errors
/// When the kernel does not do all of it, and `required` says that it has to.
pub(crate) fn confine(config: &Config, file: Option<&Path>, required: bool) -> Result<(), String> {
    match landlock(config, file) {
        Ok(()) => {
            tracing::info!("confined by Landlock to the root and the configuration");
            Ok(())
        }
        Err(why) if required => Err(format!("--require-sandbox: not confined: {why}")),
        Err(why) => {
            tracing::warn!(why, "not confined by Landlock");
            Ok(())
        }
    }
}

#[cfg(target_os = "linux")]
fn landlock(config: &Config, file: Option<&Path>) -> Result<(), String> {
    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
        RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
    };
    let everything = AccessFs::from_all(ABI_KNOWN);
    let root = [config.root.as_path()];
    let read = directories(config.files_read_again().into_iter().chain(file));
    let written = directories(config.log.xferlog.as_deref());
    // What the runtime asks about the machine while it starts: how many cores it has.
    let machine = ["/proc/self", "/sys/fs/cgroup"];
    // Read when a third host has to prove itself by a CA; what is not there is left out.
    let authorities = [
        "/etc/ssl",
        "/etc/pki",
        "/usr/lib/ssl",
        "/usr/share/ca-certificates",
        "/usr/local/share/ca-certificates",
        "/usr/share/pki",
    ];
    let ruleset = || -> Result<RulesetCreated, RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI_NEEDED))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(everything)?
            .create()?
            .add_rules(path_beneath_rules(root, everything))?
            .add_rules(path_beneath_rules(
                read,
                AccessFs::ReadFile | AccessFs::ReadDir,
            ))?
            .add_rules(path_beneath_rules(
                authorities,
                AccessFs::ReadFile | AccessFs::ReadDir,
            ))?
            .add_rules(path_beneath_rules(
                written,
                AccessFs::WriteFile | AccessFs::MakeReg,
            ))?
            .add_rules(path_beneath_rules(machine, AccessFs::from_read(ABI::V1)))
    };
    let status = ruleset()
        .and_then(RulesetCreated::restrict_self)
        .map_err(|error| super::chain(&error))?;
    return match status.ruleset {
        // What is needed is enforced: it was required above.
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err("the kernel has no Landlock, or it is off".to_owned()),
    };

    /// Linux 5.19: before, a confined process could rename nothing into another directory.
    const ABI_NEEDED: ABI = ABI::V2;

    /// Linux 6.10: truncating and devices as well, where the kernel can.
    const ABI_KNOWN: ABI = ABI::V5;
}

/// The directories that hold these files: as named, and where links lead.
#[cfg(target_os = "linux")]
fn directories<'a>(files: impl IntoIterator<Item = &'a Path>) -> Vec<std::path::PathBuf> {
    let parent = |file: &Path| match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new(".").to_owned(),
        Some(parent) => parent.to_owned(),
        None => file.to_owned(),
    };
    let mut directories = Vec::new();
    for file in files {
        directories.push(parent(file));
        if let Ok(target) = file.canonicalize() {
            directories.push(parent(&target));
        }
    }
    directories
}

#[cfg(not(target_os = "linux"))]
fn landlock(_: &Config, _: Option<&Path>) -> Result<(), String> {
    Err("this system has no Landlock".to_owned())
}
