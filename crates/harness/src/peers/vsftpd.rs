//! vsftpd: an anonymous user, as it takes no other without the system's own accounts.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, Place, ThirdParty, TlsEnd, VersionTold, program};

#[derive(Debug)]
pub(super) struct Vsftpd;

impl Peer for Vsftpd {
    fn name(&self) -> &'static str {
        "vsftpd"
    }

    fn find(&self) -> Option<PathBuf> {
        program("vsftpd")
    }

    fn version(&self) -> VersionTold {
        VersionTold::Greeting("vsFTPd ")
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn tls(&self) -> TlsEnd {
        TlsEnd::Server
    }

    fn login(&self) -> [&'static str; 2] {
        ["anonymous", "user@example.org"]
    }

    /// It does not serve a root that can be written to.
    fn writable(&self) -> &'static str {
        "pub/"
    }

    fn prepare(&self, program: &Path, place: &Place) -> io::Result<Command> {
        let empty = place.directory.join("empty");
        fs::create_dir_all(&empty)?;
        fs::set_permissions(&place.root, Permissions::from_mode(0o755))?;
        let (host, port) = (place.address.ip(), place.address.port());
        let (root, empty) = (place.root.display(), empty.display());
        let mut text = format!(
            "listen=YES\nbackground=NO\nlisten_address={host}\nlisten_port={port}\n\
             local_enable=NO\nanonymous_enable=YES\nftp_username={SYSTEM_USER}\n\
             anon_root={root}\nsecure_chroot_dir={empty}\nwrite_enable=YES\n\
             anon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
             anon_world_readable_only=NO\nanon_umask=022\nxferlog_enable=NO\n"
        );
        if place.third_party == ThirdParty::Allowed {
            text.push_str("pasv_promiscuous=YES\nport_promiscuous=YES\n");
        }
        if let Some(files) = &place.certificate {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            text.push_str(&format!(
                "ssl_enable=YES\nallow_anon_ssl=YES\nssl_ciphers=HIGH\n\
                 rsa_cert_file={certificate}\nrsa_private_key_file={key}\n"
            ));
            if place.third_party == ThirdParty::Allowed {
                text.push_str("require_ssl_reuse=NO\n");
            }
        }
        let file = place.directory.join("vsftpd.conf");
        fs::write(&file, text)?;
        let mut command = Command::new(program);
        command.arg(file);
        Ok(command)
    }
}

/// Its home must exist, and nobody's does not.
const SYSTEM_USER: &str = "daemon";
