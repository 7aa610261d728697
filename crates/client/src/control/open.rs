//! Opening a control connection: the call, TLS, the greeting. Nothing else opens one.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use thirdhost_proto::user::Ticket;
use thirdhost_sockets::Connection;
use thirdhost_wire::{AuthMechanism, Command, Features, ProtectionLevel, ReplyCodec};

use crate::tls::TlsSession;
use crate::{Certified, ControlConn, Environment, Error, Security, Server};

impl ControlConn {
    /// Calls a server, reads its greeting, and brings the connection under TLS as
    /// [`Server::security`] has it, with a certificate as [`Server::certified`] has it.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Silent`], [`Error::Refused`] for a greeting other than 220
    /// or a refused AUTH; [`Error::Distrusted`], [`Error::Handshake`] and [`Error::NoTls`]; and
    /// whatever can go wrong with a reply. What TLS was wanted for is never said in clear text.
    pub async fn connect(environment: &Environment, server: Server) -> Result<Self, Error> {
        let connection = call(environment, &server).await?;
        let mut conn = Self::over(environment.clone(), server, connection);
        if conn.server.security == Security::Implicit {
            conn = Box::pin(conn.protected()).await?;
            conn.step = "the greeting";
        }
        let limit = environment.limits.reply;
        let greeting = conn.wait_for(Ticket::GREETING, limit).await?;
        if !greeting.code().is_completion() {
            return Err(conn.refused("the connection", greeting, "; try again later"));
        }
        conn.greeting = greeting.text().to_string();
        match conn.wish().await? {
            Wish::ClearText => Ok(conn),
            wish => Box::pin(conn.start_tls(wish)).await,
        }
    }

    /// PBSZ and PROT, after the login: data connections are under TLS as this one is.
    pub(super) async fn protect_data(&mut self) -> Result<(), Error> {
        if self.tls.is_none() {
            return Ok(());
        }
        for (command, step) in private() {
            let reply = self.command(command).await?;
            self.completed(step, reply, NO_PRIVATE_DATA)?;
        }
        Ok(())
    }

    /// What comes after the greeting.
    async fn wish(&mut self) -> Result<Wish, Error> {
        let is_local = self.peer().ip().to_canonical().is_loopback();
        match self.server.security {
            // Implicit TLS has begun by now.
            Security::Implicit | Security::ClearText => Ok(Wish::ClearText),
            Security::Explicit => Ok(Wish::Tls),
            Security::Offered if self.server.certified != Certified::Known => Ok(Wish::Tls),
            Security::Offered if is_local => Ok(Wish::ClearText),
            Security::Offered => self.offered().await,
        }
    }

    /// Asks FEAT, and where that says nothing before the login, AUTH itself is tried.
    async fn offered(&mut self) -> Result<Wish, Error> {
        let reply = self.ask_features().await?;
        let offers = Features::from_reply(&reply).map(|f| f.has_parameter("AUTH", "TLS"));
        // SECURITY: who had TLS before does not lose it unseen; somebody in between could strike
        // the line from FEAT.
        let had_tls = self.environment.trust.knows(&self.server.known_as());
        match offers {
            Ok(true) => Ok(Wish::Tls),
            Ok(false) if had_tls => Err(Error::NoTls {
                server: self.server.name.clone(),
            }),
            Ok(false) => Ok(Wish::ClearText),
            Err(_) if had_tls => Ok(Wish::Tls),
            Err(_) => Ok(Wish::Try),
        }
    }

    /// RFC 4217 section 4.
    async fn start_tls(mut self, wish: Wish) -> Result<Self, Error> {
        let reply = self.command(Command::Auth(AuthMechanism::Tls)).await?;
        if !AUTH_ACCEPTED.contains(&reply.code().number()) {
            return match wish {
                Wish::Try => Ok(self),
                _ => Err(self.refused("AUTH TLS", reply, NO_TLS)),
            };
        }
        // SECURITY: what came in clear behind the reply is somebody else's, or means to be taken
        // for something said under TLS (spec S-31).
        if !self.received.is_empty() {
            return Err(self.misbehaved("more came in clear text behind its answer to AUTH TLS"));
        }
        self.protected().await
    }

    /// The handshake. From here on nothing is said in clear text.
    async fn protected(mut self) -> Result<Self, Error> {
        self.step = HANDSHAKE;
        let name = self.server.name.clone();
        let handshake_failed = |source| Error::Handshake {
            server: name.clone(),
            source,
        };
        let session = TlsSession::new(&self.environment.trust, &self.server)
            .map_err(|error| handshake_failed(io::Error::other(error)))?;
        let environment = self.environment.clone();
        let limit = environment.limits.handshake;
        let handshake = session.on_control(self.connection);
        let connection = tokio::select! {
            biased;
            made = environment.within(limit, handshake) => match made {
                Some(made) => made.map_err(|error| match TlsSession::distrust(&error) {
                    Some(why) => distrusted(&name, why),
                    None => handshake_failed(error),
                })?,
                None => return Err(silent(name, limit)),
            },
            () = environment.interrupt.tripped() => {
                return Err(Error::Stopped { server: name, step: HANDSHAKE });
            }
        };
        let remembered = session.remember().map_err(|source| Error::Local {
            what: "write",
            path: environment.trust.known_path(),
            source,
        })?;
        if let Some(fingerprint) = remembered {
            environment.observer.warning(&format!(
                "the certificate of {name} is new here and believed from now on: SHA-256 \
                 {fingerprint}"
            ));
        }
        Ok(Self {
            tls: Some(session),
            connection,
            codec: ReplyCodec::lenient(),
            received: BytesMut::new(),
            unfinished_bytes: 0,
            // SECURITY: what was told in clear text may be somebody else's word.
            features: Features::default(),
            asked_features: false,
            ..self
        })
    }
}

/// What brings data connections under TLS, and its name.
pub(super) fn private() -> [(Command, &'static str); 2] {
    let level = Command::Prot(ProtectionLevel::Private);
    [(Command::Pbsz(0), "PBSZ"), (level, "PROT P")]
}

/// What a control connection has to become.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wish {
    ClearText,
    /// TLS if AUTH is accepted: FEAT said nothing.
    Try,
    /// TLS or nothing.
    Tls,
}

async fn call(environment: &Environment, server: &Server) -> Result<Box<dyn Connection>, Error> {
    let call = environment.world.network.call(None, server.address);
    let called = environment.within(environment.limits.connect, call).await;
    let mut connection = called
        .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|source| Error::Connect {
            server: server.name.clone(),
            source,
        })?;
    // Most of the time we wait for a server's word, which never comes from one that was cut off.
    connection.end_on_silence();
    Ok(connection)
}

fn silent(server: String, after: Duration) -> Error {
    Error::Silent {
        server,
        step: HANDSHAKE,
        after,
    }
}

fn distrusted(server: &str, why: crate::Distrust) -> Error {
    Error::Distrusted {
        server: server.to_owned(),
        why: Box::new(why),
    }
}

/// RFC 4217 section 4; 334 is what older servers say.
const AUTH_ACCEPTED: &[u16] = &[234, 334];

const HANDSHAKE: &str = "the TLS handshake";

const NO_TLS: &str = "; it is not spoken to in clear text unless you say --clear-text";

pub(super) const NO_PRIVATE_DATA: &str =
    "; files do not go in clear text unless you say --clear-text for the whole connection";
