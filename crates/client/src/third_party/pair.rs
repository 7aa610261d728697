//! Two servers, their control connections, and the arrangement that stands between them.

use std::net::IpAddr;

use thirdhost_proto::third_party::{
    BySide, ClientBy, Job, Operation, Outcome, Parameters, Plan, Side, ThirdParty,
};
use thirdhost_wire::Pathname;

use super::driver::{self, Ended};
use super::ladder::Rung;
use super::relay;
use super::secrecy::{self, Part};
use super::verify::{self, Before};
use super::{Known, Policy, Protected, Refusal, Relay, Report, Via};
use crate::{ControlConn, Error};

/// Two logged-in control connections, between whose servers files are copied.
#[derive(Debug)]
pub struct Pair {
    pub(super) conns: BySide<ControlConn>,
    pub(super) policy: Policy,
    /// The rung that worked and its machine, for the next file.
    pub(super) standing: Option<(Rung, ThirdParty)>,
    /// No rung worked for the last file: the next goes through this host at once.
    pub(super) relaying: bool,
    /// Whether others copy between the same two servers meanwhile.
    pub(super) is_one_of_several: bool,
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
            relaying: false,
            is_one_of_several: false,
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
        self.perform(Job {
            operation,
            from: from.clone(),
            to: to.clone(),
            offset: 0,
            range: None,
        })
        .await
    }

    /// Copies what lies behind the first `offset` octets, which the destination has.
    ///
    /// # Errors
    /// As [`Pair::transfer`]; also when a server does not go on in the middle (REST).
    ///
    /// # Cancel safety
    /// As [`Pair::transfer`].
    pub async fn resume(
        &mut self,
        from: &Pathname,
        to: &Pathname,
        offset: u64,
    ) -> Result<Report, Error> {
        self.perform(Job {
            operation: Operation::Copy,
            from: from.clone(),
            to: to.clone(),
            offset,
            range: None,
        })
        .await
    }

    /// The connection to the source.
    pub fn source(&mut self) -> &mut ControlConn {
        &mut self.conns.source
    }

    /// The connection to the destination.
    pub fn destination(&mut self) -> &mut ControlConn {
        &mut self.conns.destination
    }

    /// Both connections: source, destination.
    pub(crate) fn both(&mut self) -> (&mut ControlConn, &mut ControlConn) {
        (&mut self.conns.source, &mut self.conns.destination)
    }

    /// Takes the two connections apart: source, destination.
    #[must_use]
    pub fn into_parts(self) -> (ControlConn, ControlConn) {
        (self.conns.source, self.conns.destination)
    }

    /// Says goodbye to both; a server that does not answer is left all the same.
    pub async fn quit(self) {
        let (source, destination) = self.into_parts();
        let quit = |conn: ControlConn| async move {
            if conn.is_usable() {
                conn.quit().await.ok();
            }
        };
        tokio::join!(Box::pin(quit(source)), Box::pin(quit(destination)));
    }

    async fn perform(&mut self, job: Job) -> Result<Report, Error> {
        let clock = self.conns.source.environment.world.clock.clone();
        let began = clock.now();
        let data_before = self.data_bytes();
        let (operation, offset) = (job.operation, job.offset);
        let (from, to) = (job.from.clone(), job.to.clone());
        let before =
            verify::before(&mut self.conns.destination, operation, &to, &self.policy).await?;
        let mut report = self.climb(job, before).await?;
        let length = report.bytes;
        report.offset = offset;
        report.bytes = length.map(|length| length.saturating_sub(offset));
        let destination = &mut self.conns.destination;
        report.verified =
            verify::after(destination, operation, &to, &self.policy, length, before).await?;
        if operation == Operation::Copy {
            report.hash = verify::hash(&mut self.conns, &from, &to, &self.policy).await?;
        }
        report.elapsed = clock.now().saturating_sub(began);
        report.data_bytes_here = match report.arrangement {
            // Each byte came in and went out.
            None => report.bytes.unwrap_or(0),
            Some(_) => self.data_bytes().saturating_sub(data_before),
        };
        Ok(report)
    }

    /// The bytes of the report are the length of the file, whatever part of it moved.
    pub(super) async fn climb(&mut self, job: Job, before: Before) -> Result<Report, Error> {
        if self.relaying || self.policy.via == Via::Relay || self.only_relay_worked() {
            return self.relay(&job, Vec::new()).await;
        }
        let standing = self.standing.take();
        let (rungs, mut refusals) = self.rungs(standing.as_ref().map(|(rung, _)| *rung));
        let mut standing = standing.map(|(_, machine)| machine);
        for rung in rungs {
            let machine = standing
                .take()
                .and_then(|mut machine| machine.next_job(job.clone()).is_ok().then_some(machine));
            let arranged = !machine.as_ref().is_some_and(ThirdParty::is_arranged);
            let mut machine =
                machine.unwrap_or_else(|| ThirdParty::new(self.plan(rung), job.clone()));
            self.warn(rung);
            let Ended { outcome, broken } = driver::run(&mut machine, &mut self.conns).await;
            self.note_parameters(matches!(outcome, Outcome::Done(_)));
            self.note_part(rung);
            match outcome {
                Outcome::Done(done) => {
                    self.standing = Some((rung, machine));
                    return Ok(report(Some(rung), arranged, done.source_bytes, refusals));
                }
                Outcome::Refused(failure) => {
                    let refusal = Refusal {
                        arrangement: rung.arrangement,
                        listener: rung.listener,
                        reason: failure.to_string(),
                        code: failure.cause.reply().map(|reply| reply.code().number()),
                    };
                    self.note(&refusal.to_string());
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
        if self.conns.source.environment.interrupt.is_tripped() {
            return Err(self.conns.source.stop_wanted());
        }
        let relay = match (self.policy.via, self.policy.relay) {
            (Via::Auto, Relay::Last) if self.policy.parameters == Parameters::default() => {
                return self.relay(&job, refusals).await;
            }
            (Via::Auto, Relay::Last) => "a relay needs TYPE I, STRU F and MODE S",
            (Via::Auto, Relay::Never) => "a relay through this host is forbidden (--no-relay)",
            _ => "no other way was to be tried (--via auto tries all)",
        };
        Err(Error::ThirdPartyRefused {
            servers: self.names(),
            refusals,
            relay,
        })
    }

    /// Says it loudly where TLS does not check whom it protects from.
    pub(super) fn warn(&self, rung: Rung) {
        if rung.part.is_some_and(|part| !part.mutual) {
            let [source, destination] = self.names();
            self.conns.source.environment.observer.warning(&format!(
                "{source} and {destination} speak TLS without checking each other's certificate \
                 (--unverified-peers): somebody in between could read or change the files"
            ));
        }
    }

    /// Before, and it may be used now.
    pub(super) fn only_relay_worked(&self) -> bool {
        let policy = &self.policy;
        let may = policy.via == Via::Auto
            && policy.relay == Relay::Last
            && policy.parameters == Parameters::default();
        let is_known = may && policy.known == Some(Known::Relay);
        if is_known {
            self.note("no direct way was found before; --no-cache tries all again");
        }
        is_known
    }

    pub(super) fn note(&self, note: &str) {
        self.conns.source.environment.observer.note(note);
    }

    /// The last rung: every byte comes here and goes on.
    async fn relay(&mut self, job: &Job, refusals: Vec<Refusal>) -> Result<Report, Error> {
        if !self.relaying {
            self.note("the bytes go through this host (relay)");
        }
        let bytes = Box::pin(relay::run(&mut self.conns, job)).await?;
        self.relaying = true;
        let length = job.offset.saturating_add(bytes);
        Ok(report(None, true, Some(length), refusals))
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

    pub(super) fn plan(&self, rung: Rung) -> Plan {
        let BySide {
            source,
            destination,
        } = &self.conns;
        let listener = self.conns.of(rung.listener);
        Plan {
            arrangement: rung.arrangement,
            listener: rung.listener,
            hosts: BySide {
                source: data_host(source),
                destination: data_host(destination),
            },
            trust_passive_address: BySide {
                source: source.server.trust_pasv_address,
                destination: destination.server.trust_pasv_address,
            },
            pin: listener.features().has("SOCK"),
            low_ports: listener.server.low_ports,
            store_first: destination.product().is_deaf_before_store(),
            parameters: self.policy.parameters,
            protection: secrecy::protection(rung, &self.conns),
        }
    }

    /// SSCN stays as the machine has left it.
    pub(super) fn note_part(&mut self, rung: Rung) {
        if let Some(Part {
            client,
            by: ClientBy::Sscn,
            ..
        }) = rung.part
        {
            self.conns.of_mut(client).is_tls_client = true;
        }
    }

    /// The machine set TYPE at both, or began to, without the connections' knowledge.
    pub(super) fn note_parameters(&mut self, done: bool) {
        for side in Side::BOTH {
            self.conns.of_mut(side).representation =
                done.then_some(self.policy.parameters.representation);
        }
    }

    fn names(&self) -> [String; 2] {
        [&self.conns.source, &self.conns.destination].map(|conn| conn.name().to_owned())
    }

    fn data_bytes(&self) -> u64 {
        self.conns
            .source
            .data_bytes()
            .saturating_add(self.conns.destination.data_bytes())
    }
}

/// Where the other server reaches it (spec U-7).
pub(super) fn data_host(conn: &ControlConn) -> IpAddr {
    conn.server
        .data_host
        .unwrap_or_else(|| conn.peer().ip())
        .to_canonical()
}

pub(super) fn report(
    rung: Option<Rung>,
    arranged: bool,
    bytes: Option<u64>,
    refusals: Vec<Refusal>,
) -> Report {
    Report {
        bytes,
        offset: 0,
        elapsed: std::time::Duration::ZERO,
        arrangement: rung.map(|rung| rung.arrangement),
        listener: rung.map(|rung| rung.listener),
        protection: match rung.and_then(|rung| rung.part) {
            None => Protected::No,
            Some(Part { mutual: false, .. }) => Protected::Unchecked,
            Some(Part { mutual: true, .. }) => Protected::Mutually,
        },
        arranged,
        verified: false,
        hash: None,
        data_bytes_here: 0,
        refusals,
    }
}
