//! The doctor: every way between two servers is tried, and what refuses is explained.

use thirdhost_proto::third_party::{
    Arrangement, BySide, Job, Operation, Outcome, Side, ThirdParty,
};
use thirdhost_wire::Pathname;

use super::diagnosis::{self, Diagnosis};
use super::driver::{self, Ended};
use super::ladder::Rung;
use super::pair::data_host;
use super::{Pair, Policy};
use crate::{ControlConn, Error, Product, Site};

/// Two servers and what may be done to find out about them.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The source.
    pub source: Site,
    /// The destination.
    pub destination: Site,
    /// The names of a file of a few bytes, at the source and at the destination.
    pub files: [Pathname; 2],
    /// Nothing is written: the ways are arranged and not used.
    pub read_only: bool,
    /// As for transfers: which ways, who may listen, and whether TLS may go unchecked.
    pub policy: Policy,
}

/// What was found out.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Probed {
    /// The program at the source.
    pub source: Product,
    /// The program at the destination.
    pub destination: Product,
    /// Every way, in the order in which transfers try them.
    pub trials: Vec<Trial>,
}

/// One way, tried.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Trial {
    /// The arrangement.
    pub arrangement: Arrangement,
    /// Which server listened, or would have.
    pub listener: Side,
    /// Which was the TLS client of the other; `None` in clear text.
    pub tls_client: Option<Side>,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a way.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The file arrived.
    Works,
    /// Both granted the arrangement; whether they meet, only a transfer shows.
    Granted,
    /// Not even asked for.
    NotOffered {
        /// Why not.
        said: String,
        /// Who would have to change.
        diagnosis: Diagnosis,
    },
    /// A server refused, or nothing came of it.
    Refused {
        /// What the servers said or did, and at which step.
        said: String,
        /// Who, why and what to change.
        diagnosis: Diagnosis,
    },
}

impl Probed {
    /// Whether there is a direct way.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.trials
            .iter()
            .any(|trial| matches!(trial.verdict, Verdict::Works | Verdict::Granted))
    }
}

impl Probe {
    /// Tries every way, each over connections of its own: a refused one leaves no traces in the
    /// next. What was written is removed.
    ///
    /// # Errors
    /// When a server cannot be reached, does not let the user in, or does not take the file. A
    /// way that does not work is no error.
    ///
    /// # Cancel safety
    /// Not cancel safe: the file may be left behind.
    pub async fn run(&self) -> Result<Probed, Error> {
        let pair = self.pair().await?;
        let (rungs, refusals) = pair.rungs(None);
        let ends = ends(&pair);
        let mut probed = Probed {
            source: ends.source.product,
            destination: ends.destination.product,
            trials: Vec::new(),
        };
        for refusal in refusals {
            let (arrangement, listener) = (refusal.arrangement, refusal.listener);
            probed.trials.push(Trial {
                arrangement,
                listener,
                tls_client: None,
                verdict: Verdict::NotOffered {
                    diagnosis: diagnosis::not_offered(arrangement, listener, &refusal.reason),
                    said: refusal.reason,
                },
            });
        }
        pair.quit().await;
        let [from, to] = &self.files;
        if !self.read_only {
            let mut conn = self.source.open().await?;
            let put = conn.put(from, &mut CONTENT.as_bytes()).await;
            put.map_err(with_hint)?;
            conn.quit().await.ok();
        }
        let mut tried = Ok(());
        for rung in rungs {
            match self.attempt(rung, to).await {
                Ok(trial) => probed.trials.push(trial),
                Err(error) => {
                    tried = Err(error);
                    break;
                }
            }
        }
        if !self.read_only {
            remove(&self.source, from).await;
        }
        tried.map(|()| probed)
    }

    async fn attempt(&self, rung: Rung, to: &Pathname) -> Result<Trial, Error> {
        let mut pair = self.pair().await?;
        let ends = ends(&pair);
        let mut machine = ThirdParty::new(pair.plan(rung), self.job());
        let ended = match self.read_only {
            false => Some(driver::run(&mut machine, &mut pair.conns).await),
            true => driver::rehearse(&mut machine, &mut pair.conns).await,
        };
        let verdict = match ended {
            None => Verdict::Granted,
            Some(Ended {
                outcome: Outcome::Done(_),
                ..
            }) => arrived(&mut pair, to).await,
            Some(Ended {
                outcome: Outcome::Refused(failure) | Outcome::Failed(failure),
                broken,
            }) => {
                if pair.source().environment.interrupt.is_tripped() {
                    return Err(pair.source().stop_wanted());
                }
                let lost = broken.of(failure.side).as_ref();
                Verdict::Refused {
                    said: lost.map_or_else(|| failure.to_string(), ToString::to_string),
                    diagnosis: diagnosis::diagnose(ends, rung.listener, &failure),
                }
            }
        };
        pair.quit().await;
        if !self.read_only {
            remove(&self.destination, to).await;
        }
        Ok(Trial {
            arrangement: rung.arrangement,
            listener: rung.listener,
            tls_client: rung.part.map(|part| part.client),
            verdict,
        })
    }

    async fn pair(&self) -> Result<Pair, Error> {
        let source = hasty(self.source.open().await?);
        let destination = hasty(self.destination.open().await?);
        Ok(Pair::new(source, destination, self.policy.clone()))
    }

    fn job(&self) -> Job {
        let [from, to] = self.files.clone();
        Job {
            operation: Operation::Copy,
            from,
            to,
            offset: 0,
            range: None,
        }
    }
}

/// Both said done; the length has the last word where it is told.
async fn arrived(pair: &mut Pair, to: &Pathname) -> Verdict {
    let expected = CONTENT.len() as u64;
    match pair.destination().size(to).await {
        Ok(Some(found)) if found != expected => Verdict::Refused {
            said: format!("both servers said done, and {found} bytes of {expected} are there"),
            diagnosis: Diagnosis {
                side: Some(Side::Destination),
                cause: "lost what was sent",
                place: "",
                line: String::new(),
            },
        },
        _ => Verdict::Works,
    }
}

/// The source need not be written to where nothing is.
fn with_hint(error: Error) -> Error {
    match error {
        Error::Refused {
            server,
            step,
            reply,
            ..
        } => Error::Refused {
            server,
            step,
            reply,
            hint: READ_ONLY,
        },
        error => error,
    }
}

/// What each is, and where the other reaches it.
fn ends(pair: &Pair) -> BySide<diagnosis::End> {
    let end = |conn: &ControlConn| diagnosis::End {
        product: conn.product(),
        host: data_host(conn),
    };
    BySide {
        source: end(&pair.conns.source),
        destination: end(&pair.conns.destination),
    }
}

fn hasty(mut conn: ControlConn) -> ControlConn {
    conn.environment.limits = conn.environment.limits.for_a_probe();
    conn
}

/// It may not be there.
async fn remove(site: &Site, path: &Pathname) {
    if let Ok(mut conn) = site.open().await {
        conn.remove_file(path).await.ok();
        conn.quit().await.ok();
    }
}

/// What is sent to see whether it arrives.
const CONTENT: &str = "thirdhost probe\n";

const READ_ONLY: &str = "; with --read-only nothing is written, and the ways are only asked for";
