//! lftp, told by a script.

use std::process::Command;

use super::{Client, Security, Task, Told, Verb};

pub(super) const LFTP: Client = Client {
    program: "lftp",
    told,
    cannot: &[],
};

fn told(task: &Task) -> Told {
    let scheme = match task.security {
        Security::Clear | Security::Explicit => "ftp",
        Security::Implicit => "ftps",
    };
    let protected = if task.security == Security::Clear {
        "set ftp:ssl-allow no".to_owned()
    } else {
        let certificate = quoted(&task.certificate.display().to_string());
        format!(
            "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ftp:ssl-protect-list yes; \
             set ssl:ca-file {certificate}"
        )
    };
    let name = quoted(task.name);
    let (own, moved) = (quoted(task.own), quoted(&task.moved()));
    let done = match task.verb {
        Verb::Upload => format!("put {own} -o {name}"),
        Verb::Download => format!("get -- {name} -o {own}"),
        Verb::ResumeUpload => format!("put -c {own} -o {name}"),
        Verb::ResumeDownload => format!("get -c -- {name} -o {own}"),
        Verb::List => "ls; cls; nlist".to_owned(),
        Verb::ListInside => format!("cd {name}; ls; cls"),
        Verb::Rename => format!("mv {name} {moved}"),
        Verb::Delete => format!("rm -- {name}"),
        Verb::MakeDirectory => format!("mkdir -- {name}"),
        Verb::RemoveDirectory => format!("rmdir -- {name}"),
    };
    let script = format!(
        "set cmd:fail-exit yes; set net:timeout 10; set net:max-retries 1; set xfer:log no; \
         {protected}; open -u alice,secret {scheme}://{}; {done}; exit",
        task.server
    );
    let mut command = Command::new("lftp");
    command.args(["--norc", "-c", &script]);
    command.into()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
