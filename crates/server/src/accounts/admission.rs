//! How a user gets in beside, or in place of, a password: certificates, and clear text or not.

use crate::config::Require;

/// What a user has to show, and over which connections.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Admission {
    /// The SHA-256 of certificates, any of which the user may show in the TLS handshake of the
    /// control connection. Key `certificates`.
    pub certificates: Vec<[u8; 32]>,
    /// What logs in where there are both a password and certificates. Key `login`.
    pub login: LoginBy,
    /// The user's own rule about clear text; `None`: the server's. Key `require`.
    pub require: Option<Require>,
}

/// Whether a certificate stands in for the password, or is needed beside it. Key `login`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LoginBy {
    /// `"either"`: a certificate of the user's, or the password.
    #[default]
    Either,
    /// `"both"`: the password does not do without a certificate, nor the other way round.
    Both,
}

impl Admission {
    /// Whether `shown`, the fingerprint of the certificate the client has shown, is the user's.
    pub(super) fn knows(&self, shown: Option<&[u8; 32]>) -> bool {
        shown.is_some_and(|shown| self.certificates.contains(shown))
    }

    /// Whether a password that is right logs in, given what was `shown`.
    pub(super) fn password_does(&self, shown: Option<&[u8; 32]>) -> bool {
        self.login == LoginBy::Either || self.knows(shown)
    }

    /// Whether USER's answer depends on this.
    pub(super) fn matters(&self) -> bool {
        !self.certificates.is_empty() || self.require.is_some()
    }
}
