//! `cargo xtask fuzz [target] [--secs N]`: one target or all under libFuzzer, from their corpora
//! on. What is found goes into `target/fuzz`, and what breaks something is named.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::step::{self, Step};
use crate::tree;

/// Builds the targets and runs them, one after the other.
///
/// What libFuzzer tells on the way is shown: the line that begins with `DONE` has the coverage.
///
/// # Errors
/// Arguments that are none, or a target that is none, in words.
pub(crate) fn steps(args: &[String]) -> Result<Vec<Step>, String> {
    with(args, "-verbosity=1")
}

fn with(args: &[String], verbosity: &str) -> Result<Vec<Step>, String> {
    let (mut wanted, mut seconds) = (None, SECONDS.to_owned());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--secs" => {
                let number = args.next().filter(|number| number.parse::<u32>().is_ok());
                seconds = number.ok_or("`--secs` takes a number of seconds")?.clone();
            }
            name if wanted.is_none() && !name.starts_with('-') => wanted = Some(name),
            other => return Err(format!("`fuzz` does not know `{other}`")),
        }
    }
    if !step::has_tool("fuzz") {
        let remedy = "cargo-fuzz is not installed: cargo install --locked cargo-fuzz";
        return Ok(vec![Step::missing("fuzz", remedy)]);
    }
    let corpora = tree::root().join("crates/fuzz/corpus");
    let targets = names(&corpora)?;
    if let Some(name) = wanted.filter(|name| !targets.iter().any(|target| target == name)) {
        let known = targets.join(", ");
        return Err(format!("no target `{name}`; there are {known}"));
    }
    let mut steps = vec![Step::cargo("fuzz", "fuzz build").with_args(&common())];
    for target in targets
        .iter()
        .filter(|target| wanted.is_none_or(|name| name == *target))
    {
        let found = target_directory().join("fuzz").join(target);
        fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
        let directories = [&found, &corpora.join(target)];
        steps.push(run(target, directories, &seconds).with_args(&[verbosity.to_owned()]));
    }
    let stable = |step: Step| step.with_variable("RUSTC_BOOTSTRAP", "1");
    Ok(steps.into_iter().map(stable).collect())
}

/// What `ci` asks: all of them, for a moment.
pub(crate) fn short() -> Vec<Step> {
    let arguments = ["--secs", "2"].map(str::to_owned);
    with(&arguments, "-verbosity=0")
        .unwrap_or_else(|_| vec![Step::missing("fuzz", "no corpus can be read")])
}

/// What is found goes into the first of the directories.
fn run(target: &str, directories: [&PathBuf; 2], seconds: &str) -> Step {
    let mut args = common();
    args.extend(directories.map(|directory| directory.display().to_string()));
    args.extend(["--", "-print_final_stats=1"].map(str::to_owned));
    args.push(format!("-max_total_time={seconds}"));
    args.extend(BOUNDS.map(str::to_owned));
    let step = Step::cargo("fuzz", "fuzz run").with_args(&args);
    step.with_variable("THIRDHOST_FUZZ_TARGET", target)
}

/// Sanitizers are left out: no crate of ours has unsafe code, and they double the build.
fn common() -> Vec<String> {
    let line = "--fuzz-dir crates/fuzz/libfuzzer --sanitizer none --target-dir";
    let mut args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    args.push(target_directory().join("fuzz/build").display().to_string());
    args.push("target".to_owned());
    args
}

/// Each target has a corpus, as the tests of `thirdhost-fuzz` see to.
fn names(corpora: &Path) -> Result<Vec<String>, String> {
    let entries =
        fs::read_dir(corpora).map_err(|error| format!("{}: {error}", corpora.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn target_directory() -> PathBuf {
    let told = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    told.unwrap_or_else(|| tree::root().join("target"))
}

/// When nobody says how long.
const SECONDS: &str = "60";

/// No input takes 30 s or 2 GiB, or something is wrong.
const BOUNDS: [&str; 3] = ["-timeout=30", "-rss_limit_mb=2048", "-max_len=1024"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_target_and_seconds() {
        let check = |line: &str, expected: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let problem = steps(&args).err().unwrap_or_default();
            assert!(problem.contains(expected), "{line}: {problem}");
        };
        check("--secs", "takes a number");
        check("--secs x", "takes a number");
        check("line reply", "does not know `reply`");
        check("--runs 4", "does not know `--runs`");
        if step::has_tool("fuzz") {
            check("nothing", "no target `nothing`; there are address, ");
        }
    }
}
