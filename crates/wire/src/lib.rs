//! FTP messages as types that cannot be wrong.
//!
#![doc = include_str!("../README.md")]

mod address;
mod address_class;
pub mod block;
#[cfg(feature = "codec")]
pub mod codec;
pub mod command;
mod direction;
mod fact_set;
mod facts;
mod feature;
mod hash;
mod host_name;
mod host_socket;
mod line;
mod parameters;
mod pathname;
pub mod payload;
mod quote;
mod reply;
mod reply_parser;
mod telnet;
mod time_val;

pub use address_class::{AddressClass, PORT_UNPRIVILEGED, address_class};
pub use block::{BlockDecoder, BlockError, BlockEvent, BlockFlags, BlockHeader, encode_marker};
#[cfg(feature = "codec")]
pub use codec::{CodecError, CommandCodec, Received, ReplyCodec};
pub use command::{
    AuthMechanism, Command, CommandError, EprtArgument, EpsvArgument, FileHash, PartsCommand,
    PartsKey, ProtectionLevel, RestartPoint, SiteCommand, UnknownVerb, Verb,
};
pub use direction::Direction;
pub use fact_set::{Fact, FactSet, FactSetError};
pub use facts::{FACTS_LINE_BYTES_MAX, FACTS_MAX, Facts, FactsError, FactsLine, FileKind};
pub use feature::{Features, NotFeatures};
pub use hash::{ByteRange, ChecksumCommand, HashAlgorithm, UnknownHash};
pub use host_name::{HostName, HostNameError};
pub use host_socket::{
    AcceptFilter, HostSocket, NetworkProtocol, SockArgument, SockHost, ZeroPort,
};
pub use line::{LINE_BYTES_MAX, LineDecoder, LineEvent};
pub use parameters::{RepresentationType, Structure, TransmissionMode};
pub use pathname::{Password, Pathname, PathnameError, Text};
pub use payload::{
    ExtendedPassive, PayloadError, announced_size, connected_reply, custom_extended_passive_reply,
    data_socket, data_socket_reply, extended_passive, extended_passive_reply, file_size,
    modification_time, offered_protocols, passive_reply, passive_socket, pathname_reply,
    quoted_pathname, restart_markers, unique_name,
};
pub use quote::{quote, unquote};
pub use reply::{Reply, ReplyCode};
pub use reply_parser::{
    REPLY_BYTES_MAX, REPLY_LINE_BYTES_MAX, REPLY_LINES_MAX, ReplyError, ReplyParser,
};
pub use telnet::{SUBNEGOTIATION_BYTES_MAX, TELNET_ANSWERS_MAX};
pub use time_val::{TimeVal, TimeValError};
