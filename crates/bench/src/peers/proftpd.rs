//! ProFTPD, with mod_tls where that is installed.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CRYPTED, PASSWORD, Recipe, USER, find, version};
use crate::failure::{Result, While};
use crate::stage::Stage;

pub(super) const NAME: &str = "proftpd";

pub(super) fn recipe(stage: &Stage, at: SocketAddr, paired: bool) -> Result<Option<Recipe>> {
    let Some(program) = find(NAME) else {
        return Ok(None);
    };
    let (host, port) = (at.ip(), at.port());
    let directory = stage.of_peer(&format!("{NAME}-{host}-{port}"))?;
    let users = directory.join("passwd");
    let home = stage.files();
    let line = format!("{USER}:{CRYPTED}:65534:65534::{}:/bin/sh\n", home.display());
    write_private(&users, &line)?;
    let place = modules(&program);
    let tls = place.join("mod_tls.so").is_file();
    let modules = match tls {
        true => format!(
            "ModulePath {}\n{}",
            place.display(),
            tls_lines(stage, paired)
        ),
        false => String::new(),
    };
    let config = directory.join("proftpd.conf");
    let text = format!(
        "ServerName bench\nServerType standalone\nDefaultServer on\nDefaultAddress {host}\n\
         Port {port}\nUseIPv6 off\nUser nobody\nGroup nogroup\nUmask 022\nMaxInstances none\n\
         {modules}\
         AuthOrder mod_auth_file.c\nAuthUserFile {users}\nRequireValidShell off\n\
         AllowOverwrite on\nAllowForeignAddress on\nUseReverseDNS off\n\
         TimesGMT on\nTimeoutIdle 3600\nTimeoutNoTransfer 3600\nWtmpLog off\nTransferLog none\n\
         SystemLog none\nPidFile {directory}/pid\nScoreboardFile {directory}/scoreboard\n\
         DelayTable none\n<IfModule mod_delay.c>\n DelayEngine off\n</IfModule>\n",
        users = users.display(),
        directory = directory.display(),
    );
    fs::write(&config, text).during(config.display())?;
    let mut command = Command::new(&program);
    command.args(["--nodaemon", "--quiet", "--config"]);
    command.arg(&config);
    Ok(Some(Recipe {
        name: NAME,
        version: version(&program, "-v"),
        note: "SHA-512 crypt; mod_delay off; no log",
        has_tls: tls,
        forks: true,
        home: String::new(),
        user: USER,
        password: PASSWORD,
        command,
        log: directory.join("log"),
    }))
}

/// Beside the program, wherever it was unpacked: `sbin/proftpd` and `lib/proftpd`.
fn modules(program: &Path) -> PathBuf {
    let root = program.ancestors().nth(2).unwrap_or(program);
    root.join("lib").join("proftpd")
}

/// As TLS client of another server it leaves the session tickets of TLS 1.3 unread, which ends
/// the connection with a reset: in pairs it has 1.2 alone. And it checks no certificate there.
fn tls_lines(stage: &Stage, paired: bool) -> String {
    let versions = if paired {
        "TLSv1.2\nTLSVerifyServer off"
    } else {
        "TLSv1.2 TLSv1.3"
    };
    format!(
        "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired off\nTLSProtocol {versions}\n\
         TLSECCertificateFile {}\nTLSECCertificateKeyFile {}\n\
         TLSOptions NoSessionReuseRequired\nTLSLog none\n",
        stage.secret.certificate.display(),
        stage.secret.key.display()
    )
}

/// It takes no users file that others may read.
fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).during(path.display())?;
    let permissions = fs::Permissions::from_mode(0o600);
    fs::set_permissions(path, permissions).during(path.display())
}
