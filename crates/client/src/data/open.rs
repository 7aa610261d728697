//! Opening a data connection: EPSV, then PASV; always to the server's own address.

use std::io;
use std::net::SocketAddr;

use thirdhost_proto::third_party::AddressRefused;
use thirdhost_sockets::Connection;
use thirdhost_wire::{Command, EpsvArgument, PORT_UNPRIVILEGED, extended_passive, passive_socket};

use crate::{ControlConn, Error};

impl ControlConn {
    /// A data connection for the next transfer command.
    ///
    /// EPSV first; PASV where that is refused or leads nowhere (RFC 2428 section 4, spec S-66).
    pub(super) async fn open_data(&mut self) -> Result<Box<dyn Connection>, Error> {
        if !self.epsv_failed {
            let reply = self.command(Command::Epsv(EpsvArgument::Default)).await?;
            let told = extended_passive(&reply).ok();
            match told {
                Some(passive) => match self.call("EPSV", passive.port).await {
                    Ok(connection) => return Ok(connection),
                    Err(error @ Error::Misbehaved { .. }) => return Err(error),
                    Err(error) if self.peer().is_ipv6() => return Err(error),
                    Err(_) => self.epsv_failed = true,
                },
                None if self.peer().ip().to_canonical().is_ipv6() => {
                    return Err(self.refused("EPSV", reply, ""));
                }
                None => self.epsv_failed = true,
            }
        }
        let reply = self.command(Command::Pasv).await?;
        let reply = self.completed("PASV", reply, "; no data connection is possible")?;
        match passive_socket(&reply) {
            // SECURITY: the host in a 227 is never called; it may be anybody's (spec S-20).
            Ok(told) => self.call("PASV", told.port()).await,
            Err(problem) => Err(Error::Unusable {
                server: self.name().to_owned(),
                step: "PASV",
                reply,
                problem: problem.to_string(),
            }),
        }
    }

    /// Calls a data port of the server itself.
    pub(crate) async fn call(
        &mut self,
        step: &'static str,
        port: u16,
    ) -> Result<Box<dyn Connection>, Error> {
        if port < PORT_UNPRIVILEGED && !self.server.low_ports {
            return Err(self.misbehaved(AddressRefused::LowPort(port).to_string()));
        }
        let peer = SocketAddr::new(self.peer().ip(), port);
        let call = self.environment.world.network.call(None, peer);
        let server = self.name().to_owned();
        match self
            .environment
            .within(self.environment.limits.connect, call)
            .await
        {
            Some(Ok(connection)) => Ok(connection),
            Some(Err(source)) => Err(Error::DataConnection {
                server,
                step,
                source,
            }),
            None => {
                let source = io::ErrorKind::TimedOut.into();
                Err(Error::DataConnection {
                    server,
                    step,
                    source,
                })
            }
        }
    }
}
