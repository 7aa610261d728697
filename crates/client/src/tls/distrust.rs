//! Why a server's certificate is not believed, and what to do about it.

use std::path::PathBuf;

use super::Fingerprint;

/// Why a server's certificate is not believed. Nothing was said to the server.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// Nobody vouches for it and it was not seen before.
    #[error(
        "its certificate is new here and nobody vouches for it ({reason}); its SHA-256 fingerprint \
         is {fingerprint}: if the server's owner confirms that, connect once with --accept-new"
    )]
    Unknown {
        /// The certificate.
        fingerprint: Fingerprint,
        /// What the platform's verifier said.
        reason: String,
    },
    /// Another one was seen before.
    #[error(
        "its certificate has changed: known is SHA-256 {known}, now it shows {shown}; somebody may \
         be in between. If the server's owner confirms the new one, remove the lines of {server} \
         from {} and connect once with --accept-new", file.display()
    )]
    Changed {
        /// As `known_servers` has it.
        server: String,
        /// The certificate seen before.
        known: Fingerprint,
        /// The one it shows.
        shown: Fingerprint,
        /// `known_servers`.
        file: PathBuf,
    },
    /// Not the one that was pinned.
    #[error(
        "its certificate is not the pinned one: pinned is SHA-256 {pinned}, it shows {shown}; \
         somebody may be in between. If the server's owner confirms the new one, change the pin"
    )]
    NotPinned {
        /// The one expected.
        pinned: Fingerprint,
        /// The one it shows.
        shown: Fingerprint,
    },
    /// None of the authorities named for it vouches for it.
    #[error(
        "no certificate of {} vouches for its certificate, SHA-256 {shown} ({reason})",
        file.display()
    )]
    NotCertified {
        /// The file of authorities.
        file: PathBuf,
        /// The one it shows.
        shown: Fingerprint,
        /// What the verifier said.
        reason: String,
    },
    /// A data connection shows another one than the control connection did.
    #[error(
        "its data connection shows the certificate SHA-256 {shown}, its control connection showed \
         {control}; somebody may be in between"
    )]
    OtherOnData {
        /// The one of the control connection.
        control: Fingerprint,
        /// The one of the data connection.
        shown: Fingerprint,
    },
    /// `known_servers` cannot be read.
    #[error("cannot read {}: {problem}", file.display())]
    Unreadable {
        /// `known_servers`.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}
