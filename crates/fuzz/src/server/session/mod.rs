//! A whole session over a network in memory: any commands, cut anywhere, data connections that
//! come, fail and stall, a clock that jumps. Every command has one final reply, in order, and at
//! the end the server has nothing open.

mod commands;
mod data;
mod replies;
mod site;
mod user;

use tokio::runtime::Handle;

use crate::Input;
use crate::world::{runtime, world};
use site::{IDLE_AT_END, Site};
use user::User;

pub(crate) fn run(octets: &[u8]) {
    runtime().block_on(async {
        let mut input = Input::new(octets);
        let pipe_bytes = input.pick(&PIPES).unwrap_or(1 << 16);
        let site = Site::open(pipe_bytes, world).await;
        let mut user = User::call(&site.user_net);
        if input.below(8) != 7 {
            user.log_in().await;
        }
        for _ in 0..STEPS_MAX {
            if input.is_empty() || user.is_gone() {
                break;
            }
            user.step(&mut input).await;
        }
        let said = user.finish().await;
        tokio::time::sleep(IDLE_AT_END).await;
        site.assert_idle();
        site.close().await;
        if let Some(said) = said {
            replies::check(&said);
        }
        // Tasks that were aborted are counted until they have run once more.
        tokio::task::yield_now().await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    });
}

/// How many octets a connection holds: everything, or so little that every write stops half way.
const PIPES: [usize; 4] = [1 << 16, 1 << 12, 64, 7];

/// Longer inputs are cut off; what takes more steps than this is found by shorter ones.
const STEPS_MAX: usize = 96;
