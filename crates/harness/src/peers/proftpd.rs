//! ProFTPD, with its module for TLS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::identity::{CRYPTED, NOBODY, private};
use super::{Peer, Place, ThirdParty, TlsEnd, VersionTold, program};
use crate::USER;

#[derive(Debug)]
pub(super) struct Proftpd;

impl Peer for Proftpd {
    fn name(&self) -> &'static str {
        "ProFTPD"
    }

    fn find(&self) -> Option<PathBuf> {
        program("proftpd")
    }

    fn version(&self) -> VersionTold {
        VersionTold::Output {
            argument: "-v",
            mark: "Version ",
        }
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn tls(&self) -> TlsEnd {
        TlsEnd::Either
    }

    fn prepare(&self, program: &Path, place: &Place) -> io::Result<Command> {
        let file = |name: &str| place.directory.join(name);
        let (users, pid, log) = (file("users"), file("pid"), file("proftpd.log"));
        let (user, group, root) = (NOBODY.user, NOBODY.group, place.root.display());
        let entry = format!("{USER}:{CRYPTED}:{user}:{group}::{root}:/bin/false\n");
        private(&users, &entry)?;
        let (host, port) = (place.address.ip(), place.address.port());
        let (users, pid, log) = (users.display(), pid.display(), log.display());
        let mut text = format!(
            "ServerType standalone\nDefaultAddress {host}\nPort {port}\nSocketBindTight on\n\
             UseIPv6 off\nUseReverseDNS off\nUser nobody\nGroup nogroup\n\
             AuthUserFile {users}\nAuthOrder mod_auth_file.c\nAuthPAM off\n\
             RequireValidShell off\nDefaultRoot {root}\nAllowOverwrite on\n\
             AllowStoreRestart on\nPidFile {pid}\nSystemLog {log}\nScoreboardFile none\n\
             ControlsEngine off\nDelayEngine off\nWtmpLog off\nTransferLog none\n"
        );
        if place.third_party == ThirdParty::Allowed {
            text.push_str("AllowForeignAddress on\n");
        }
        if let Some(files) = &place.certificate {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            if let Some(modules) = modules(program) {
                text.push_str(&format!("ModulePath {}\n", modules.display()));
            }
            text.push_str(&format!(
                "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired off\n\
                 TLSECCertificateFile {certificate}\nTLSECCertificateKeyFile {key}\n"
            ));
            if place.third_party == ThirdParty::Allowed {
                // Under TLS 1.3 it, as TLS client, leaves the other's session tickets unread and
                // closes: the reset that follows takes what is on its way from the receiver.
                text.push_str(
                    "TLSOptions NoSessionReuseRequired\nTLSVerifyServer off\n\
                     TLSProtocol TLSv1.2\n",
                );
            }
        }
        let configuration = file("proftpd.conf");
        fs::write(&configuration, text)?;
        let mut command = Command::new(program);
        command.args(["--nodaemon", "--quiet", "--config"]);
        command.arg(configuration);
        Ok(command)
    }
}

/// Where its modules are, if it was unpacked beside the system.
fn modules(program: &Path) -> Option<PathBuf> {
    let modules = program.parent()?.parent()?.join("lib/proftpd");
    modules.is_dir().then_some(modules)
}
