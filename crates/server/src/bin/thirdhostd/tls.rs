//! `thirdhostd tls self-signed`: a certificate and its key for a first try.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thirdhost_server::tls::{Certificate, CertificateError, fingerprint, self_signed};

use crate::log::tell;

/// Writes `server.pem` and `server.key` into `out`, which is made if missing.
pub(crate) fn self_sign(out: &Path, names: &[String]) -> Result<(), TlsFileError> {
    let mut names = names.to_vec();
    if names.is_empty() {
        names.push("localhost".to_owned());
        names.push(IpAddr::from(Ipv4Addr::LOCALHOST).to_string());
        names.push(IpAddr::from(Ipv6Addr::LOCALHOST).to_string());
    }
    for name in &names {
        let is_name = rustls_pki_types::ServerName::try_from(name.as_str()).is_ok();
        // Certificates may hold a wildcard, which is no name that anybody has.
        let is_wildcard = || name.strip_prefix("*.").is_some_and(|rest| !rest.is_empty());
        if !is_name && !is_wildcard() {
            return Err(TlsFileError::NoName(name.clone()));
        }
    }
    let pair = self_signed(names, SystemTime::now())
        .map_err(|error| TlsFileError::Name(error.to_string()))?;
    std::fs::create_dir_all(out).map_err(unwritable(out))?;
    let (chain, key) = (out.join("server.pem"), out.join("server.key"));
    write(&key, &pair.key, OWNER_ALONE)?;
    write(&chain, &pair.certificate, EVERYBODY)?;
    let made = Certificate::load(&chain, &key)?;
    let fingerprint = fingerprint(made.fingerprint());
    writeln!(io::stdout(), "SHA-256 {fingerprint}").ok();
    tell(format_args!(
        "Written: {chain} and {key}. In the configuration:\n\n\
         [tls]\ncertificate = \"{chain}\"\nkey = \"{key}\"\n\n\
         No CA vouches for it: clients are given {chain} (curl --cacert), or compare the SHA-256.",
        chain = chain.display(),
        key = key.display(),
    ));
    Ok(())
}

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFileError {
    #[error("no certificate for these names: {0}")]
    Name(String),
    #[error("{0}: expected a host name such as files.example, or an IP address")]
    NoName(String),
    #[error("{}: there already, and stays; choose another directory", file.display())]
    There { file: PathBuf },
    #[error("{}: cannot be written", file.display())]
    Unwritable { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Unusable(#[from] CertificateError),
}

/// Never over a file that is there: it may be the key of a certificate somebody paid for.
fn write(file: &Path, text: &str, mode: u32) -> Result<(), TlsFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
        .open(file)
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .map_err(unwritable(file))
}

fn unwritable(file: &Path) -> impl FnOnce(io::Error) -> TlsFileError {
    let file = file.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => TlsFileError::There { file },
        _ => TlsFileError::Unwritable { file, source },
    }
}

const OWNER_ALONE: u32 = 0o600;
const EVERYBODY: u32 = 0o644;
