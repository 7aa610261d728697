//! rclone, told by its environment and its own paths.

use std::process::Command;

use super::{Cannot, Client, Security, Task, Told, Verb};

pub(super) const RCLONE: Client = Client {
    program: "rclone",
    told,
    cannot: &[Cannot {
        when: |cell| matches!(cell.verb, Verb::ResumeUpload | Verb::ResumeDownload),
        why: "rclone copies whole files",
    }],
};

fn told(task: &Task) -> Told {
    let mut command = Command::new("rclone");
    let host = match task.server.ip() {
        std::net::IpAddr::V4(host) => host.to_string(),
        std::net::IpAddr::V6(host) => format!("[{host}]"),
    };
    command
        .args([
            "--config",
            "/dev/null",
            "--retries",
            "1",
            "--low-level-retries",
            "1",
        ])
        .env("RCLONE_FTP_HOST", host)
        .env("RCLONE_FTP_PORT", task.server.port().to_string())
        .env("RCLONE_FTP_USER", "alice")
        .env("RCLONE_FTP_PASS", SECRET_OBSCURED)
        // It believes the system's authorities only.
        .env("RCLONE_FTP_NO_CHECK_CERTIFICATE", "true");
    match task.security {
        Security::Clear => &mut command,
        Security::Explicit => command.env("RCLONE_FTP_EXPLICIT_TLS", "true"),
        Security::Implicit => command.env("RCLONE_FTP_TLS", "true"),
    };
    let there = format!(":ftp:{}", task.name);
    match task.verb {
        Verb::Upload | Verb::ResumeUpload => command.args(["copyto", task.own, &there]),
        Verb::Download | Verb::ResumeDownload => command.args(["copyto", &there, task.own]),
        Verb::List => command.args(["lsf", ":ftp:"]),
        Verb::ListInside => command.args(["lsf", &there]),
        Verb::Rename => command
            .args(["moveto", &there])
            .arg(format!(":ftp:{}", task.moved())),
        Verb::Delete => command.args(["deletefile", &there]),
        Verb::MakeDirectory => command.args(["mkdir", &there]),
        Verb::RemoveDirectory => command.args(["rmdir", &there]),
    };
    command.into()
}

/// `rclone obscure secret`
const SECRET_OBSCURED: &str = "gK40BYqxYtSOgNlHcla3NCmjWpGTKQ";
