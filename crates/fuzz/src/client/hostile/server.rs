//! Two servers that serve well, but for their deviations.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thirdhost_sockets::{Connection, Listener, Network as _};
use thirdhost_wire::{Command, EprtArgument, SockHost};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, WriteHalf,
};
use tokio::time::{sleep, timeout};

use super::SITES;
use super::deviation::{Deviation, Deviations};
use super::files::Files;
use crate::net::Net;

/// Both servers, seen from outside.
#[derive(Debug)]
pub(super) struct Model {
    source: Files,
    destination: Files,
    deviations: Deviations,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Model {
    pub(super) fn pair(net: &Net, features: [&'static str; 2], deviations: Deviations) -> Self {
        let model = Self {
            source: Files::of_source(),
            destination: Files::default(),
            deviations,
            lines: Arc::default(),
        };
        let both = [model.source.clone(), model.destination.clone()];
        for (at, (files, features)) in both.into_iter().zip(features).enumerate() {
            let Some(&host) = SITES.get(at) else { continue };
            let net = net.seen_from(host);
            let listener = net.listen(SocketAddr::new(host, 21), 1);
            let server = Server {
                net,
                host: SocketAddr::new(host, 0),
                is_source: at == 0,
                files,
                features,
                deviations: model.deviations.clone(),
                lines: Arc::clone(&model.lines),
            };
            tokio::spawn(server.serve(listener.expect("nobody else listens there")));
        }
        model
    }

    pub(super) fn destination_deviates(&self) -> bool {
        self.deviations.at_destination
    }

    pub(super) fn lies_in_data(&self) -> bool {
        self.deviations.in_data
    }

    pub(super) fn source_file(&self, name: &str) -> Option<Vec<u8>> {
        self.source.file(name)
    }

    pub(super) fn destination_file(&self, name: &str) -> Option<Vec<u8>> {
        self.destination.file(name)
    }

    /// No server was told of an address that is neither's (spec S-20).
    pub(super) fn assert_told_nothing_of_others(&self) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.iter() {
            assert!(
                !line.contains("8,8,8,8") && !line.contains("8.8.8.8"),
                "{line}"
            );
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

#[derive(Clone, Debug)]
struct Server {
    net: Net,
    /// Its address, with port 0.
    host: SocketAddr,
    is_source: bool,
    files: Files,
    features: &'static str,
    deviations: Deviations,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn serve(self, listener: Box<dyn Listener>) {
        while let Ok(connection) = listener.accept().await {
            tokio::spawn(Session::run(self.clone(), connection));
        }
    }

    fn note(&self, line: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.to_owned());
    }
}

/// One control connection.
struct Session {
    server: Server,
    writer: WriteHalf<Box<dyn Connection>>,
    route: Route,
    rest: usize,
    renaming: String,
    is_alive: bool,
}

enum Route {
    Nothing,
    Listening(Box<dyn Listener>),
    Calling(SocketAddr),
}

impl Session {
    async fn run(server: Server, connection: Box<dyn Connection>) {
        let (reader, writer) = tokio::io::split(connection);
        let mut session = Self {
            server,
            writer,
            route: Route::Nothing,
            rest: 0,
            renaming: String::new(),
            is_alive: true,
        };
        let mut lines = BufReader::new(reader).lines();
        session.hear("").await;
        while session.is_alive {
            let Ok(Some(line)) = lines.next_line().await else {
                return;
            };
            session.server.note(&line);
            session.hear(&line).await;
        }
    }

    async fn hear(&mut self, line: &str) {
        let verb = line.split(' ').next().unwrap_or_default();
        let deviation = self.server.deviations.take(self.server.is_source, verb);
        match deviation {
            Some(Deviation::Say(words)) => return self.say(&words).await,
            Some(Deviation::Silence) => return,
            Some(Deviation::Close) => return self.is_alive = false,
            Some(Deviation::Babble(words)) if !words.is_empty() => {
                while self.is_alive {
                    self.say(&words).await;
                }
                return;
            }
            Some(Deviation::SayFirst(ref words)) => self.say(words).await,
            Some(Deviation::Delay(time)) => sleep(time).await,
            _ => {}
        }
        let answer = self.answer(verb, line, deviation.as_ref()).await;
        match deviation {
            Some(Deviation::SayAfterwards(words)) => self.say(&words).await,
            _ => self.say(format!("{answer}\r\n").as_bytes()).await,
        }
        self.is_alive &= verb != "QUIT";
    }

    async fn say(&mut self, words: &[u8]) {
        self.is_alive &= self.writer.write_all(words).await.is_ok();
    }

    /// Does what the line says; what is to be said about it in the end.
    async fn answer(&mut self, verb: &str, line: &str, deviation: Option<&Deviation>) -> String {
        let argument = line.split_once(' ').map_or("", |(_, argument)| argument);
        let path = argument.trim_matches('/').to_owned();
        let files = self.server.files.clone();
        let done = |is_done, code: &str| match is_done {
            true => format!("{code} done"),
            false => "550 no".to_owned(),
        };
        match verb {
            "RETR" | "MLSD" | "LIST" | "NLST" | "STOR" | "APPE" => {
                self.transfer(verb, path, deviation).await
            }
            "EPSV" | "PASV" | "LSTN" | "SOCK" | "EPRT" | "PORT" => self.arrange(line),
            "REST" => {
                self.rest = path.parse().unwrap_or(0);
                "350 go on".to_owned()
            }
            "RNFR" => {
                let is_there = files.is_there(&path);
                self.renaming = path;
                done(is_there, "350")
            }
            "RNTO" => done(files.rename(&self.renaming, &path), "250"),
            "DELE" | "RMD" => done(files.remove(&path), "250"),
            "MKD" => done(files.make_directory(&path), "257"),
            "CWD" => done(files.is_there(&path) && files.file(&path).is_none(), "250"),
            "SIZE" => files
                .file(&path)
                .map_or(done(false, ""), |file| format!("213 {}", file.len())),
            "MLST" => files.facts(&path).map_or(done(false, ""), |facts| {
                format!("250-\r\n {facts} {path}\r\n250 End")
            }),
            "MFMT" | "MDTM" => "213 20261123000000".to_owned(),
            "PWD" => "257 \"/\"".to_owned(),
            "USER" => "331 password".to_owned(),
            "PASS" => "230 in".to_owned(),
            "" => "220 ready".to_owned(),
            "FEAT" if !self.server.features.is_empty() => {
                let features = self.server.features.split(',');
                let lines: String = features.map(|line| format!(" {line}\r\n")).collect();
                format!("211-Features:\r\n{lines}211 End")
            }
            "TYPE" | "STRU" | "MODE" | "NOOP" | "OPTS" => "200 ok".to_owned(),
            "ABOR" => "226 nothing runs".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ => "502 no".to_owned(),
        }
    }

    fn arrange(&mut self, line: &str) -> String {
        let target = match Command::parse(line.as_bytes()) {
            Ok(Command::Port(socket) | Command::Eprt(EprtArgument::Socket(socket))) => {
                self.route = Route::Calling(socket.address());
                return "200 ok".to_owned();
            }
            Ok(Command::Sock(argument)) => match argument.host {
                SockHost::Address(host) => Some(SocketAddr::new(host, argument.socket)),
                _ => None,
            },
            Ok(_) => None,
            Err(_) => return "501 what".to_owned(),
        };
        if let (Some(target), Route::Nothing | Route::Calling(_)) = (target, &self.route) {
            self.route = Route::Calling(target);
            return "255 SOCK 51003".to_owned();
        }
        if target.is_none() {
            self.route = Route::Nothing;
            let ports = 40_000..40_100;
            let mut free = ports.filter_map(|port| {
                let mut address = self.server.host;
                address.set_port(port);
                self.server.net.listen(address, 1).ok()
            });
            let Some(listener) = free.next() else {
                return "425 no port".to_owned();
            };
            self.route = Route::Listening(listener);
        }
        let port = match &self.route {
            Route::Listening(listener) => listener.local().port(),
            _ => return "425 no port".to_owned(),
        };
        let host = self.server.host.ip().to_string().replace('.', ",");
        match line.split(' ').next().unwrap_or_default() {
            "EPSV" => format!("229 Entering (|||{port}|)"),
            "PASV" => format!("227 Entering ({host},{},{})", port >> 8, port & 255),
            _ => format!("255 SOCK {port}"),
        }
    }

    async fn transfer(
        &mut self,
        verb: &str,
        path: String,
        deviation: Option<&Deviation>,
    ) -> String {
        let rest = std::mem::take(&mut self.rest);
        let Some(outgoing) = self.outgoing(verb, &path) else {
            return "550 no".to_owned();
        };
        self.say(b"150 here\r\n").await;
        let Some(mut connection) = self.open().await else {
            return "425 nobody".to_owned();
        };
        if let Some(mut octets) = outgoing {
            octets.drain(..rest.min(octets.len()));
            match deviation {
                Some(Deviation::Short(most)) => octets.truncate(*most),
                Some(Deviation::Long) => octets.extend(b"more"),
                _ => {}
            }
            let sent = connection.write_all(&octets).await;
            if matches!(deviation, Some(Deviation::Stall)) {
                sleep(STALL).await;
            }
            return match sent.is_ok() && connection.shutdown().await.is_ok() {
                true => "226 sent".to_owned(),
                false => "426 lost".to_owned(),
            };
        }
        let mut came = Vec::new();
        let read = timeout(PATIENCE, connection.read_to_end(&mut came)).await;
        if matches!(deviation, Some(Deviation::Stall)) {
            sleep(STALL).await;
        }
        if !matches!(read, Ok(Ok(_))) {
            return "426 lost".to_owned();
        }
        if let Some(Deviation::Short(most)) = deviation {
            came.truncate(*most);
        }
        let before = self.server.files.file(&path).unwrap_or_default();
        let kept = if verb == "APPE" {
            before.len()
        } else {
            rest.min(before.len())
        };
        let mut contents: Vec<u8> = before.into_iter().take(kept).collect();
        contents.append(&mut came);
        self.server.files.put(&path, contents);
        "226 stored".to_owned()
    }

    /// What a verb sends; nothing where it receives, and none of that where there is nothing.
    fn outgoing(&self, verb: &str, path: &str) -> Option<Option<Vec<u8>>> {
        let files = &self.server.files;
        if matches!(verb, "STOR" | "APPE") {
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            return files.is_there(directory).then_some(None);
        }
        if verb == "RETR" {
            return files.file(path).map(Some);
        }
        if !files.is_there(path) {
            return None;
        }
        let line = |name: String| {
            let below = match path {
                "" => name.clone(),
                path => format!("{path}/{name}"),
            };
            match verb {
                "MLSD" => format!("{} {name}\r\n", files.facts(&below).unwrap_or_default()),
                _ => format!("{name}\r\n"),
            }
        };
        let text: String = files.names(path).into_iter().map(line).collect();
        Some(Some(text.into_bytes()))
    }

    async fn open(&mut self) -> Option<Box<dyn Connection>> {
        match &self.route {
            Route::Nothing => None,
            Route::Listening(listener) => timeout(PATIENCE, listener.accept()).await.ok()?.ok(),
            Route::Calling(target) => {
                for _ in 0..PATIENCE.as_secs() {
                    if let Ok(wire) = self.server.net.connect(Some(self.server.host), *target) {
                        return Some(Box::new(wire));
                    }
                    sleep(Duration::from_secs(1)).await;
                }
                None
            }
        }
    }
}

/// How long a server waits for its data connection, and for what comes over it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than any limit of the client but that on a whole file.
const STALL: Duration = Duration::from_secs(3_600);
