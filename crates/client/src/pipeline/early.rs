//! Files that the source is asked for together with whom it calls, while the destination makes
//! directories: that way the call and the first octets are under way a round trip earlier.

use std::collections::VecDeque;

use bytes::BytesMut;
use thirdhost_proto::user::Ticket;
use thirdhost_wire::{Command, Pathname};

use super::feed::Item;
use super::files::{COMMANDS_PER_FILE, WINDOW_BYTES};
use super::lane::Lane;
use super::proof::Proof;
use crate::{ControlConn, Error, Pair};

/// What the source was asked for, in order, and nobody has taken up yet.
#[derive(Debug)]
pub(crate) struct Early(VecDeque<Asked>);

/// RETR, and the question for the proof.
#[derive(Debug)]
struct Asked {
    from: Pathname,
    transfer: Ticket,
    proof: Option<Ticket>,
}

impl Early {
    /// Puts RETR and its proof for each into `outgoing`.
    pub(super) fn ask(
        conn: &mut ControlConn,
        items: &[Item],
        proof: Proof,
        outgoing: &mut BytesMut,
    ) -> Result<Self, Error> {
        let mut asked = VecDeque::new();
        for item in items {
            let transfer = conn.send_ahead(&Command::Retr(item.from.clone()), outgoing)?;
            let question = proof.question(&item.from);
            let proof = question.map(|question| conn.send_ahead(&question, outgoing));
            asked.push_back(Asked {
                from: item.from.clone(),
                transfer,
                proof: proof.transpose()?,
            });
        }
        Ok(Self(asked))
    }
}

/// Asks the source for the file, unless it was asked before, and for its proof. Gives how many
/// questions that are beside RETR; none if another file was asked for in its place.
pub(super) fn ask_or_adopt<T>(
    source: &mut Lane<'_, T>,
    item: &Item,
    proof: Proof,
    (transfer, answer): (T, T),
) -> Result<Option<usize>, Error> {
    let files = source.conn.files_ahead.as_mut();
    if let Some(asked) = files.and_then(|early| early.0.pop_front()) {
        if asked.from != item.from {
            return Ok(None);
        }
        source.adopt(asked.transfer, transfer);
        let proof = asked.proof.map(|proof| source.adopt(proof, answer));
        return Ok(Some(usize::from(proof.is_some())));
    }
    source.say(&Command::Retr(item.from.clone()), transfer)?;
    let question = proof.question(&item.from);
    let asked = question.map(|question| source.say(&question, answer));
    Ok(Some(usize::from(asked.transpose()?.is_some())))
}

/// As many of the first of them as may be under way at once.
pub(super) fn fitting<'a>(pair: &mut Pair, items: &'a [Item]) -> &'a [Item] {
    let (source, destination) = pair.both();
    let depths = [source, destination].map(|conn| super::depth(conn).unwrap_or_default());
    let depth = depths.into_iter().min().unwrap_or_default();
    let most = depth.saturating_sub(COMMANDS_BEFORE) / COMMANDS_PER_FILE;
    let mut bytes = 0_u64;
    let fits = |item: &&Item| {
        bytes = bytes.saturating_add(item.size.unwrap_or(0));
        bytes < WINDOW_BYTES
    };
    let fitting = items.iter().take(most).take_while(fits).count();
    items.get(..fitting).unwrap_or_default()
}

/// What nobody has taken up is not wanted any more.
///
/// # Errors
/// When the dialogue breaks.
pub(super) async fn withdraw(conn: &mut ControlConn) -> Result<(), Error> {
    let is_wanted = |early: &Early| !early.0.is_empty();
    if !conn
        .files_ahead
        .take()
        .is_some_and(|early| is_wanted(&early))
        || !conn.is_usable()
    {
        return Ok(());
    }
    let mut outgoing = BytesMut::new();
    let last = conn.send_ahead(&Command::Abor, &mut outgoing)?;
    conn.ignore_until(last);
    conn.write(&outgoing).await
}

/// What makes the arrangement may be under way as well.
const COMMANDS_BEFORE: usize = 10;
