//! One control connection, from the call to QUIT.

mod conn;
pub(crate) mod hash;
mod listing;
mod login;
mod open;
mod send;
mod server;
mod verbs;

pub use conn::ControlConn;
pub use listing::Listing;
pub use login::Credentials;
pub use server::Server;
pub use verbs::Stat;
