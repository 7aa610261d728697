//! The one certificate that every server shows, and TLS at our end.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore};

use crate::failure::{Result, While};

/// A certificate for the benchmark, and who trusts it.
pub(crate) struct Secret {
    config: Arc<ClientConfig>,
    /// The certificate, in PEM.
    pub(crate) certificate: PathBuf,
    /// Its key, in PEM.
    pub(crate) key: PathBuf,
    /// Both in one file.
    pub(crate) both: PathBuf,
}

impl Secret {
    /// Makes the certificate and writes it into `directory`.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let step = "making a certificate";
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([NAME.to_owned()]).during(step)?;
        let (pem, key_pem) = (cert.pem(), signing_key.serialize_pem());
        let [certificate, key, both] =
            ["cert.pem", "key.pem", "both.pem"].map(|name| directory.join(name));
        for (path, text) in [
            (&certificate, pem.clone()),
            (&key, key_pem.clone()),
            (&both, format!("{key_pem}{pem}")),
        ] {
            write_private(path, &text)?;
        }
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).during(step)?;
        let mut provider = rustls::crypto::ring::default_provider();
        // One cipher for all servers, so that none is slower for the one it happens to prefer.
        provider
            .cipher_suites
            .retain(|suite| CIPHERS.contains(&suite.suite()));
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .during(step)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            certificate,
            key,
            both,
        })
    }

    /// A connection that has yet to shake hands.
    pub(crate) fn connection(&self) -> Result<ClientConnection> {
        let name = ServerName::try_from(NAME).during("naming the server")?;
        ClientConnection::new(Arc::clone(&self.config), name).during("beginning TLS")
    }

    /// Shakes hands over a data connection, which resumes the control connection's session.
    pub(crate) fn shake_hands(&self, stream: &mut TcpStream) -> Result<ClientConnection> {
        let mut connection = self.connection()?;
        while connection.is_handshaking() {
            connection
                .complete_io(stream)
                .during("TLS of the data connection")?;
        }
        Ok(connection)
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let step = path.display();
    fs::write(path, text).during(&step)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).during(&step)
}

/// AES-128-GCM, in TLS 1.3 and, for servers without it, 1.2.
const CIPHERS: [CipherSuite; 2] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
];

/// What the certificate is made out to.
const NAME: &str = "localhost";
