//! A certificate chain and its private key, read from PEM files and known to fit.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::crypto::ring::default_provider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// What a server shows of itself: a chain that begins with its own certificate, and the key.
#[derive(Clone, Debug)]
pub struct Certificate {
    shown: Arc<SingleCertAndKey>,
    fingerprint: [u8; 32],
}

impl Certificate {
    /// Reads both files. The key may be PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// When a file cannot be read, holds nothing of its kind, or the two do not fit.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(chain))?;
        let Some(own) = certificates.first() else {
            return Err(CertificateError::Empty);
        };
        let sha256 = sha256(own);
        let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
        let certified = CertifiedKey::from_der(certificates, key, &default_provider())
            .map_err(CertificateError::Unusable)?;
        Ok(Self {
            shown: Arc::new(SingleCertAndKey::from(certified)),
            fingerprint: sha256,
        })
    }

    /// The SHA-256 of the own certificate in DER: what SITE PEERCERT takes.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    pub(super) fn shown(&self) -> Arc<SingleCertAndKey> {
        Arc::clone(&self.shown)
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read, or is no PEM of its kind.
    #[error("{}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("no certificate in the file")]
    Empty,
    /// Certificate and key do not fit, or are of a kind TLS does not take.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[source] rustls::Error),
}

/// A fingerprint as SITE PEERCERT takes it: 64 hexadecimal digits.
#[must_use]
pub fn fingerprint(sha256: [u8; 32]) -> String {
    sha256.iter().fold(String::new(), |mut digits, octet| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{octet:02x}");
        digits
    })
}

pub(super) fn sha256(der: &[u8]) -> [u8; 32] {
    let mut octets = [0; 32];
    let found = digest(&SHA256, der);
    octets
        .iter_mut()
        .zip(found.as_ref())
        .for_each(|(octet, found)| *octet = *found);
    octets
}

fn unreadable(file: &Path) -> impl FnOnce(pem::Error) -> CertificateError {
    let file = file.to_owned();
    move |source| CertificateError::Unreadable { file, source }
}
