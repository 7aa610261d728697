//! The socket that the listener tells for a file.

use thirdhost_proto::third_party::{Arrangement, passive_address};
use thirdhost_wire::{
    Command, EpsvArgument, HostSocket, Reply, SockArgument, SockHost, extended_passive,
    passive_socket,
};

use super::Chain;
use super::link::{Owed, What};
use crate::Error;

impl<J: Send> Chain<'_, J> {
    /// Asks the listener where it listens; returns how many replies are to come.
    pub(super) fn ask_socket(&mut self, number: u64) -> Result<usize, Error> {
        let plan = &self.prepared.plan;
        let passive = match plan.arrangement {
            Arrangement::Pasv => Command::Pasv,
            _ => Command::Epsv(EpsvArgument::Default),
        };
        // SECURITY: nobody but the caller may call, where the listener can be told so.
        let pin = plan.pin.then_some(Command::Sock(SockArgument {
            host: SockHost::Address(plan.hosts.of(plan.connector()).to_canonical()),
            socket: 0,
        }));
        let listener = self.ends.of_mut(plan.listener);
        let waiting = 1 + usize::from(pin.is_some());
        listener.tell(passive, Owed::new(number, What::Socket))?;
        if let Some(pin) = pin {
            listener.tell(pin, Owed::new(number, What::Pin))?;
        }
        Ok(waiting)
    }

    /// Where the listener listens.
    pub(super) fn socket(&self, reply: &Reply) -> Option<HostSocket> {
        let plan = &self.prepared.plan;
        let own = *plan.hosts.of(plan.listener);
        let told = match plan.arrangement {
            Arrangement::Pasv => passive_socket(reply).ok()?,
            _ => HostSocket::new(own, extended_passive(reply).ok()?.port)?,
        };
        let trusted = *plan.trust_passive_address.of(plan.listener);
        passive_address(told, own, trusted, plan.low_ports).ok()
    }

    /// By a server that was told so for another file.
    pub(super) fn may_be_called(&self, socket: HostSocket) -> bool {
        let environment = self.environment();
        let told = environment.told.sockets(&*environment.world.clock);
        told.contains(&socket)
    }
}
