//! What the intruder does. It sees every number, acts at every moment, and is bounded in how
//! often alone.

use std::net::SocketAddr;

use thirdhost_proto::server::Plan;

use crate::action::{Action, OWN, at};
use crate::network::{INTRUDER, OTHER_PORT, host};
use crate::session::{Control, Reservation, USERS, Work};
use crate::world::{World, users_sockets};

/// Everything the intruder could do now.
pub(crate) fn actions(world: &World, actions: &mut Vec<Action>) {
    let is_over = |session: usize| world.sessions[session].control == Control::Ended;
    if USERS.into_iter().all(is_over) {
        return;
    }
    if world.left.calls > 0 {
        calls(world, actions);
        if world.scene().tls && world.left.losses > 0 {
            takes(world, actions);
        }
    }
    if world.left.commands > 0 && world.sessions[OWN].pi.is_idle() {
        says(world, actions);
    }
}

/// From its own host; from the hosts of both servers, at a port that the servers do not have; and
/// where certificates are to tell, from the very socket that is named.
fn calls(world: &World, actions: &mut Vec<Action>) {
    for session in USERS {
        let Reservation::Listening(_) = world.sessions[session].reservation else {
            continue;
        };
        let far = host(world.scene().side(session).opposite());
        let mut from = vec![
            (at(INTRUDER, OTHER_PORT), false),
            (at(far, OTHER_PORT), false),
        ];
        if world.scene().tls && world.left.losses > 0 {
            let named = users_sockets(world).into_iter();
            from.extend(named.map(|socket| (socket.address(), true)));
        }
        for (from, as_named) in from {
            let is_used = |socket: SocketAddr| {
                let mut all = world.connections.iter();
                all.any(|connection| connection.from == socket)
            };
            let own = world.scene().host(session) == from.ip();
            if !own && !is_used(from) {
                actions.push(Action::IntruderCalls {
                    session,
                    from,
                    as_named,
                });
            }
        }
    }
}

/// Whatever a session is about to call, and nobody listens at.
fn takes(world: &World, actions: &mut Vec<Action>) {
    for session in USERS {
        if let Plan::Active { target, .. } = world.sessions[session].pi.plan() {
            let target = target.address();
            if world.listener_at(target).is_none() && !world.taken.contains(&target) {
                actions.push(Action::IntruderTakes(target));
            }
        }
    }
}

/// With the intruder's own account: everything by which a data connection comes about.
fn says(world: &World, actions: &mut Vec<Action>) {
    let session = &world.sessions[OWN];
    let is_busy = !matches!(session.work, Work::Nothing) || session.control == Control::Ended;
    // Before, there is nothing to get at; what is gone meanwhile is.
    if is_busy || (users_sockets(world).is_empty() && world.resting.is_empty()) {
        return;
    }
    let mut lines = match session.pi.plan() {
        Plan::Default => vec!["LSTN R".to_owned(), "LSTN S".to_owned()],
        _ => vec!["STOR from9".to_owned(), "RETR from9".to_owned()],
    };
    let own = world.scene().host(OWN);
    let there = users_sockets(world)
        .into_iter()
        .filter(|socket| socket.host() != own);
    lines.extend(there.map(|socket| format!("SOCK {},{}", socket.host(), socket.port())));
    actions.extend(lines.into_iter().map(Action::IntruderSays));
}
