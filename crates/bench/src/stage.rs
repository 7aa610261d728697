//! The files that every server serves, on a file system in memory where there is one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::failure::{Result, While};
use crate::load::Secret;

/// A directory for one run; it goes when dropped.
pub(crate) struct Stage {
    directory: TempDir,
    /// The certificate all servers show.
    pub(crate) secret: Secret,
    /// How long the large file is, in bytes.
    pub(crate) size: u64,
}

impl Stage {
    /// Makes the directory beneath `parent`, by default in memory, and the large file in it.
    pub(crate) fn new(parent: Option<&Path>, size: u64) -> Result<Self> {
        let parent = parent.map_or_else(default_parent, Path::to_owned);
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&parent);
        let directory = directory.during(parent.display())?;
        open_to_all(directory.path(), 0o755)?;
        let secret = Secret::new(directory.path())?;
        let stage = Self {
            directory,
            secret,
            size,
        };
        stage.make(&stage.files(), 0o755)?;
        stage.make(&stage.uploads(), 0o777)?;
        write_large(&stage.large(), size)?;
        Ok(stage)
    }

    /// Makes the directory `many` of `count` empty files.
    pub(crate) fn fill(&self, count: usize) -> Result<()> {
        let many = self.files().join("many");
        self.make(&many, 0o755)?;
        for number in 0..count {
            let file = many.join(format!("a-file-with-a-usual-name-{number:05}.txt"));
            File::create(&file).during(file.display())?;
        }
        Ok(())
    }

    /// Makes the directory `tree`: folders of short files. Returns how many files there are.
    pub(crate) fn plant(&self) -> Result<usize> {
        self.plant_tree("tree", FILES)
    }

    /// Makes a directory of `files` short files in ten folders. Returns how many there are.
    pub(crate) fn plant_tree(&self, name: &str, files: usize) -> Result<usize> {
        let tree = self.files().join(name);
        self.make(&tree, 0o755)?;
        let each = files / FOLDERS;
        for folder in 0..FOLDERS {
            let folder = tree.join(format!("folder-{folder}"));
            self.make(&folder, 0o755)?;
            for number in 0..each {
                let file = folder.join(format!("file-{number:03}"));
                fs::write(&file, vec![b'y'; SHORT_BYTES]).during(file.display())?;
                open_to_all(&file, 0o644)?;
            }
        }
        Ok(FOLDERS * each)
    }

    /// Removes all that has been uploaded; returns how many files of which length there were.
    pub(crate) fn harvest(&self) -> Result<Vec<u64>> {
        let mut lengths = Vec::new();
        let mut directories = vec![self.uploads()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).during(directory.display())? {
                let entry = entry.during(directory.display())?;
                let facts = entry.metadata().during(directory.display())?;
                if facts.is_dir() {
                    directories.push(entry.path());
                } else {
                    lengths.push(facts.len());
                }
            }
        }
        fs::remove_dir_all(self.uploads()).during("removing uploads")?;
        self.make(&self.uploads(), 0o777)?;
        Ok(lengths)
    }

    /// The home of the user at every server.
    pub(crate) fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    /// Where uploads go.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.files().join("in")
    }

    /// The large file.
    pub(crate) fn large(&self) -> PathBuf {
        self.files().join("large")
    }

    /// A directory for what one server needs.
    pub(crate) fn of_peer(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.path().join(name);
        self.make(&directory, 0o755)?;
        Ok(directory)
    }

    /// The kind of file system that holds the files.
    pub(crate) fn file_system(&self) -> String {
        match rustix::fs::statfs(self.directory.path()) {
            Ok(system) if system.f_type == TMPFS_MAGIC => "tmpfs".to_owned(),
            Ok(system) => format!("file system of type {:#x}", system.f_type),
            Err(error) => format!("a file system that does not tell its type: {error}"),
        }
    }

    fn make(&self, directory: &Path, mode: u32) -> Result<()> {
        fs::create_dir_all(directory).during(directory.display())?;
        open_to_all(directory, mode)
    }
}

fn default_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// Servers that give up root for another user read there too.
fn open_to_all(path: &Path, mode: u32) -> Result<()> {
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).during(path.display())
}

/// Every page its own: a file of holes would be read without memory.
fn write_large(path: &Path, size: u64) -> Result<()> {
    let step = path.display();
    let mut pattern = io::repeat(b'x').take(size);
    let mut file = File::create(path).during(&step)?;
    io::copy(&mut pattern, &mut file).during(&step)?;
    file.flush().during(&step)?;
    open_to_all(path, 0o644)
}

/// What every directory of ours begins with.
const PREFIX: &str = "thirdhost-bench-";

/// See statfs(2).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// A tree of many short files, as source code and photographs' thumbnails are.
const FOLDERS: usize = 10;
const FILES: usize = 1_000;

/// How long each file of the tree is.
pub(crate) const SHORT_BYTES: usize = 4096;
