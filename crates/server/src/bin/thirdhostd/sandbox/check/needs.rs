//! What a confined server still has to be able to do.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use thirdhost_server::config::Config;

/// Something to be allowed.
pub(super) struct Need {
    /// As a verb: what is tried.
    pub(super) what: &'static str,
    make: Box<dyn Fn() -> io::Result<()> + Send + Sync>,
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Need")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

impl Need {
    /// Tries it.
    pub(super) fn make(&self) -> io::Result<()> {
        (self.make)()
    }

    /// Whether it works, or does not unconfined either: who may write nothing beneath the root
    /// serves for reading alone.
    ///
    /// # Errors
    /// That the confinement took too much.
    pub(super) fn judge(
        &self,
        before: &io::Result<()>,
        after: &io::Result<()>,
    ) -> Result<(), String> {
        match (before, after) {
            (_, Ok(())) | (Err(_), Err(_)) => Ok(()),
            (Ok(()), Err(_)) => Err("the server needs it".to_owned()),
        }
    }
}

/// All of them, for a server of `config`, read from `file`.
pub(super) fn all(config: &Config, file: Option<&Path>) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |what, make| needs.push(Need { what, make });
    let root = config.root.clone();
    need(
        "list the root",
        Box::new(move || fs::read_dir(&root).map(drop)),
    );
    let root = config.root.clone();
    // It never has a name there.
    need(
        "write beneath the root",
        Box::new(move || tempfile::tempfile_in(&root)?.write_all(b"thirdhost")),
    );
    let again = config.files_read_again();
    let files: Vec<_> = again.into_iter().chain(file).map(Path::to_owned).collect();
    need(
        "read the configuration again",
        Box::new(move || files.iter().try_for_each(|file| fs::read(file).map(drop))),
    );
    need(
        "start a thread",
        Box::new(|| {
            let ended = thread::Builder::new().spawn(|| {})?.join();
            ended.map_err(|_| io::Error::other("it ended early"))
        }),
    );
    need(
        "listen and call over TCP",
        Box::new(|| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            TcpStream::connect(listener.local_addr()?).map(drop)
        }),
    );
    needs
}
