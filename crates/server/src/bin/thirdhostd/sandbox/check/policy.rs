//! Calls that policy forbids, made as a session would make them.
//!
//! To the kernel one TCP connection is as good as another: Landlock could tell ports apart, not
//! hosts, and users get other ports with every SIGHUP. So what refuses is the policy of the
//! process, and what is tried is its real way to a connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use thirdhost_server::accounts::ThirdPartyGrant;
use thirdhost_server::config::Config;
use thirdhost_server::policy::ThirdPartyPolicy;
use thirdhost_sockets::{Allocator, OpenError, PortPool, World};
use thirdhost_wire::{Direction, HostSocket};

use super::Report;

/// Two sockets that wait for calls which must not come, and whose policies are tried.
#[derive(Debug)]
pub(super) struct Lines {
    /// Where a third host would listen.
    third: TcpListener,
    /// Where the server would listen for users.
    own: TcpListener,
    pool: PortPool,
    users: Vec<(String, Option<ThirdPartyGrant>)>,
}

impl Lines {
    /// Begins to wait.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let listen = || -> io::Result<TcpListener> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let granted = config.roll.users.iter().filter_map(|user| {
            let account = &user.account;
            let grant = account.third_party.clone()?;
            Some((account.name.clone(), Some(grant)))
        });
        let nobody = ("a user without a grant".to_owned(), None);
        Ok(Self {
            third: listen()?,
            own: listen()?,
            pool: PortPool::new(config.data_sockets.ports.clone()),
            users: [nobody].into_iter().chain(granted).collect(),
        })
    }

    /// Makes every call that nobody may make, for every user, and one that is allowed.
    ///
    /// # Errors
    /// When no call can be made at all.
    pub(super) fn check(&self, report: &mut Report) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (third, own) = (self.third.local_addr()?, self.own.local_addr()?);
        let world = World::real();
        for (user, grant) in &self.users {
            let policy = ThirdPartyPolicy::new(CONTROL_PEER, [], grant.clone())
                .listening_on(vec![own])
                .knowing_own(Arc::clone(&world.network));
            for (what, target) in forbidden(grant.as_ref(), third, own) {
                let called = runtime.block_on(self.call(&world, target, &policy));
                let verdict = match &called {
                    Err(OpenError::Denied(_)) => Ok(()),
                    Ok(()) => Err("connected".to_owned()),
                    Err(_) => Err("refused, but not by policy".to_owned()),
                };
                let what = format!("call {what} ({target}) for {user}");
                report.line(&what, told(&called), verdict);
            }
        }
        let reached = heard(&self.third) + heard(&self.own);
        let verdict = (reached == 0)
            .then_some(())
            .ok_or("somebody called".to_owned());
        report.line(
            "reach anybody by these calls",
            format!("{reached} callers seen"),
            verdict,
        );
        // The same call to the same socket, by a user who is at that host: it has to get there.
        let allowed = ThirdPartyPolicy::new(third.ip(), [], None);
        let called = runtime.block_on(self.call(&world, third, &allowed));
        let arrived = called.is_ok() && heard(&self.third) == 1;
        let verdict = arrived
            .then_some(())
            .ok_or("the server needs it".to_owned());
        report.line("make a call that policy allows", told(&called), verdict);
        Ok(())
    }

    async fn call(
        &self,
        world: &World,
        target: SocketAddr,
        policy: &ThirdPartyPolicy,
    ) -> Result<(), OpenError> {
        let Some(target) = HostSocket::new(target.ip(), target.port()) else {
            return Ok(());
        };
        let allocator = Allocator::new(world.clone(), self.pool.clone());
        let (local, direction) = (Ipv4Addr::UNSPECIFIED.into(), Direction::Send);
        let call = allocator.call_unreserved(local, target, policy, direction, PATIENCE);
        call.await.map(drop)
    }
}

/// What a user of this grant may not call, whatever it says.
fn forbidden(
    grant: Option<&ThirdPartyGrant>,
    third: SocketAddr,
    own: SocketAddr,
) -> Vec<(&'static str, SocketAddr)> {
    let at = |host: [u8; 4], port| SocketAddr::from((host, port));
    let mut forbidden = vec![
        ("where users are served", own),
        ("no host", at([0, 0, 0, 0], third.port())),
        ("a multicast group", at([224, 0, 0, 1], third.port())),
        ("everybody at once", at([255, 255, 255, 255], third.port())),
    ];
    if grant.is_none_or(|grant| !grant.privileged_ports.contains(&MAIL)) {
        forbidden.push(("a mailer", SocketAddr::new(CONTROL_PEER, MAIL)));
    }
    if grant.is_none() {
        forbidden.extend([
            ("this machine", third),
            ("a cloud's metadata", at([169, 254, 169, 254], third.port())),
            ("a private host", at([10, 0, 0, 1], third.port())),
            ("a third host", at([198, 51, 100, 1], third.port())),
        ]);
    }
    forbidden
}

/// How many have called since last asked.
fn heard(listener: &TcpListener) -> usize {
    std::iter::from_fn(|| listener.accept().ok()).count()
}

fn told(called: &Result<(), OpenError>) -> String {
    match called {
        Ok(()) => "connected".to_owned(),
        Err(error) => crate::chain(error),
    }
}

/// Where the user would be: an address that nobody has (RFC 5737).
const CONTROL_PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

const MAIL: u16 = 25;

/// For a call on this machine.
const PATIENCE: Duration = Duration::from_secs(5);
