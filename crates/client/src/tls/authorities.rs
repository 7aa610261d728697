//! A file of certificate authorities that the user named for one server.

use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};

/// The certificates of a PEM file, any of which may vouch for a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authorities {
    file: PathBuf,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Why a file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// It cannot be read, or is no PEM.
    #[error("cannot read the certificates of {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is none in it.
    #[error("{} holds no certificate", .0.display())]
    Empty(PathBuf),
}

impl Authorities {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// When it cannot be read or holds no certificate.
    pub fn load(file: &Path) -> Result<Self, AuthoritiesError> {
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| AuthoritiesError::Unreadable {
                file: file.to_owned(),
                source,
            })?;
        if certificates.is_empty() {
            return Err(AuthoritiesError::Empty(file.to_owned()));
        }
        Ok(Self {
            file: file.to_owned(),
            certificates,
        })
    }

    /// Where they were read.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}
