//! From a configuration to listening sockets to the library, and the signals in between.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thirdhost_server::Server;
use thirdhost_server::config::Config;
use thirdhost_server::limits::CONTROL_BACKLOG;
use thirdhost_server::store::DiskStore;
use thirdhost_sockets::{Listener, World, adopt_listener};
use tokio::net::TcpListener;

use crate::args::Source;
use crate::service::{self, State};

/// Binds, says where, and hands over to the library until a signal ends it.
pub(crate) fn serve(mut config: Config, source: Source) -> Result<(), Box<dyn Error>> {
    let written = config.clone();
    let handed_over = service::sockets()
        .map_err(|error| format!("the service manager's sockets cannot be used: {error}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let world = World::real();
        let listeners = if handed_over.is_empty() {
            listen(&world, &config.listen, "listen")?
        } else {
            let adopted = handed_over.into_iter().map(adopt_listener);
            adopted.collect::<io::Result<_>>()?
        };
        let implicit = listen(&world, &config.tls.implicit_listen, "tls.implicit_listen")?;
        // What listens, not what was asked for: port 0, or the service manager's sockets.
        let locals = |bound: &[Box<dyn Listener>]| bound.iter().map(|one| one.local()).collect();
        config.listen = locals(&listeners);
        config.tls.implicit_listen = locals(&implicit);
        let root = &config.root;
        let store = DiskStore::open(root, config.uploads, config.durability)
            .map_err(|error| format!("root: {}: {error}", root.display()))?;
        tokio::spawn(sweep(store.clone(), config.partial));
        let metrics_address = config.metrics;
        let xferlog = config.log.xferlog.clone().unwrap_or_default();
        let server = Server::new(config, world, Arc::new(store));
        server
            .open_xferlog()
            .map_err(|error| format!("log.xferlog: {}: {error}", xferlog.display()))?;
        outlive_file_size_limit()?;
        // Whoever reads that it listens may send any signal: all are waited for by then.
        tokio::spawn(reload(server.clone(), source, written)?);
        let metrics = match metrics_address {
            Some(address) => Some(bind_metrics(address).await?),
            None => None,
        };
        let shutdown = shutdown()?;
        for listener in listeners.iter().chain(&implicit) {
            // Whoever does not read this does not need it.
            writeln!(io::stdout(), "listening on {}", listener.local()).ok();
        }
        if let Some(listener) = metrics {
            writeln!(io::stdout(), "metrics on {}", listener.local_addr()?).ok();
            tokio::spawn(server.clone().serve_metrics(listener));
        }
        service::tell(State::Ready);
        Ok(server
            .serve_with_implicit(listeners, implicit, shutdown)
            .await?)
    })
}

fn listen(
    world: &World,
    addresses: &[SocketAddr],
    key: &str,
) -> Result<Vec<Box<dyn Listener>>, String> {
    let listen = |address: &SocketAddr| {
        let bound = world.network.listen(*address, CONTROL_BACKLOG);
        bound.map_err(|error| not_bound(key, *address, &error))
    };
    addresses.iter().map(listen).collect()
}

/// What the system says, and what to do about it.
fn not_bound(key: &str, address: SocketAddr, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there; choose another port, or end it",
        io::ErrorKind::AddrNotAvailable => "it is no address of this host; see `ip address`",
        io::ErrorKind::PermissionDenied => {
            "a port below 1024 takes root, CAP_NET_BIND_SERVICE or a socket of the service manager"
        }
        _ => return format!("{key}: {address}: {error}"),
    };
    format!("{key}: {address}: {error}; {remedy}")
}

async fn bind_metrics(address: SocketAddr) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| not_bound("metrics.listen", address, &error))
}

/// Removes what interrupted transfers left, once it is older than `partial` (design D10).
async fn sweep(store: DiskStore, partial: Duration) {
    let mut hourly = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        hourly.tick().await;
        match store.sweep(partial).await {
            Ok(swept) => tracing::debug!(?swept, "leftovers of interrupted transfers swept"),
            Err(error) => tracing::warn!(%error, "the sweep for leftovers failed"),
        }
    }
}

/// Completes at SIGTERM or SIGINT.
#[cfg(unix)]
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
        }
        service::tell(State::Stopping);
    })
}

/// Makes a file that grows beyond the system's limit (`ulimit -f`) an error of that one upload:
/// by default SIGXFSZ ends the process.
#[cfg(unix)]
fn outlive_file_size_limit() -> io::Result<()> {
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};
    // Once listened to, the signal never gets its default action back.
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

#[cfg(not(unix))]
fn outlive_file_size_limit() -> io::Result<()> {
    Ok(())
}

/// Completes at Ctrl-C.
#[cfg(not(unix))]
fn shutdown() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Reads the configuration anew at every SIGHUP, from when this returns, and says what of it
/// waits for a restart; `written` is the one that was read at the start. A file with an error
/// changes nothing; without a file there is nothing to read.
#[cfg(unix)]
fn reload(server: Server, source: Source, written: Config) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            service::tell(State::Reloading);
            if let Err(error) = server.open_xferlog() {
                tracing::error!(%error, "SIGHUP: the xferlog is not opened again");
            }
            let read = source
                .config
                .is_some()
                .then(|| super::resolve(source.clone()));
            match read {
                None => tracing::info!("SIGHUP: there is no configuration file to read"),
                Some(Ok(config)) => {
                    for key in written.needs_restart(&config) {
                        tracing::warn!(key, "SIGHUP: this key takes effect after a restart");
                    }
                    server.replace_config(config);
                    tracing::info!("SIGHUP: users reloaded, the certificate, policy and limits");
                }
                Some(Err(error)) => {
                    let error = super::chain(error.as_ref());
                    tracing::error!(error, "SIGHUP: not reloaded, all stays as it was");
                }
            }
            service::tell(State::Ready);
        }
    })
}

#[cfg(not(unix))]
fn reload(_: Server, _: Source, _: Config) -> io::Result<impl Future<Output = ()>> {
    Ok(async {})
}

/// How often leftovers are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);
