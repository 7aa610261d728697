//! Every end-to-end case, one file each; the table below is all there is to add.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_client::{Arrangement, Listen, Policy, Side, Via};

use crate::check::{self, Mismatch};
use crate::{Evidence, Failed, Setting, Transcript};

mod append;
mod copy;
mod dying_source;
mod intruder;
mod many;
mod mirror;
mod missing_source;
mod refusing_destination;
mod tls;
mod usual;
mod wrong_direction;

/// One thing that is tried from end to end.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// How it is named on the command line.
    pub name: &'static str,
    /// How the two sites are brought together.
    pub arrangement: &'static str,
    /// What it shows, as a sentence.
    pub shows: &'static str,
    /// Whether it is RFC 438's own example, whose dialogue is always shown.
    pub is_example: bool,
    run: for<'a> fn(&'a Setting) -> BoxFuture<'a, Result<Evidence, Failed>>,
}

impl Case {
    /// Plays the case. What was said is in the setting's transcript, also when it fails.
    ///
    /// # Errors
    /// What is not as it must be.
    pub async fn run(&self, setting: &Setting) -> Result<Evidence, Failed> {
        let patience = setting.patience();
        match tokio::time::timeout(patience, (self.run)(setting)).await {
            Ok(ended) => ended,
            Err(_) => Err(Failed::Hangs(patience)),
        }
    }
}

/// All cases, in the order in which they are played.
pub const ALL: &[Case] = &[
    Case {
        is_example: true,
        ..case(
            "append",
            LSTN_R,
            "RFC 438's example: PROG1.PL1 is appended to PROG2.PL1",
            |s| boxed(append::run(s)),
        )
    },
    case(
        "mirror",
        LSTN_S,
        "the source listens and the destination calls",
        |s| boxed(mirror::run(s)),
    ),
    case("copy", LSTN_R, "a file replaces another one", |s| {
        boxed(copy::run(s))
    }),
    case(
        "many-stream",
        LSTN_R,
        "many files over the same X and Y, a connection each",
        |s| boxed(many::stream(s)),
    ),
    case(
        "many-block",
        "LSTN R, MODE B",
        "many files over one data connection",
        |s| boxed(many::block(s)),
    ),
    case("epsv", "EPSV + EPRT", "the way of RFC 2428", |s| {
        boxed(usual::run(s, Arrangement::Epsv))
    }),
    case("pasv", "PASV + PORT", "the way of RFC 959", |s| {
        boxed(usual::run(s, Arrangement::Pasv))
    }),
    case(
        "tls",
        "LSTN R, TLS",
        "two servers under TLS show each other their certificates",
        |s| boxed(tls::checked(s)),
    ),
    case(
        "tls-stranger",
        "LSTN R, TLS",
        "who shows another certificate is 522: not a byte moves",
        |s| boxed(tls::stranger(s)),
    ),
    case(
        "intruder",
        LSTN_R,
        "who races for X is reset and gets not a byte",
        |s| boxed(intruder::run(s)),
    ),
    case(
        "wrong-direction",
        LSTN_R,
        "RETR after LSTN R is 503; the reservation stays",
        |s| boxed(wrong_direction::run(s)),
    ),
    case(
        "missing-source",
        LSTN_R,
        "no file to send: the destination hears nothing",
        |s| boxed(missing_source::run(s)),
    ),
    case(
        "refusing-dest",
        LSTN_R,
        "the destination may not be written: nothing moves",
        |s| boxed(refusing_destination::run(s)),
    ),
    case(
        "dying-source",
        LSTN_R,
        "the source dies half-way: the old file stays whole",
        |s| boxed(dying_source::copy(s)),
    ),
    case(
        "dying-append",
        LSTN_R,
        "an append dies half-way: the old file stays exactly",
        |s| boxed(dying_source::append(s)),
    ),
];

type Run = for<'a> fn(&'a Setting) -> BoxFuture<'a, Result<Evidence, Failed>>;

const fn case(
    name: &'static str,
    arrangement: &'static str,
    shows: &'static str,
    run: Run,
) -> Case {
    Case {
        name,
        arrangement,
        shows,
        is_example: false,
        run,
    }
}

