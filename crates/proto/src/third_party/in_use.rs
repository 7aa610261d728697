//! A listener that tells a socket where somebody may still call who was meant for another file.

use std::collections::BTreeSet;

use thirdhost_wire::HostSocket;

use super::outcome::{Cause, Step};
use super::{Arrangement, ThirdParty};

impl ThirdParty {
    /// Where somebody may still call who was meant for another file; of EPSV and PASV alone, for
    /// LSTN and SOCK name the caller too. A listener that tells one of these is asked again.
    // SECURITY: a destination would take what comes for the file that it was asked to store.
    pub fn avoid(&mut self, sockets: BTreeSet<HostSocket>) {
        self.avoided = sockets;
    }

    /// How often the listener was asked once more for this file, because of what it told.
    #[must_use]
    pub fn asked_again(&self) -> u32 {
        self.asked_again
    }

    pub(super) fn is_avoided(&self, listening: HostSocket) -> bool {
        self.plan.arrangement != Arrangement::Lstn && self.avoided.contains(&listening)
    }

    /// Another EPSV or PASV closes that socket, and whoever has called there is reset.
    pub(super) fn ask_again(&mut self, listening: HostSocket) {
        if self.asked_again < ASKED_AGAIN_MAX {
            self.asked_again += 1;
            self.listen();
        } else {
            let cause = Cause::InUse(listening);
            self.fail(self.plan.listener, Step::Listen, cause);
        }
    }
}

/// Eight at once, as any range of a few ports has another; the clock's owner lets a second pass
/// before each of the others, two minutes in all: so long may a caller go on whom nobody can stop.
const ASKED_AGAIN_MAX: u32 = 8 + 125;
