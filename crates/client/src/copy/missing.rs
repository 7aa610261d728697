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

#[cfg(test)]
mod tests {
    use thirdhost_wire::{Reply, ReplyCode};

    use super::*;
    use crate::copy::Location;
    use crate::copy::walk::{Entry, Kind};
    use crate::fake::{Answer, FakeNet};
    use crate::tests::{path, polite};
    use crate::{Pair, Policy};

    const SOURCE: &str = "9.9.9.1:21";
    const DESTINATION: &str = "9.9.9.2:21";

    #[tokio::test(start_paused = true)]
    async fn what_the_destination_refuses_says_nothing_about_the_source() {
        let facts = "250-\r\n type=file;size=5; a\r\n250 End\r\n";
        let net = FakeNet::default();
        for site in [SOURCE, DESTINATION] {
            net.control(site, move |line| match line {
                "MLST a" => Answer::Say(facts.to_owned()),
                _ => polite(line, "SIZE,MLST type*;size*;"),
            });
        }
        let file = Entry {
            path: "a".to_owned(),
            kind: Kind::File,
            size: Some(5),
            modified: None,
        };
        let place = Location::Remote(Some(path("a")));
        let job = Job::new("a".to_owned(), (place.clone(), place.clone()), &place, file);
        for (server, step, code, expected) in [
            (SOURCE, "RETR", 550, true),
            (SOURCE, "DELE", 550, true),
            (SOURCE, "DELE", 553, false),
            (DESTINATION, "DELE", 550, false),
            (DESTINATION, "RNFR", 550, false),
        ] {
            let (one, other) = (net.login(SOURCE).await, net.login(DESTINATION).await);
            let pair = Pair::new(one.unwrap(), other.unwrap(), Policy::default());
            let mut line = Line::Between(Box::new(pair));
            let error = Error::Refused {
                server: server.to_owned(),
                step,
                reply: Reply::new(ReplyCode::new(code).unwrap(), "no"),
                hint: "",
            };
            let found = is_there(Some(&mut line), &job, &error).await;
            assert_eq!(found, expected, "{error}");
        }
    }
}
