//! Where no connection is lent: systems without `poll` as we know it.

use std::io;

/// A connection that was lent; there is none.
#[derive(Debug)]
pub enum Lent {}

impl Lent {
    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn read(&self, _: &mut [u8]) -> io::Result<Option<usize>> {
        match *self {}
    }
}
