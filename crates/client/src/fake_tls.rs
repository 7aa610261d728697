//! Scripted servers under TLS, in memory.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fake::{Accept, Answer, Data, FakeNet, Later, Script, serve};
use crate::{Fingerprint, Security};

/// A certificate signed by itself, and its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) pem: String,
    key: String,
}

impl Identity {
    pub(crate) fn of(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()
    }

    fn acceptor(&self, version: &'static SupportedProtocolVersion) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A server under TLS.
#[derive(Clone)]
pub(crate) struct FakeTls {
    acceptor: TlsAcceptor,
    /// How each handshake went.
    handshakes: Arc<Mutex<Vec<HandshakeKind>>>,
    /// A data connection that takes has ended.
    taken: Arc<Notify>,
}

/// What came over data connections, and whether each ended in order.
pub(crate) type Taken = Arc<Mutex<Vec<(Vec<u8>, bool)>>>;

/// How the server ends a data connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    CloseNotify,
    CutOff,
}

impl FakeTls {
    pub(crate) fn new(identity: &Identity, version: &'static SupportedProtocolVersion) -> Self {
        Self {
            acceptor: identity.acceptor(version),
            handshakes: Arc::default(),
            taken: Arc::default(),
        }
    }

    /// A server-PI: in clear text until AUTH TLS unless TLS is `implicit`.
    pub(crate) fn control(
        &self,
        net: &FakeNet,
        address: &str,
        security: Security,
        script: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) {
        let (tls, script): (_, Script) = (self.clone(), Arc::new(script));
        let accept: Accept = Arc::new(move |stream| {
            let (tls, script) = (tls.clone(), script.clone());
            tokio::spawn(async move {
                match security {
                    Security::Implicit => tls.serve(stream, script, true).await,
                    _ => tls.serve_explicit(stream, script).await,
                }
            });
        });
        net.data(address, Data::Accept(accept));
    }

    /// Data connections that bring `octets`.
    pub(crate) fn sends(&self, net: &FakeNet, address: &str, octets: &'static [u8], end: End) {
        let tls = self.clone();
        let accept: Accept = Arc::new(move |stream| {
            let tls = tls.clone();
            tokio::spawn(async move {
                let Some(mut stream) = tls.accept(stream).await else {
                    return;
                };
                stream.write_all(octets).await.unwrap();
                stream.flush().await.unwrap();
                if end == End::CloseNotify {
                    stream.shutdown().await.unwrap();
                    stream.read_to_end(&mut Vec::new()).await.ok();
                }
            });
        });
        net.data(address, Data::Accept(accept));
    }

    /// Data connections that take what comes.
    pub(crate) fn takes(&self, net: &FakeNet, address: &str) -> Taken {
        let (tls, kept) = (self.clone(), Taken::default());
        let keep = kept.clone();
        let accept: Accept = Arc::new(move |stream| {
            let (tls, keep) = (tls.clone(), keep.clone());
            tokio::spawn(async move {
                let Some(mut stream) = tls.accept(stream).await else {
                    return;
                };
                let mut octets = Vec::new();
                let is_whole = stream.read_to_end(&mut octets).await.is_ok();
                keep.lock().unwrap().push((octets, is_whole));
                tls.taken.notify_one();
            });
        });
        net.data(address, Data::Accept(accept));
        kept
    }

    /// The reply that a file is stored, once it is.
    pub(crate) fn stored(&self) -> Later {
        let taken = self.taken.clone();
        let stored = async move {
            taken.notified().await;
            "226 done\r\n".to_owned()
        };
        Later(Arc::new(Mutex::new(Some(stored.boxed()))))
    }

    /// How many handshakes were made, and how many of them resumed a session.
    pub(crate) fn handshakes(&self) -> (usize, usize) {
        let handshakes = self.handshakes.lock().unwrap();
        let resumed = handshakes
            .iter()
            .filter(|&&kind| kind == HandshakeKind::Resumed);
        (handshakes.len(), resumed.count())
    }

    async fn serve_explicit(&self, mut stream: DuplexStream, script: Script) {
        stream.write_all(b"220 ready\r\n").await.unwrap();
        loop {
            let Some(line) = read_line(&mut stream).await else {
                return;
            };
            if line == "AUTH TLS" {
                stream.write_all(b"234 go on\r\n").await.unwrap();
                return self.serve(stream, script, false).await;
            }
            match script(&line) {
                Answer::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                _ => return,
            }
        }
    }

    async fn serve(&self, stream: DuplexStream, script: Script, greets: bool) {
        if let Some(stream) = self.accept(stream).await {
            serve(stream, script, greets).await;
        }
    }

    async fn accept(&self, stream: DuplexStream) -> Option<TlsStream<DuplexStream>> {
        let stream = self.acceptor.accept(stream).await.ok()?;
        let kind = stream.get_ref().1.handshake_kind();
        self.handshakes.lock().unwrap().extend(kind);
        Some(stream)
    }
}

async fn read_line(stream: &mut DuplexStream) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(line).unwrap().trim_end().to_owned())
}
