//! A source answers 550 to what it does not have and to what it does not allow: which of the two.

use thirdhost_proto::third_party::Side;

use super::look;
use super::plan::Job;
use super::worker::Line;
use crate::{Error, ExitCode};

/// Whether a file is there that the source refused; it is asked.
pub(super) async fn is_there(line: Option<&mut Line>, job: &Job, error: &Error) -> bool {
    let Some(line) = line.filter(|_| error.exit_code() == ExitCode::FileNotFound) else {
        return false;
    };
    if !is_of_source(line, error) {
        return false;
    }
    let found = match line.source() {
        Some(conn) => look::at(Some(conn), &job.from).await.ok().flatten(),
        None => None,
    };
    found.is_some()
}

/// Whether the source said it. Of what the destination refuses it knows nothing.
fn is_of_source(line: &mut Line, error: &Error) -> bool {
    let [source, destination] = line.both();
    let code = error.reply().map(|reply| reply.code().number());
    let (Some(source), Some(look::NOT_THERE)) = (source, code) else {
        return false;
    };
    match error {
        Error::ThirdParty { failure, .. } => failure.side == Side::Source,
        Error::Refused { server, step, .. } => {
            let is_alike = destination.is_some_and(|conn| conn.name() == server);
            server == source.name() && (!is_alike || *step == "RETR")
        }
        _ => false,
    }
}
