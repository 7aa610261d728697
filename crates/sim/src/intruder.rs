//! The intruder: calls every port that listens, says what it likes, and takes what it is given.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thirdhost_sockets::{Connection, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::net::{HostNetwork, Net};
use crate::site::CONTROL_PORT;
use crate::trace::Trace;

/// Somebody whom nobody has named.
#[derive(Debug)]
pub(crate) struct Intruder {
    pub(crate) network: HostNetwork,
    pub(crate) net: Net,
    pub(crate) targets: [std::net::IpAddr; 2],
    pub(crate) chance: Chance,
    pub(crate) trace: Trace,
}

impl Intruder {
    /// Comes again and again, until dropped.
    pub(crate) async fn run(self) {
        let visits = 1 + self.chance.below(12);
        let haste = self.chance.pick(&HASTE).copied().unwrap_or(1);
        for _ in 0..visits {
            sleep(Duration::from_millis(self.chance.below(haste))).await;
            if let Some(target) = self.target() {
                // Being turned away is all that is to be expected.
                drop(timeout(STAY, self.visit(target)).await);
            }
        }
    }

    fn target(&self) -> Option<SocketAddr> {
        let listening = self.targets.map(|host| self.net.listening_at(host));
        let listening: Vec<SocketAddr> = listening.concat();
        let (control, data): (Vec<_>, Vec<_>) = listening
            .into_iter()
            .partition(|at| at.port() == CONTROL_PORT);
        let which = if self.chance.once_in(4) || data.is_empty() {
            control
        } else {
            data
        };
        self.chance.pick(&which).copied()
    }

    async fn visit(&self, target: SocketAddr) -> io::Result<()> {
        let mut connection = self.network.call(None, target).await?;
        self.trace.note(format_args!("intruder at {target}"));
        if self.chance.once_in(3) {
            sleep(Duration::from_millis(self.chance.below(2_000))).await;
        }
        for _ in 0..self.chance.below(6) {
            let garbage = self.garbage(target.port() == CONTROL_PORT);
            connection.write_all(&garbage).await?;
            if self.chance.once_in(2) {
                self.listen(&mut connection).await?;
            }
        }
        self.listen(&mut connection).await?;
        if self.chance.once_in(3) {
            connection.reset();
        }
        Ok(())
    }

    /// Hears what comes within a moment.
    async fn listen(&self, connection: &mut Box<dyn Connection>) -> io::Result<()> {
        let mut heard = [0; 256];
        let wait = Duration::from_millis(self.chance.below(300));
        if let Ok(count) = timeout(wait, connection.read(&mut heard)).await {
            let count = count?;
            self.trace.note(format_args!("intruder hears {count}"));
        }
        Ok(())
    }

    fn garbage(&self, is_control: bool) -> Vec<u8> {
        let line = match self.chance.below(12) {
            _ if !is_control => return self.chance.bytes(1 + self.chance.index(300)),
            0 => "USER user",
            1 => "PASS guess",
            2 => "LSTN R",
            3 => "SOCK 10.0.0.2,2121",
            4 => "PORT 10,0,0,2,200,0",
            5 => "RETR file",
            6 => "STOR file",
            7 => "GET / HTTP/1.1",
            8 => "ABOR",
            9 => "QUIT",
            10 => "NOOP",
            _ => return self.chance.bytes(1 + self.chance.index(700)),
        };
        format!("{line}\r\n").into_bytes()
    }
}

/// How long a visit lasts at most.
const STAY: Duration = Duration::from_secs(90);

/// The longest pause between two visits, in milliseconds.
const HASTE: [u64; 4] = [2, 50, 1_000, 20_000];
