//! The verbs that need no data connection.

use std::time::Duration;

use thirdhost_wire::{
    Command, FactsLine, FileKind, Pathname, Reply, Text, TimeVal, file_size, modification_time,
    quoted_pathname,
};

use crate::{ControlConn, Error};

/// What is known of one file or directory.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stat {
    /// File, directory or neither.
    pub kind: FileKind,
    /// Its length in bytes, in TYPE I.
    pub size: Option<u64>,
    /// When it was last changed.
    pub modified: Option<TimeVal>,
    /// How many bytes of an interrupted upload under this name are kept (design D10).
    pub partial: Option<u64>,
    /// When the last of those came.
    pub partial_modified: Option<TimeVal>,
    /// What tells it from every other file of the server, also from one of the same name before.
    pub unique: Option<String>,
}

impl ControlConn {
    /// What is known of a file or directory: MLST, else SIZE and MDTM.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is not there.
    pub async fn stat(&mut self, path: &Pathname) -> Result<Stat, Error> {
        if self.features.has("MLST") {
            let reply = self.command(Command::Mlst(Some(path.clone()))).await?;
            let reply = self.completed("MLST", reply, "")?;
            let line = reply
                .lines()
                .get(1)
                .map(|line| FactsLine::parse(line.as_bytes()));
            return match line {
                Some(Ok(line)) => Ok(Stat {
                    kind: line.facts.kind().unwrap_or(FileKind::File),
                    size: line.facts.size(),
                    modified: line.facts.modified(),
                    partial: line.facts.partial_bytes(),
                    partial_modified: line.facts.partial_modified(),
                    unique: line.facts.unique().map(str::to_owned),
                }),
                Some(Err(problem)) => Err(self.unusable("MLST", reply, problem.to_string())),
                None => Err(self.unusable("MLST", reply, "it holds no facts")),
            };
        }
        let reply = self.command(Command::Size(path.clone())).await?;
        let size = file_size(&self.completed("SIZE", reply, "")?).ok();
        let modified = self.modified(path).await?;
        Ok(Stat {
            kind: FileKind::File,
            size,
            modified,
            partial: None,
            partial_modified: None,
            unique: None,
        })
    }

    /// The length of a file in TYPE I; `None` if it is not there or the server does not say.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub async fn size(&mut self, path: &Pathname) -> Result<Option<u64>, Error> {
        self.ensure_image().await?;
        let reply = self.command(Command::Size(path.clone())).await?;
        Ok(file_size(&reply).ok())
    }

    /// When a file was last changed; `None` if it is not there or the server does not say.
    ///
    /// # Errors
    /// When the dialogue breaks.
    pub(crate) async fn modified(&mut self, path: &Pathname) -> Result<Option<TimeVal>, Error> {
        let reply = self.command(Command::Mdtm(path.clone())).await?;
        Ok(modification_time(&reply).ok())
    }

    /// MKD.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn make_directory(&mut self, path: &Pathname) -> Result<(), Error> {
        self.simple("MKD", Command::Mkd(path.clone())).await
    }

    /// DELE.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn remove_file(&mut self, path: &Pathname) -> Result<(), Error> {
        self.simple("DELE", Command::Dele(path.clone())).await
    }

    /// DELE after the person stopped: nothing is said about its success.
    pub(crate) async fn remove_at_the_end(&mut self, path: &Pathname) {
        if let Ok(ticket) = self.send(&Command::Dele(path.clone())).await {
            let limit = self.environment.limits.abort;
            let _nobody_asks = self.wait_through(ticket, limit).await;
        }
    }

    /// RMD.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn remove_directory(&mut self, path: &Pathname) -> Result<(), Error> {
        self.simple("RMD", Command::Rmd(path.clone())).await
    }

    /// CWD.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn change_directory(&mut self, path: &Pathname) -> Result<(), Error> {
        self.simple("CWD", Command::Cwd(path.clone())).await
    }

    /// RNFR and RNTO.
    ///
    /// # Errors
    /// [`Error::Refused`], by either.
    pub async fn rename(&mut self, from: &Pathname, to: &Pathname) -> Result<(), Error> {
        let reply = self.command(Command::Rnfr(from.clone())).await?;
        if !reply.code().is_intermediate() {
            return Err(self.refused("RNFR", reply, ""));
        }
        self.simple("RNTO", Command::Rnto(to.clone())).await
    }

    /// PWD. The name is the server's word (spec S-24): show it, join nothing to it unseen.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Unusable`] if the reply holds no quoted name.
    pub async fn working_directory(&mut self) -> Result<Pathname, Error> {
        let reply = self.command(Command::Pwd).await?;
        let reply = self.completed("PWD", reply, "")?;
        match quoted_pathname(&reply) {
            Ok(name) => Ok(name),
            Err(problem) => Err(self.unusable("PWD", reply, problem.to_string())),
        }
    }

    /// Sends a command that is no [`Command`]: an extension of some servers.
    pub(crate) async fn extension(
        &mut self,
        verb: &'static str,
        argument: &str,
    ) -> Result<Reply, Error> {
        let limit = self.environment.limits.straggler;
        self.extension_within(limit, verb, argument).await
    }

    /// The same, answered within `limit`.
    pub(crate) async fn extension_within(
        &mut self,
        limit: Duration,
        verb: &'static str,
        argument: &str,
    ) -> Result<Reply, Error> {
        // SECURITY: an argument cannot end the line (spec S-61).
        let argument = Text::try_from(argument)?;
        let ticket = self.send_extension(verb, &argument).await?;
        self.wait_for(ticket, limit).await
    }

    /// MFMT; whether the server did it.
    pub(crate) async fn set_modified(
        &mut self,
        path: &Pathname,
        time: TimeVal,
    ) -> Result<bool, Error> {
        if !self.features.has("MFMT") {
            return Ok(false);
        }
        let whole = TimeVal::from_unix(time.unix_seconds(), 0).unwrap_or(time);
        let reply = self.extension("MFMT", &format!("{whole} {path}")).await?;
        Ok(reply.code().is_completion())
    }

    fn unusable(&self, step: &'static str, reply: Reply, problem: impl Into<String>) -> Error {
        let (server, problem) = (self.name().to_owned(), problem.into());
        Error::Unusable {
            server,
            step,
            reply,
            problem,
        }
    }

    async fn simple(&mut self, step: &'static str, command: Command) -> Result<(), Error> {
        let reply = self.command(command).await?;
        self.completed(step, reply, "").map(|_| ())
    }
}
