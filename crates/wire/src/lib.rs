//! FTP messages as types that cannot be wrong.
pub mod command;
mod direction;
mod host_socket;
mod parameters;
mod pathname;
mod reply;

pub use command::{Command, CommandError, Verb};
pub use direction::Direction;
pub use host_socket::{
    AcceptFilter, HostSocket, NetworkProtocol, SockArgument, SockHost,
};
pub use parameters::{RepresentationType, Structure, TransmissionMode};
pub use pathname::{Pathname, PathnameError, Text, Password};
pub use reply::{Reply, ReplyCode};
