//! A stage: two sites, and a user who logs in to both.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use thirdhost_client::{
    Certified, ControlConn, Credentials, Environment, Error, Operation, Pair, Pathname, Policy,
    Report, Security, Server,
};
use thirdhost_sockets::World;

use crate::check::{self, Mismatch};
use crate::{Evidence, Failed, PASSWORD, Setting, Site, SiteBuilder, Tap, Transcript, USER};

/// Two running sites and a user's environment, all watched.
#[derive(Debug)]
pub struct Stage {
    /// SITE1: where files come from.
    pub source: Site,
    /// SITE2: where files go to.
    pub destination: Site,
    /// Both dialogues.
    pub transcript: Arc<Transcript>,
    /// What has been shown so far.
    pub evidence: Evidence,
    environment: Environment,
    user: Tap,
}

impl Stage {
    /// Two sites without anything special.
    ///
    /// # Errors
    /// When a site cannot start.
    pub fn open(setting: &Setting) -> io::Result<Self> {
        Self::with(setting, setting.site1(), setting.site2())
    }

    /// Two sites as they were built.
    ///
    /// # Errors
    /// When a site cannot start.
    pub fn with(
        setting: &Setting,
        source: SiteBuilder,
        destination: SiteBuilder,
    ) -> io::Result<Self> {
        let world = &setting.world;
        let user = Tap::on(Arc::clone(&world.network)).from_home(setting.hosts.user);
        let world = World {
            network: Arc::new(user.clone()),
            ..world.clone()
        };
        let transcript = Arc::clone(&setting.transcript);
        Ok(Self {
            source: source.start()?,
            destination: destination.start()?,
            environment: Environment::new(world).with_observer(transcript.clone()),
            transcript,
            evidence: Evidence::default(),
            user,
        })
    }

    /// Logs in to both sites: source, destination.
    ///
    /// # Errors
    /// When a site does not let the user in.
    pub async fn log_in(&self) -> Result<(ControlConn, ControlConn), Error> {
        let credentials = Credentials::new(USER, PASSWORD)?;
        let [mut source, mut destination] = [
            self.connect(&self.source).await?,
            self.connect(&self.destination).await?,
        ];
        source.login(&credentials).await?;
        destination.login(&credentials).await?;
        Ok((source, destination))
    }

    /// Logs in to both sites and brings them together.
    ///
    /// # Errors
    /// When a site does not let the user in.
    pub async fn pair(&self, policy: Policy) -> Result<Pair, Error> {
        let (source, destination) = self.log_in().await?;
        Ok(Pair::new(source, destination, policy))
    }

    /// Moves a file and adds what it took to the evidence.
    ///
    /// # Errors
    /// When a server or the way between them fails.
    pub async fn transfer(
        &mut self,
        pair: &mut Pair,
        operation: Operation,
        from: &str,
        to: &str,
    ) -> Result<Report, Failed> {
        let (from_name, to_name) = (path(from)?, path(to)?);
        let report = pair.transfer(operation, &from_name, &to_name).await?;
        let sent = self.source.path(from).metadata()?.len();
        check::equal("bytes the client reports", sent, report.bytes.unwrap_or(0))?;
        self.evidence.bytes += sent;
        self.evidence.elapsed += report.elapsed;
        Ok(report)
    }

    /// A transfer that has to fail, and how it did.
    ///
    /// # Errors
    /// When it succeeds.
    pub async fn failing_transfer(
        &mut self,
        pair: &mut Pair,
        operation: Operation,
        from: &str,
        to: &str,
    ) -> Result<Error, Failed> {
        let (from, to) = (path(from)?, path(to)?);
        match pair.transfer(operation, &from, &to).await {
            Err(error) => Ok(error),
            Ok(_) => Err(Mismatch::new("the transfer", "to fail", "it succeeded").into()),
        }
    }

    /// Checks what must be true after every case, and stops both sites. The control connections
    /// have to be closed by now.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub async fn close(mut self) -> Result<Evidence, Failed> {
        let entries = self.transcript.entries();
        for site in [&self.source, &self.destination] {
            if site.is_running() {
                check::one_final_reply_each(&entries, site.name())?;
            }
            check::all_released(site).await?;
        }
        let sites = [&self.source, &self.destination];
        let flows = self.user.flows();
        check::nothing_via_user(&flows, sites)?;
        self.evidence.via_user = check::via_user(&flows, sites);
        self.data_went_directly()?;
        self.source.stop().await?;
        self.destination.stop().await?;
        Ok(self.evidence)
    }

    /// Every data connection that carried something was between the two sites.
    fn data_went_directly(&self) -> Result<(), Mismatch> {
        let ends = [
            (&self.source, &self.destination),
            (&self.destination, &self.source),
        ];
        for (site, other) in ends {
            for flow in site.data_flows() {
                let what = format!("the far end of a data connection of {}", site.name());
                check::equal::<IpAddr>(&what, other.address().ip(), flow.peer.ip())?;
            }
        }
        Ok(())
    }

    async fn connect(&self, site: &Site) -> Result<ControlConn, Error> {
        let mut server = Server::at(site.address()).named(site.name());
        if let Some(fingerprint) = site.fingerprint() {
            server.security = Security::Explicit;
            server.certified = Certified::Pinned(fingerprint);
        }
        ControlConn::connect(&self.environment, server).await
    }
}

/// A name on the wire.
///
/// # Errors
/// When it holds CR, LF or NUL.
pub(crate) fn path(name: &str) -> Result<Pathname, Error> {
    Ok(Pathname::try_from(name)?)
}