fn boxed<'a>(
    run: impl Future<Output = Result<Evidence, Failed>> + Send + 'a,
) -> BoxFuture<'a, Result<Evidence, Failed>> {
    run.boxed()
}

/// One arrangement and no other, with this side listening.
fn only(arrangement: Arrangement, listener: Side) -> Policy {
    let mut policy = Policy::default();
    policy.via = Via::Only(arrangement);
    policy.listen = Listen::Only(listener);
    policy
}

/// So many of the commands that went to a site begin like this.
fn sent(transcript: &Transcript, site: &str, prefix: &str, times: usize) -> Result<(), Mismatch> {
    let what = format!("{prefix} commands to {site}");
    check::equal(
        &what,
        times,
        beginning(&transcript.commands_to(site), prefix),
    )
}

/// So many of the reply lines that came from a site begin like this.
fn received(
    transcript: &Transcript,
    site: &str,
    prefix: &str,
    times: usize,
) -> Result<(), Mismatch> {
    let what = format!("{prefix} replies of {site}");
    check::equal(
        &what,
        times,
        beginning(&transcript.replies_from(site), prefix),
    )
}

fn beginning(lines: &[String], prefix: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(prefix)).count()
}

const LSTN_R: &str = "LSTN R + SOCK";
const LSTN_S: &str = "LSTN S + SOCK";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, SITE1, SITE2};

    /// Plays cases on three hosts, or what this system has of them, and on one.
    async fn check(names: &[&str]) {
        let hosts = crate::Hosts::of_this_system();
        for name in names {
            let case = ALL.iter().find(|case| case.name == *name).unwrap();
            for hosts in [hosts, crate::Hosts::all_at(hosts.user)] {
                let mut setting = Setting::real();
                (setting.hosts, setting.files) = (hosts, 3);
                if let Err(failed) = case.run(&setting).await {
                    let columns = setting.transcript.columns(SITE1, SITE2, Layout::Full);
                    panic!("{name} at {hosts:?}: {failed}\n\n{columns}");
                }
            }
        }
    }

    //= rfc438#example.1
    //= type=test
    //# LSTN R CRLF
    //= rfc438#example.2
    //= type=test
    //# SOCK SITE2,X CRLF
    //= rfc438#example.3
    //= type=test
    //# SOCK SITE1,Y CRLF
    //= rfc438#example.4
    //= type=test
    //# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
    #[tokio::test]
    async fn the_example_of_the_rfc_appends_a_file_at_one_site_to_one_at_another() {
        check(&["append"]).await;
    }

    //= rfc438#c
    //= type=test
    //# accept an RFC for the
    //# listening socket only if it is from a specified host and socket
    #[tokio::test]
    async fn only_the_caller_that_sock_names_gets_a_file() {
        check(&["intruder"]).await;
    }

    //= rfc438#d.2
    //= type=test
    //# subsequent data transfer command that use the allocated socket
    #[tokio::test]
    async fn one_arrangement_serves_many_files() {
        check(&["many-stream", "many-block"]).await;
    }

    //= rfc438#b
    //= type=test
    //# Receipt of an appropriate STOR, RETR or APPE command
    #[tokio::test]
    async fn an_inappropriate_command_leaves_the_reservation_to_an_appropriate_one() {
        check(&["wrong-direction"]).await;
    }

    #[tokio::test]
    async fn under_tls_two_servers_meet_only_whom_the_user_met() {
        check(&["tls", "tls-stranger"]).await;
    }

    #[tokio::test]
    async fn either_end_listens_in_every_way_there_is() {
        check(&["mirror", "copy", "epsv", "pasv"]).await;
    }

    #[tokio::test]
    async fn a_failure_on_one_side_leaves_the_files_of_the_other_alone() {
        check(&["missing-source", "refusing-dest"]).await;
        check(&["dying-source", "dying-append"]).await;
    }

    #[test]
    fn names_are_unique_and_fit_the_table() {
        let mut names: Vec<&str> = ALL.iter().map(|case| case.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(
            ALL.iter()
                .all(|case| case.name.len() <= 15 && case.arrangement.len() <= 14)
        );
        assert_eq!(ALL.iter().filter(|case| case.is_example).count(), 1);
    }
}
