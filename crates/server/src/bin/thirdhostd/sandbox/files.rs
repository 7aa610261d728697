//! Which files the process may still reach: Landlock.

use std::path::{Path, PathBuf};

use thirdhost_server::config::Config;

/// What stays within reach, and what may be done there.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    root: PathBuf,
    read: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

impl Reach {
    /// What a server of `config`, read from `file`, needs.
    pub(super) fn new(config: &Config, file: Option<&Path>) -> Self {
        let mut read = directories(config.files_read_again().into_iter().chain(file));
        read.extend(AUTHORITIES.iter().chain(MACHINE).map(PathBuf::from));
        Self {
            root: config.root.clone(),
            read,
            written: directories(config.log.xferlog.as_deref()),
        }
    }

    /// Whether `path`, which is there, lies anywhere within reach.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else {
            return true;
        };
        let places = self.read.iter().chain(&self.written);
        places
            .chain([&self.root])
            .filter_map(|place| place.canonicalize().ok())
            .any(|place| path.starts_with(place))
    }

    /// Takes everything else from this thread and all that it starts.
    pub(super) fn confine(&self) -> Result<(), String> {
        use landlock::{
            ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
            RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
        };
        let everything = AccessFs::from_all(ABI_KNOWN);
        // The server starts no program and makes neither devices, sockets, pipes nor links.
        let never = AccessFs::Execute
            | AccessFs::IoctlDev
            | AccessFs::MakeBlock
            | AccessFs::MakeChar
            | AccessFs::MakeFifo
            | AccessFs::MakeSock
            | AccessFs::MakeSym;
        let reading = AccessFs::ReadFile | AccessFs::ReadDir;
        let appending = AccessFs::WriteFile | AccessFs::MakeReg;
        let ruleset = || -> Result<RulesetCreated, RulesetError> {
            Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(AccessFs::from_all(ABI_NEEDED))?
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(everything)?
                .create()?
                // What is not there is left out.
                .add_rules(path_beneath_rules([&self.root], everything & !never))?
                .add_rules(path_beneath_rules(&self.read, reading))?
                .add_rules(path_beneath_rules(&self.written, appending))
        };
        let status = ruleset()
            .and_then(RulesetCreated::restrict_self)
            .map_err(|error| crate::chain(&error))?;
        return match status.ruleset {
            // What is needed is enforced: it was required above.
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
            RulesetStatus::NotEnforced => {
                Err("the kernel has no Landlock, or it is off".to_owned())
            }
        };

        /// Linux 5.19: before, a confined process could rename nothing into another directory.
        const ABI_NEEDED: ABI = ABI::V2;

        /// Linux 6.10: truncating and devices as well, where the kernel can.
        const ABI_KNOWN: ABI = ABI::V5;
    }
}

/// The directories that hold these files: as named, and where links lead.
fn directories<'a>(files: impl IntoIterator<Item = &'a Path>) -> Vec<PathBuf> {
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

/// Read when a third host has to prove itself by a CA.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl",
    "/etc/pki",
    "/usr/lib/ssl",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/pki",
];

/// What the runtime asks about the machine while it starts: how many cores it has.
const MACHINE: &[&str] = &["/proc/self", "/sys/fs/cgroup"];
