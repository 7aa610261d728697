//! curl, told by URLs and quoted commands.

use std::process::Command;

use super::{Client, Security, Task, Told, Verb, escaped};

pub(super) const CURL: Client = Client {
    program: "curl",
    told,
    cannot: &[],
};

fn told(task: &Task) -> Told {
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "--globoff", "--user", "alice:secret"]);
    // It waits this long before each data connection, for nothing.
    command.args(["--happy-eyeballs-timeout-ms", "50"]);
    let scheme = match task.security {
        Security::Clear => "ftp",
        Security::Explicit => {
            command.arg("--ssl-reqd");
            "ftp"
        }
        Security::Implicit => "ftps",
    };
    command.arg("--cacert").arg(task.certificate);
    let root = task.url(scheme);
    let file = format!("{root}{}", escaped(task.name));
    match task.verb {
        Verb::Upload => command.args(["-T", task.own]).arg(file),
        Verb::Download => command.args(["-o", task.own]).arg(file),
        Verb::ResumeUpload => command.args(["-C", "-", "-T", task.own]).arg(file),
        Verb::ResumeDownload => command.args(["-C", "-", "-o", task.own]).arg(file),
        Verb::List => command.arg(root),
        Verb::ListInside => command.arg(file + "/"),
        Verb::Rename => quoted(&mut command, &["RNFR ", "RNTO moved/"], task).arg(root),
        Verb::Delete => quoted(&mut command, &["DELE "], task).arg(root),
        Verb::MakeDirectory => quoted(&mut command, &["MKD "], task).arg(root),
        Verb::RemoveDirectory => quoted(&mut command, &["RMD "], task).arg(root),
    };
    command.into()
}

fn quoted<'a>(command: &'a mut Command, commands: &[&str], task: &Task) -> &'a mut Command {
    for words in commands {
        command.arg("-Q").arg(format!("{words}{}", task.name));
    }
    command
}
