//! A program in a host.

use std::io;
use std::ops::{Deref, DerefMut};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// A program in a host; killed when dropped.
#[derive(Debug)]
pub struct Guest(Child);

impl Guest {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

    /// Waits for its end; `None` if that does not come in time.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn wait_for(&mut self, time: Duration) -> io::Result<Option<std::process::ExitStatus>> {
        let began = Instant::now();
        loop {
            match self.0.try_wait()? {
                None if began.elapsed() < time => thread::sleep(STEP),
                found => return Ok(found),
            }
        }
    }
}

impl Deref for Guest {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Guest {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const STEP: Duration = Duration::from_millis(5);
