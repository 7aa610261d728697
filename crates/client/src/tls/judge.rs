//! The decision about a server's certificate. Design section 4; RFC 4217 section 15.1.1.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{Certified, Distrust, Fingerprint, Trust};

/// Decides once, and then takes that certificate and no other; that the server holds its key is
/// proved by the handshake as ever.
#[derive(Debug)]
pub(super) struct Judge {
    /// As `known_servers` has it.
    server: String,
    certified: Certified,
    trust: Arc<Trust>,
    accepted: OnceLock<Accepted>,
}

#[derive(Clone, Copy, Debug)]
struct Accepted {
    fingerprint: Fingerprint,
    /// On first use: it belongs into `known_servers`.
    is_new: bool,
}

impl Judge {
    pub(super) fn new(server: String, certified: Certified, trust: Arc<Trust>) -> Self {
        Self {
            server,
            certified,
            trust,
            accepted: OnceLock::new(),
        }
    }

    /// The certificate the server has shown.
    pub(super) fn accepted(&self) -> Option<Fingerprint> {
        self.accepted.get().map(|accepted| accepted.fingerprint)
    }

    /// After the handshake: what was believed on first use is kept. Returns its fingerprint.
    ///
    /// # Errors
    /// When `known_servers` cannot be written.
    pub(super) fn remember(&self) -> std::io::Result<Option<Fingerprint>> {
        let Some(known) = self.trust.known() else {
            return Ok(None);
        };
        match self.accepted.get() {
            Some(accepted) if accepted.is_new => {
                known.add(&self.server, accepted.fingerprint)?;
                Ok(Some(accepted.fingerprint))
            }
            _ => Ok(None),
        }
    }

    fn judge(&self, shown: &Shown<'_>) -> Result<Accepted, Distrust> {
        let fingerprint = Fingerprint::of(shown.end_entity);
        let old = Accepted {
            fingerprint,
            is_new: false,
        };
        // SECURITY: a data connection has to show what the control connection showed.
        if let Some(control) = self.accepted() {
            return match control == fingerprint {
                true => Ok(old),
                false => Err(Distrust::OtherOnData {
                    control,
                    shown: fingerprint,
                }),
            };
        }
        match &self.certified {
            Certified::Pinned(pinned) if *pinned == fingerprint => Ok(old),
            Certified::Pinned(pinned) => Err(Distrust::NotPinned {
                pinned: *pinned,
                shown: fingerprint,
            }),
            Certified::By(authorities) => {
                let verified = self.by(&authorities.certificates, shown);
                verified
                    .map(|()| old)
                    .map_err(|error| Distrust::NotCertified {
                        file: authorities.file().to_owned(),
                        shown: fingerprint,
                        reason: error.to_string(),
                    })
            }
            Certified::Known => match self.by_roots(shown) {
                Ok(()) => Ok(old),
                Err(error) => self.by_memory(fingerprint, &error),
            },
        }
    }

    /// Nobody vouches for it: was it seen before?
    fn by_memory(&self, fingerprint: Fingerprint, error: &Error) -> Result<Accepted, Distrust> {
        let unknown = Distrust::Unknown {
            fingerprint,
            reason: error.to_string(),
        };
        let Some(file) = self.trust.known() else {
            return Err(unknown);
        };
        let known = file
            .of(&self.server)
            .map_err(|error| Distrust::Unreadable {
                file: file.path().to_owned(),
                problem: error.to_string(),
            })?;
        let accepted = |is_new| Accepted {
            fingerprint,
            is_new,
        };
        match known.last() {
            _ if known.contains(&fingerprint) => Ok(accepted(false)),
            // SECURITY: what has changed is not believed, whatever --accept-new says.
            Some(last) => Err(Distrust::Changed {
                server: self.server.clone(),
                known: *last,
                shown: fingerprint,
                file: file.path().to_owned(),
            }),
            None if self.trust.accepts_new() => Ok(accepted(true)),
            None => Err(unknown),
        }
    }

    fn by_roots(&self, shown: &Shown<'_>) -> Result<(), Error> {
        shown.verify(&*self.trust.roots()?)
    }

    fn by(&self, authorities: &[CertificateDer<'static>], shown: &Shown<'_>) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.clone())?;
        }
        let provider = Arc::clone(self.trust.provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        shown.verify(&*verifier)
    }
}

/// What a server shows of itself.
struct Shown<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server_name: &'a ServerName<'a>,
    ocsp_response: &'a [u8],
    now: UnixTime,
}

impl Shown<'_> {
    fn verify(&self, verifier: &dyn ServerCertVerifier) -> Result<(), Error> {
        verifier
            .verify_server_cert(
                self.end_entity,
                self.intermediates,
                self.server_name,
                self.ocsp_response,
                self.now,
            )
            .map(|_| ())
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown {
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        };
        match self.judge(&shown) {
            Ok(accepted) => {
                self.accepted.get_or_init(|| accepted);
                Ok(ServerCertVerified::assertion())
            }
            Err(distrust) => {
                let distrust = OtherError(Arc::new(distrust));
                Err(Error::InvalidCertificate(CertificateError::Other(distrust)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.trust.provider().signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.trust.provider().signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust
            .provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Why the certificate was not believed, if that was why a handshake failed.
pub(super) fn distrust_in(error: &std::io::Error) -> Option<Distrust> {
    let cause = error.get_ref()?.downcast_ref::<Error>()?;
    match cause {
        Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => {
            why.downcast_ref::<Distrust>().cloned()
        }
        _ => None,
    }
}
