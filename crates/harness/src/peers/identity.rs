//! What a peer needs to be somebody: a certificate, and a user for its sessions.

use std::fs::{self, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thirdhost_server::tls::self_signed;

/// A certificate and its key, in PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Both in one file.
    pub both: PathBuf,
}

impl CertificateFiles {
    /// Makes one for a host, signed by itself.
    pub(super) fn make(directory: &Path, host: IpAddr) -> io::Result<Self> {
        let names = vec![host.to_string(), "localhost".to_owned()];
        let made = self_signed(names, SystemTime::now()).map_err(io::Error::other)?;
        let [certificate, key, both] =
            ["certificate.pem", "key.pem", "both.pem"].map(|name| directory.join(name));
        let together = format!("{}{}", made.key, made.certificate);
        let files = [
            (&certificate, &made.certificate),
            (&key, &made.key),
            (&both, &together),
        ];
        for (file, text) in files {
            private(file, text)?;
        }
        Ok(Self {
            certificate,
            key,
            both,
        })
    }
}

/// Writes a file that only its owner may read; some servers take no other.
pub(super) fn private(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text)?;
    fs::set_permissions(file, Permissions::from_mode(0o600))
}

/// The user whom sessions run as where the program gives up the superuser's rights.
pub(super) struct Nobody {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// The same on every Linux.
pub(super) const NOBODY: Nobody = Nobody {
    user: 65534,
    group: 65534,
};

/// [`crate::PASSWORD`] as `crypt` has it (SHA-256), for those that keep passwords this way.
pub(super) const CRYPTED: &str = "$5$thirdhost$NyDbtXgfA.Lfi10bOzxrQU7DA4wDX8rmvM.9O3QDop9";
