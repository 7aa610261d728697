//! Two servers, their control connections, and the arrangement that stands between them.

use thirdhost_proto::third_party::{BySide, Job, Operation, Outcome, Plan, Side, ThirdParty};
use thirdhost_wire::Pathname;

use super::driver::{self, Ended};
use super::ladder::{Rung, rungs};
use super::verify::{self, Before};
use super::{Policy, Refusal, Report};
use crate::{ControlConn, Error};

/// Two logged-in control connections, between whose servers files are copied.
#[derive(Debug)]
pub struct Pair {
    conns: BySide<ControlConn>,
    policy: Policy,
    /// The rung that worked and its machine, for the next file.
    standing: Option<(Rung, ThirdParty)>,
}

impl Pair {
    /// Brings two connections together; nothing is sent yet.
    #[must_use]
    pub fn new(source: ControlConn, destination: ControlConn, policy: Policy) -> Self {
        Self {
            conns: BySide {
                source,
                destination,
            },
            policy,
            standing: None,
        }
    }

    /// Copies one file, or appends it, directly from the source to the destination.
    ///
    /// The way that worked for the last file is tried first, and if it is LSTN and SOCK it is
    /// not even arranged again (RFC 438 clause d.2, design D6). Otherwise the ladder is climbed.
    ///
    /// # Errors
    /// [`Error::ThirdParty`] if a server failed, [`Error::ThirdPartyRefused`] if no arrangement
    /// is permitted, [`Error::Verification`] if the sizes differ afterwards.
    ///
    /// # Cancel safety
    /// Not cancel safe: dropped in the middle, the servers may go on, and the connections owe
    /// replies; drop the pair too.
    pub async fn transfer(
        &mut self,
        operation: Operation,
        from: &Pathname,
        to: &Pathname,
    ) -> Result<Report, Error> {
        let job = Job {
            operation,
            from: from.clone(),
            to: to.clone(),
        };
        let clock = self.conns.source.environment.world.clock.clone();
        let began = clock.now();
        let data_before = self.data_bytes();
        let before =
            verify::before(&mut self.conns.destination, operation, to, &self.policy).await?;
        let mut report = self.climb(job, before).await?;
        report.verified = verify::after(
            &mut self.conns.destination,
            operation,
            to,
            &self.policy,
            report.bytes,
            before,
        )
        .await?;
        report.elapsed = clock.now().saturating_sub(began);
        report.data_bytes_here = self.data_bytes().saturating_sub(data_before);
        Ok(report)
    }

    /// The connection to the source.
    pub fn source(&mut self) -> &mut ControlConn {
        &mut self.conns.source
    }

    /// The connection to the destination.
    pub fn destination(&mut self) -> &mut ControlConn {
        &mut self.conns.destination
    }

    /// Takes the two connections apart: source, destination.
    #[must_use]
    pub fn into_parts(self) -> (ControlConn, ControlConn) {
        (self.conns.source, self.conns.destination)
    }

    /// Says goodbye to both; a server that does not answer is left all the same.
    pub async fn quit(self) {
        let (source, destination) = self.into_parts();
        for conn in [source, destination] {
            if conn.is_usable() {
                conn.quit().await.ok();
            }
        }
    }

    async fn climb(&mut self, job: Job, before: Before) -> Result<Report, Error> {
        let (source, destination) = (&self.conns.source, &self.conns.destination);
        let (mut rungs, mut refusals) =
            rungs(&self.policy, source.features(), destination.features());
        let standing = self.standing.take();
        if let Some((rung, _)) = &standing {
            rungs.retain(|other| other != rung);
            rungs.insert(0, *rung);
        }
        let mut standing = standing.map(|(_, machine)| machine);
        for rung in rungs {
            let machine = standing
                .take()
                .and_then(|mut machine| machine.next_job(job.clone()).is_ok().then_some(machine));
            let arranged = !machine.as_ref().is_some_and(ThirdParty::is_arranged);
            let mut machine =
                machine.unwrap_or_else(|| ThirdParty::new(self.plan(rung), job.clone()));
            let Ended { outcome, broken } = driver::run(&mut machine, &mut self.conns).await;
            self.note_parameters(matches!(outcome, Outcome::Done(_)));
            match outcome {
                Outcome::Done(done) => {
                    self.standing = Some((rung, machine));
                    return Ok(report(rung, arranged, done.source_bytes, refusals));
                }
                Outcome::Refused(failure) => {
                    let reason = failure.to_string();
                    let refusal = Refusal {
                        arrangement: rung.arrangement,
                        listener: rung.listener,
                        reason,
                    };
                    self.conns
                        .source
                        .environment
                        .observer
                        .note(&refusal.to_string());
                    refusals.push(refusal);
                    self.still_as_before(&job, before).await?;
                }
                failed => {
                    if machine.is_arranged() {
                        // Only the file was missing; the arrangement stands.
                        self.standing = Some((rung, machine));
                    }
                    if let Some(error) = driver::error_of(failed, broken, self.names()) {
                        return Err(error);
                    }
                }
            }
        }
        Err(Error::ThirdPartyRefused {
            servers: self.names(),
            refusals,
        })
    }

    /// A second try must not append to what a first one left (spec A-26).
    async fn still_as_before(&mut self, job: &Job, before: Before) -> Result<(), Error> {
        let (Operation::Append, Some(expected)) = (job.operation, before.length) else {
            return Ok(());
        };
        let destination = &mut self.conns.destination;
        match destination.size(&job.to).await?.unwrap_or(0) {
            found if found == expected => Ok(()),
            found => Err(Error::Verification {
                server: destination.name().to_owned(),
                expected,
                found,
            }),
        }
    }

    fn plan(&self, rung: Rung) -> Plan {
        let BySide {
            source,
            destination,
        } = &self.conns;
        let host = |conn: &ControlConn| {
            conn.server
                .data_host
                .unwrap_or_else(|| conn.peer().ip())
                .to_canonical()
        };
        let listener = self.conns.of(rung.listener);
        Plan {
            arrangement: rung.arrangement,
            listener: rung.listener,
            hosts: BySide {
                source: host(source),
                destination: host(destination),
            },
            trust_passive_address: BySide {
                source: source.server.trust_pasv_address,
                destination: destination.server.trust_pasv_address,
            },
            pin: listener.features().has("SOCK"),
            low_ports: listener.server.low_ports,
            parameters: self.policy.parameters,
        }
    }

    /// The machine set TYPE at both, or began to, without the connections' knowledge.
    fn note_parameters(&mut self, done: bool) {
        for side in Side::BOTH {
            self.conns.of_mut(side).representation =
                done.then_some(self.policy.parameters.representation);
        }
    }

    fn names(&self) -> [String; 2] {
        [
            self.conns.source.name().to_owned(),
            self.conns.destination.name().to_owned(),
        ]
    }

    fn data_bytes(&self) -> u64 {
        self.conns
            .source
            .data_bytes()
            .saturating_add(self.conns.destination.data_bytes())
    }
}

fn report(rung: Rung, arranged: bool, bytes: Option<u64>, refusals: Vec<Refusal>) -> Report {
    Report {
        bytes,
        elapsed: std::time::Duration::ZERO,
        arrangement: rung.arrangement,
        listener: rung.listener,
        arranged,
        verified: false,
        data_bytes_here: 0,
        refusals,
    }
}
