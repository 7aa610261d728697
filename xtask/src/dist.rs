//! `cargo xtask dist`: what goes into a package beside the binaries, into `target/dist`.

use std::fs;

use crate::step::Step;
use crate::tree;

/// Man pages and completions of both binaries, and the files of `dist/`.
pub(crate) fn steps() -> Vec<Step> {
    let documents = |package: &str| {
        let line = format!("run --quiet -p {package} --example documents -- target/dist");
        Step::cargo("documents", &line)
    };
    vec![
        documents("thirdhost-server"),
        documents("thirdhost-client"),
        Step::own("dist", copy),
    ]
}

fn copy() -> Result<(), String> {
    let root = tree::root();
    let (from, to) = (root.join("dist/systemd"), root.join("target/dist/systemd"));
    let copied = || -> std::io::Result<usize> {
        fs::create_dir_all(&to)?;
        let mut count = 0;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
            count += 1;
        }
        Ok(count)
    };
    let count = copied().map_err(|error| format!("{}: {error}", from.display()))?;
    println!("dist: {count} service files; all is in target/dist");
    Ok(())
}
