//! A step of a verb: a name, what it does, and the command that repeats it alone.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One thing that passes or fails.
pub(crate) struct Step {
    name: &'static str,
    repeat: String,
    action: Action,
}

enum Action {
    Spawn {
        args: Vec<String>,
        variables: Vec<(&'static str, String)>,
    },
    Own(fn() -> Result<(), String>),
    Refuse(&'static str),
}

impl Step {
    /// `cargo line`, its arguments parted by spaces, run with the cargo that runs us.
    pub(crate) fn cargo(name: &'static str, line: &str) -> Self {
        let args = line.split_whitespace().map(str::to_owned).collect();
        let action = Action::Spawn {
            args,
            variables: Vec::new(),
        };
        Self {
            name,
            repeat: format!("cargo {line}"),
            action,
        }
    }

    /// Hands on further arguments as they are.
    pub(crate) fn with_args(mut self, more: &[String]) -> Self {
        if let Action::Spawn { args, .. } = &mut self.action {
            args.extend_from_slice(more);
            for arg in more {
                self.repeat.push(' ');
                self.repeat.push_str(&quoted(arg));
            }
        }
        self
    }

    /// A check of our own, repeated as `cargo xtask <name>`.
    pub(crate) fn own(name: &'static str, check: fn() -> Result<(), String>) -> Self {
        Self {
            name,
            repeat: format!("cargo xtask {name}"),
            action: Action::Own(check),
        }
    }

    /// A step whose tool is not here: it fails and says what to do.
    pub(crate) fn missing(name: &'static str, why: &'static str) -> Self {
        Self {
            name,
            repeat: "cargo xtask ci".to_owned(),
            action: Action::Refuse(why),
        }
    }

    /// Sets an environment variable for the spawned cargo.
    pub(crate) fn with_variable(mut self, key: &'static str, value: &str) -> Self {
        if let Action::Spawn { variables, .. } = &mut self.action {
            variables.push((key, value.to_owned()));
            self.repeat = format!("{key}={} {}", quoted(value), self.repeat);
        }
        self
    }

    fn perform(&self) -> Result<(), String> {
        match &self.action {
            Action::Own(check) => check(),
            Action::Refuse(why) => Err((*why).to_owned()),
            Action::Spawn { args, variables } => {
                let mut command = Command::new(cargo());
                command
                    .args(args)
                    .envs(variables.iter().map(|(key, value)| (key, value)));
                for name in said_of_us() {
                    command.env_remove(name);
                }
                match command.status() {
                    Ok(status) if status.success() => Ok(()),
                    Ok(status) => Err(status.to_string()),
                    Err(error) => Err(format!("cannot run cargo: {error}")),
                }
            }
        }
    }
}

/// Runs every step, also those after a failed one, and names the failed ones at the end.
///
/// Nothing is printed after a last step that passes: its own summary is the end of the output.
pub(crate) fn run(steps: Vec<Step>) -> bool {
    let mut failures = Vec::new();
    let count = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        if count > 1 {
            eprintln!("\n== {}: {}", step.name, step.repeat);
        }
        let start = Instant::now();
        let outcome = step.perform();
        let seconds = start.elapsed().as_secs_f32();
        let verdict = if outcome.is_ok() { "passed" } else { "FAILED" };
        let ends_well = index + 1 == count && outcome.is_ok();
        if !ends_well {
            eprintln!("== {}: {verdict} after {seconds:.1} s", step.name);
        }
        if let Err(why) = outcome {
            failures.push(format!(
                "{}: {why}; repeat it with: {}",
                step.name, step.repeat
            ));
        }
    }
    if !failures.is_empty() {
        eprintln!("\nfailed steps: {} of {count}", failures.len());
        failures.iter().for_each(|failure| eprintln!("  {failure}"));
    }
    failures.is_empty()
}

/// What the cargo that runs us said of our package. Handed on, it would make build scripts of
/// others run again, and all that depends on them be built again, whenever somebody else calls
/// cargo.
fn said_of_us() -> impl Iterator<Item = OsString> {
    let is_of_package = |name: &OsString| {
        let name = name.to_string_lossy();
        ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    env::vars_os().map(|(name, _)| name).filter(is_of_package)
}

/// Whether `cargo <tool>` is installed.
pub(crate) fn has_tool(tool: &str) -> bool {
    Command::new(cargo())
        .args([tool, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// As a shell takes it for one argument.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,".contains(c);
    let whole = !arg.is_empty() && arg.chars().all(plain);
    if whole {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', "'\\''"))
    }
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_fails_the_run_and_the_rest_still_runs() {
        let ok: fn() -> Result<(), String> = || Ok(());
        let bad: fn() -> Result<(), String> = || Err("no".to_owned());
        assert!(run(vec![Step::own("one", ok), Step::own("two", ok)]));
        assert!(!run(vec![Step::own("one", bad), Step::own("two", ok)]));
        assert!(!run(vec![Step::own("one", ok), Step::own("two", bad)]));
    }

    #[test]
    fn the_command_that_repeats_a_step_is_complete() {
        let step = Step::cargo("doc", "doc --no-deps").with_variable("FLAGS", "-Dwarnings");
        let step = step.with_args(&["-p".to_owned(), "a b".to_owned()]);
        let Action::Spawn { args, variables } = &step.action else {
            panic!("a cargo step spawns");
        };
        assert_eq!(args, &["doc", "--no-deps", "-p", "a b"]);
        assert_eq!(*variables, [("FLAGS", "-Dwarnings".to_owned())]);
        assert_eq!(step.repeat, "FLAGS=-Dwarnings cargo doc --no-deps -p 'a b'");
        assert_eq!(Step::own("tidy", || Ok(())).repeat, "cargo xtask tidy");
    }
}
