//! How much a user may take, as it is written.

use super::values::Bounded;
use crate::accounts::Bounds;

/// The key `sessions` of a user.
pub(super) type SessionCount = Bounded<1, 1_000_000>;

/// The bounds of a user.
pub(super) fn bounds(sessions: Option<SessionCount>) -> Bounds {
    let mut bounds = Bounds::default();
    bounds.sessions = sessions.map(|count| usize::try_from(count.value()).unwrap_or(usize::MAX));
    bounds
}
