//! tnftp, the `ftp` of the BSDs and of Debian, told by commands on stdin.

use std::process::Command;

use super::{Cannot, Client, Security, Task, Told, Verb};

pub(super) const TNFTP: Client = Client {
    program: "tnftp",
    told,
    cannot: &[Cannot {
        when: |cell| cell.column.security != Security::Clear,
        why: "tnftp has no TLS for FTP",
    }],
};

fn told(task: &Task) -> Told {
    session("tnftp", &["-n", "-i", "-v"], task)
}

/// A session of a descendant of the first `ftp`: they take the same words.
pub(super) fn session(program: &str, flags: &[&str], task: &Task) -> Told {
    let (name, own, moved) = (quoted(task.name), quoted(task.own), quoted(&task.moved()));
    let done = match task.verb {
        Verb::Upload => format!("put {own} {name}"),
        Verb::Download => format!("get {name} {own}"),
        Verb::ResumeUpload => format!("restart 40000\nput {own} {name}"),
        Verb::ResumeDownload => format!("reget {name} {own}"),
        Verb::List => "ls\nnlist".to_owned(),
        Verb::ListInside => format!("cd {name}\nls"),
        Verb::Rename => format!("rename {name} {moved}"),
        Verb::Delete => format!("delete {name}"),
        Verb::MakeDirectory => format!("mkdir {name}"),
        Verb::RemoveDirectory => format!("rmdir {name}"),
    };
    let mut command = Command::new(program);
    command
        .args(flags)
        .arg(task.server.ip().to_string())
        .arg(task.server.port().to_string());
    Told {
        command,
        input: format!("user alice secret\nbinary\n{done}\nbye\n"),
    }
}

fn quoted(name: &str) -> String {
    let escape = |octet: char| octet.is_ascii_punctuation() || octet == ' ';
    let quoted = name.chars().flat_map(|octet| {
        let escaped = escape(octet).then_some('\\');
        escaped.into_iter().chain([octet])
    });
    quoted.collect()
}
