//! wget, which only receives.

use std::process::Command;

use super::{Cannot, Client, Security, Task, Told, Verb, escaped};

pub(super) const WGET: Client = Client {
    program: "wget",
    told,
    cannot: &[Cannot {
        when: |cell| {
            !matches!(
                cell.verb,
                Verb::Download | Verb::ResumeDownload | Verb::List | Verb::ListInside
            )
        },
        why: "wget only receives",
    }],
};

fn told(task: &Task) -> Told {
    // The listing itself is left in a file; what goes to -O is a page made of it.
    let listing = matches!(task.verb, Verb::List | Verb::ListInside);
    let script = if listing {
        "wget --no-remove-listing -O page \"$@\" && cat .listing"
    } else {
        "wget \"$@\""
    };
    let mut command = Command::new("sh");
    command.args(["-c", script, "wget", "--no-config", "--tries=1", "-nv"]);
    command.args(["--user=alice", "--password=secret"]);
    let scheme = match task.security {
        Security::Clear => "ftp",
        Security::Explicit => "ftps",
        Security::Implicit => {
            command.arg("--ftps-implicit");
            "ftps"
        }
    };
    command.arg("--ca-certificate").arg(task.certificate);
    let root = task.url(scheme);
    let file = format!("{root}{}", escaped(task.name));
    match task.verb {
        Verb::ResumeDownload => command.args(["-c", "-O", task.own]).arg(file),
        Verb::List => command.arg(root),
        Verb::ListInside => command.arg(file + "/"),
        _ => command.args(["-O", task.own]).arg(file),
    };
    command.into()
}
