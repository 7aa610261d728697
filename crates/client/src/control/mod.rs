//! One control connection, from the call to QUIT.

mod conn;
mod failing;
pub(crate) mod hash;
mod listing;
mod login;
mod open;
mod owed;
mod send;
mod server;
mod turn;
mod verbs;

pub use conn::ControlConn;
pub use listing::Listing;
pub(crate) use listing::facts;
pub use login::Credentials;
pub use server::Server;
pub use verbs::Stat;
