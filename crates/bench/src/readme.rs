//! The figures in the README of the project: written here, never by hand.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result, While};
use crate::targets::{Standing, markdown};

/// Puts picture and table between the marks in `path`; `picture` and `results` as seen from there,
/// `setting` and `command` in words.
pub(crate) fn put_into(
    path: &Path,
    standings: &[Standing],
    setting: &str,
    command: &str,
) -> Result<()> {
    let old = fs::read_to_string(path).during(path.display())?;
    let Some(text) = between_the_marks(&old, &block(standings, setting, command)) else {
        let place = path.display();
        return Err(Failure::new(format!(
            "{place} has no place for the figures: {BEGIN} … {END}"
        )));
    };
    fs::write(path, text).during(path.display())
}

fn block(standings: &[Standing], setting: &str, command: &str) -> String {
    let table = markdown(standings);
    format!(
        "## How fast\n\n![thirdhostd beside the best other server]({PICTURE})\n\n{table}\n\
         Medians; a ratio above 1 is better than the best other FTP server in the same run. {setting} \
         Repeat it with `{command}`; [every server and every run's spread]({RESULTS}), [how it \
         measures]({HOW}), [what binds]({WHAT_BINDS}).\n"
    )
}

fn between_the_marks(old: &str, new: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{new}{END}{after}"))
}

const BEGIN: &str = "<!-- written by cargo xtask bench all --write -->";
const END: &str = "<!-- up to here -->";

const PICTURE: &str = "crates/bench/results.svg";
const RESULTS: &str = "crates/bench/RESULTS.md";
const HOW: &str = "crates/bench/README.md";
const WHAT_BINDS: &str = "crates/bench/ANALYSIS.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let old = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let new = between_the_marks(&old, "new\n").unwrap();
        assert_eq!(new, format!("above\n{BEGIN}\nnew\n{END}\nbelow\n"));
        assert_eq!(between_the_marks(&new, "new\n").unwrap(), new);
        assert_eq!(between_the_marks("no marks", "new\n"), None);
    }

    #[test]
    fn the_readme_of_the_project_has_the_place() {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
        let text = fs::read_to_string(readme).unwrap();
        assert!(between_the_marks(&text, "").is_some());
    }
}
