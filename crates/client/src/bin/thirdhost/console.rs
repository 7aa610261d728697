//! What the person sees: notes and dialogues on stderr, data or events on stdout.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use serde_json::{Value, json};
use thirdhost_client::{Environment, ExitCode, Observer, Trust, escape};
use thirdhost_sockets::World;

use crate::args::Args;
use crate::cache::Cache;
use crate::failure::Failure;
use crate::{sites, warnings};

#[derive(Debug)]
pub(crate) struct Console {
    quiet: bool,
    json: bool,
    verbose: bool,
    password_command: Option<String>,
    clear_text: bool,
    environment: Environment,
    cache: Cache,
}

impl Console {
    pub(crate) fn new(args: &Args) -> Self {
        let (quiet, verbose, json) = (args.quiet, args.verbose, args.json);
        let trust =
            Trust::roots_alone().with_known_servers(sites::known_servers(), args.accept_new);
        let environment = Environment::new(World::real()).with_trust(trust);
        let environment = match (verbose, quiet) {
            (true, _) => environment.with_observer(Arc::new(Dialogue)),
            (false, false) => environment.with_observer(Arc::new(warnings::Warnings::default())),
            (false, true) => environment,
        };
        Self {
            quiet,
            json,
            verbose,
            password_command: args.password_command.clone(),
            clear_text: args.clear_text,
            environment,
            cache: Cache::new(args.no_cache),
        }
    }

    /// What worked between two servers before.
    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn password_command(&self) -> Option<&str> {
        self.password_command.as_deref()
    }

    /// Whether ftp:// means clear text, whatever is offered.
    pub(crate) fn wants_clear_text(&self) -> bool {
        self.clear_text
    }

    /// Whether a progress bar can be seen and would not be torn by other lines.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !self.verbose && io::stderr().is_terminal()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Something to know that is no error.
    pub(crate) fn note(&self, note: &str) {
        if !self.quiet {
            let _unheard = writeln!(io::stderr(), "thirdhost: {}", escape(note));
        }
    }

    /// The result: a line for people, or an event.
    pub(crate) fn result(&self, line: &str, event: &Value) -> Result<(), Failure> {
        if self.json {
            self.write(&event.to_string())
        } else if self.quiet {
            Ok(())
        } else {
            self.write(&escape(line))
        }
    }

    /// A line that was asked for: it comes with `--quiet` too.
    pub(crate) fn answer(&self, line: &str, event: &Value) -> Result<(), Failure> {
        if self.json {
            self.write(&event.to_string())
        } else {
            self.write(&escape(line))
        }
    }

    pub(crate) fn failed(&self, message: &str, code: ExitCode) {
        if self.json {
            let event = json!({"event": "error", "message": message, "exit_code": code.number()});
            // The exit code says it too.
            let _unheard = self.write(&event.to_string());
        }
    }

    /// A line on stdout.
    pub(crate) fn write(&self, line: &str) -> Result<(), Failure> {
        writeln!(io::stdout(), "{line}").map_err(Failure::Stdout)
    }
}

/// `-v`: every line of both dialogues.
#[derive(Debug)]
struct Dialogue;

impl Observer for Dialogue {
    fn sent(&self, site: &str, line: &str) {
        let _unheard = writeln!(io::stderr(), "{} > {}", escape(site), escape(line));
    }

    fn received(&self, site: &str, line: &str) {
        let _unheard = writeln!(io::stderr(), "{} < {}", escape(site), escape(line));
    }

    fn note(&self, note: &str) {
        let _unheard = writeln!(io::stderr(), "* {}", escape(note));
    }
}
