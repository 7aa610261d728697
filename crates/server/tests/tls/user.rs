//! A user-PI that does what a test tells it, and a user-DTP beside it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use thirdhost_server::tls::{fingerprint, self_signed};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Anything octets go through.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A user-PI.
pub(crate) struct User {
    control: BufReader<Box<dyn Stream>>,
    pub(crate) server: SocketAddr,
    pub(crate) tls: Arc<ClientConfig>,
    /// The certificate seen on the control connection.
    pub(crate) seen: Arc<Seen>,
}

impl User {
    /// In clear.
    pub(crate) async fn call(server: SocketAddr) -> Self {
        let stream: Box<dyn Stream> = Box::new(TcpStream::connect(server).await.unwrap());
        let seen = Arc::new(Seen::default());
        let mut user = Self {
            control: BufReader::new(stream),
            server,
            tls: Arc::new(trusting(&seen)),
            seen,
        };
        assert_eq!(user.hear().await, "220 Ready.");
        user
    }

    /// Under TLS, at PROT P, logged in.
    pub(crate) async fn log_in(server: SocketAddr) -> Self {
        let mut user = Self::call(server).await;
        user.start_tls().await;
        user.expect("PBSZ 0", "200").await;
        user.expect("PROT P", "200").await;
        user.expect("USER alice", "331").await;
        user.expect("PASS secret", "230").await;
        user.expect("TYPE I", "200").await;
        user
    }

    /// Under TLS, as anonymous.
    pub(crate) async fn log_in_anonymous(server: SocketAddr) -> Self {
        let mut user = Self::call(server).await;
        user.start_tls().await;
        user.expect("USER anonymous", "331").await;
        user.expect("PASS x@y", "230").await;
        user
    }

    pub(crate) async fn start_tls(&mut self) {
        self.expect("AUTH TLS", "234").await;
        self.handshake().await.unwrap();
    }

    pub(crate) async fn handshake(&mut self) -> std::io::Result<()> {
        let none: Box<dyn Stream> = Box::new(tokio::io::empty());
        let clear = std::mem::replace(&mut self.control, BufReader::new(none));
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let protected = connector.connect(localhost(), clear.into_inner()).await?;
        self.control = BufReader::new(Box::new(protected));
        Ok(())
    }

    pub(crate) async fn say(&mut self, lines: &str) {
        self.control.write_all(lines.as_bytes()).await.unwrap();
        self.control.flush().await.unwrap();
    }

    /// The next reply, or nothing when the connection has ended.
    pub(crate) async fn hear(&mut self) -> String {
        let (mut line, mut reply) = (String::new(), String::new());
        loop {
            line.clear();
            // A reset says as much as an end.
            if self.control.read_line(&mut line).await.unwrap_or(0) == 0 {
                return reply;
            }
            reply.push_str(&line);
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[0].is_ascii_digit() {
                return reply.trim_end().to_owned();
            }
        }
    }

    /// The codes of the final replies to this many commands.
    pub(crate) async fn finals(&mut self, commands: usize) -> Vec<String> {
        let mut codes = Vec::new();
        while codes.len() < commands {
            let reply = self.hear().await;
            if !reply.starts_with('1') {
                codes.push(reply[..3].to_owned());
            }
        }
        codes
    }

    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r\n")).await;
        self.hear().await
    }

    #[track_caller]
    pub(crate) fn expect<'a>(
        &'a mut self,
        line: &'a str,
        code: &'a str,
    ) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let reply = self.ask(line).await;
            assert!(reply.starts_with(code), "{place}: {line}: {reply}");
            reply
        }
    }

    pub(crate) async fn expect_reply(&mut self, code: &str) -> String {
        let reply = self.hear().await;
        assert!(reply.starts_with(code), "{reply}, not {code}");
        reply
    }

    /// Where EPSV says that the server listens.
    pub(crate) async fn passive(&mut self) -> SocketAddr {
        let reply = self.expect("EPSV", "229").await;
        let port = reply.split('|').nth(3).unwrap().parse().unwrap();
        SocketAddr::new(self.server.ip(), port)
    }

    /// The port of a 255.
    pub(crate) async fn socket(&mut self, line: &str) -> u16 {
        let reply = self.expect(line, "255 SOCK ").await;
        reply["255 SOCK ".len()..].parse().unwrap()
    }

    /// A data connection under TLS that resumes the session of the control connection.
    pub(crate) async fn data(&self, to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(to).await?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        connector.connect(localhost(), stream).await
    }
}

/// Takes every certificate and keeps the last one.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Option<Vec<u8>>>);

impl Seen {
    pub(crate) fn fingerprint(&self) -> String {
        let der = self.0.lock().unwrap().clone().unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &der);
        fingerprint(digest.as_ref().try_into().unwrap())
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = Some(end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A TLS client that trusts everybody and shows nothing.
pub(crate) fn trusting(seen: &Arc<Seen>) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth()
}

/// An intruder's TLS client, with a certificate of its own.
pub(crate) fn intruding_client() -> ClientConfig {
    showing_client().1
}

/// A TLS client with a certificate of its own, and the certificate's SHA-256.
pub(crate) fn showing_client() -> ([u8; 32], ClientConfig) {
    let (chain, key) = own_certificate();
    let digest = ring::digest::digest(&ring::digest::SHA256, &chain[0]);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Seen::default()))
        .with_client_auth_cert(chain, key)
        .unwrap();
    (digest.as_ref().try_into().unwrap(), config)
}

/// An intruder's TLS server, with a certificate of its own.
pub(crate) fn intruding_server() -> ServerConfig {
    let (chain, key) = own_certificate();
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

fn own_certificate() -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let names = vec!["intruder".to_owned()];
    let pair = self_signed(names, std::time::SystemTime::now()).unwrap();
    let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    (vec![chain], key)
}
