//! A server with files, in memory: enough of one for copying trees from, to and between.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::Notify;

use crate::fake::{Answer, Data, FakeNet, Later, say};

/// Files by path, with their contents and times; a directory has none.
pub(crate) type Files = BTreeMap<String, Option<(Vec<u8>, u64)>>;

/// What two servers exchange directly: RETR puts it here, STOR takes it.
#[derive(Default)]
pub(crate) struct Between {
    bytes: Mutex<VecDeque<Vec<u8>>>,
    sent: Notify,
}

type Odd = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct FakeSite {
    pub(crate) files: Arc<Mutex<Files>>,
    between: Arc<Between>,
    features: &'static str,
    /// The data connection that was called and not used yet.
    stream: Arc<Mutex<Option<DuplexStream>>>,
    state: Arc<Mutex<State>>,
    odd: Odd,
}

#[derive(Default)]
struct State {
    /// Not in listings.
    hidden: Option<String>,
    /// What every STOR leaves that comes to nothing.
    begins: Option<Vec<u8>>,
    is_block: bool,
    rest: usize,
    renaming: Option<String>,
}

impl FakeSite {
    /// Puts a server into the network; `odd` answers first where it has an answer.
    pub(crate) fn start(
        net: &FakeNet,
        address: &str,
        features: &'static str,
        between: &Arc<Between>,
        odd: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let site = Self {
            files: Arc::default(),
            between: between.clone(),
            features,
            stream: Arc::default(),
            state: Arc::default(),
            odd: Arc::new(odd),
        };
        let mut address: SocketAddr = address.parse().unwrap();
        let here = site.clone();
        net.control(&address.to_string(), move |line| here.answer(line));
        address.set_port(DATA_PORT);
        let stream = site.stream.clone();
        let accept = Arc::new(move |far| *stream.lock().unwrap() = Some(far));
        net.data(&address.to_string(), Data::Accept(accept));
        site
    }

    /// Adds a file, and the directories above it.
    pub(crate) fn with(self, path: &str, contents: &[u8], time: u64) -> Self {
        let mut files = self.files.lock().unwrap();
        for (at, _) in path.match_indices('/') {
            files.insert(path[..at].to_owned(), None);
        }
        files.insert(path.to_owned(), Some((contents.to_vec(), time)));
        drop(files);
        self
    }

    pub(crate) fn with_directory(self, path: &str) -> Self {
        self.files.lock().unwrap().insert(path.to_owned(), None);
        self
    }

    /// Leaves a path out of listings, though it is there.
    pub(crate) fn hide(&self, path: &str) {
        self.state.lock().unwrap().hidden = Some(path.to_owned());
    }

    /// As a server that opens the file before its data connection stands: this much of each file
    /// is there from then on.
    pub(crate) fn begins_with(&self, contents: &[u8]) {
        self.state.lock().unwrap().begins = Some(contents.to_vec());
    }

    /// Every path; a directory ends in `/`.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.files.lock().unwrap();
        let name = |(path, file): (&String, &Option<_>)| match file {
            Some(_) => path.clone(),
            None => format!("{path}/"),
        };
        files.iter().map(name).collect()
    }

    pub(crate) fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let files = self.files.lock().unwrap();
        files
            .get(path)
            .and_then(|file| file.as_ref().map(|(contents, _)| contents.clone()))
    }

    fn answer(&self, line: &str) -> Answer {
        if let Some(path) = line.strip_prefix("STOR ") {
            let begins = self.state.lock().unwrap().begins.clone();
            if let Some(contents) = begins {
                let mut files = self.files.lock().unwrap();
                files
                    .entry(path.to_owned())
                    .or_insert(Some((contents, RECEIVED_AT)));
            }
        }
        if let Some(answer) = (self.odd)(line) {
            return answer;
        }
        let (verb, path) = line.split_once(' ').unwrap_or((line, ""));
        let mut state = self.state.lock().unwrap();
        match verb {
            "MODE" => {
                state.is_block = path == "B";
                say("200 as you like")
            }
            // Blocks are beyond it: it knows them in name alone.
            "EPSV" if state.is_block => say("425 no data connection of that kind"),
            "EPSV" => say("229 Entering (|||40000|)"),
            "LSTN" | "SOCK" | "EPRT" => match line.split(',').nth(1) {
                Some("40002") => say("255 SOCK 51003"),
                _ => say("255 SOCK 40002"),
            },
            "REST" => {
                state.rest = path.parse().unwrap();
                say("350 go on")
            }
            "RETR" => {
                let rest = std::mem::take(&mut state.rest);
                match self.contents(path) {
                    Some(file) => self.send(file[rest.min(file.len())..].to_vec()),
                    None => say("550 no such file"),
                }
            }
            "STOR" | "APPE" => {
                let rest = std::mem::take(&mut state.rest);
                self.receive(path, rest)
            }
            "MLSD" => self.list(path, state.hidden.as_deref()),
            "LIST" => self.list_lines(path),
            "RNFR" if self.contents(path).is_none() => say("550 not there"),
            "RNFR" => {
                state.renaming = Some(path.to_owned());
                say("350 to what")
            }
            "RNTO" => {
                let mut files = self.files.lock().unwrap();
                match state.renaming.take().and_then(|from| files.remove(&from)) {
                    Some(file) => {
                        files.insert(path.to_owned(), file);
                        say("250 renamed")
                    }
                    None => say("503 from what"),
                }
            }
            _ => self.about(verb, path, line),
        }
    }

    fn about(&self, verb: &str, path: &str, line: &str) -> Answer {
        let mut files = self.files.lock().unwrap();
        let found = files.get(path).cloned();
        match (verb, found) {
            ("SIZE", Some(Some((contents, _)))) => say(&format!("213 {}", contents.len())),
            ("MDTM", Some(Some((_, time)))) => say(&format!("213 {time}")),
            ("SIZE" | "MDTM" | "MLST" | "HASH" | "DELE" | "RMD", None) => say("550 not there"),
            ("MLST", Some(file)) => {
                Answer::Say(format!("250-\r\n {} {path}\r\n250 End\r\n", facts(&file)))
            }
            ("HASH", Some(Some((contents, _)))) => {
                let hash = sha2::Sha256::digest(&contents);
                let hash: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
                say(&format!("213 SHA-256 0-{} {hash} {path}", contents.len()))
            }
            ("MKD", None) => {
                files.insert(path.to_owned(), None);
                say("257 made")
            }
            ("MKD", Some(_)) => say("550 it is there"),
            ("DELE", Some(Some(_))) | ("RMD", Some(None)) => {
                files.remove(path);
                say("250 gone")
            }
            ("MFMT", _) => {
                let (time, name) = path.split_once(' ').unwrap();
                if let Some(Some((_, modified))) = files.get_mut(name) {
                    *modified = time.parse().unwrap();
                }
                say(&format!("213 Modify={time}; {name}"))
            }
            ("ABOR", _) => {
                // What a data connection still held is lost with it.
                self.between.bytes.lock().unwrap().clear();
                say("225 nothing to abort")
            }
            _ => super::tests::polite(line, self.features),
        }
    }

    fn send(&self, bytes: Vec<u8>) -> Answer {
        // Nobody called from here: the other server did, or will.
        let Some(mut stream) = self.stream.lock().unwrap().take() else {
            let mut waiting = self.between.bytes.lock().unwrap();
            if !self.features.contains("PIPELINE") {
                waiting.clear();
            }
            waiting.push_back(bytes);
            drop(waiting);
            self.between.sent.notify_one();
            return Answer::Say("150 here\r\n226 done\r\n".to_owned());
        };
        later("150 here\r\n", async move {
            match stream.write_all(&bytes).await {
                Ok(()) => "226 done\r\n".to_owned(),
                Err(_) => "426 you left\r\n".to_owned(),
            }
        })
    }

    fn receive(&self, path: &str, rest: usize) -> Answer {
        let (here, path) = (self.clone(), path.to_owned());
        let keep = move |bytes: Vec<u8>| {
            let mut files = here.files.lock().unwrap();
            let file = files.entry(path.clone()).or_default();
            let mut contents = file.take().unwrap_or_default().0;
            contents.resize(rest, b'?');
            contents.extend(bytes);
            *file = Some((contents, RECEIVED_AT));
        };
        let Some(mut stream) = self.stream.lock().unwrap().take() else {
            let between = self.between.clone();
            return later("150 here\r\n", async move {
                let patience = std::time::Duration::from_secs(1);
                let sent = || between.bytes.lock().unwrap().pop_front();
                let mut found = sent();
                while found.is_none() {
                    let more = between.sent.notified();
                    if tokio::time::timeout(patience, more).await.is_err() {
                        return "425 nobody called\r\n".to_owned();
                    }
                    found = sent();
                }
                found.into_iter().for_each(keep);
                "226 done\r\n".to_owned()
            });
        };
        later("150 here\r\n", async move {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            keep(bytes);
            "226 done\r\n".to_owned()
        })
    }

    fn list(&self, directory: &str, hidden: Option<&str>) -> Answer {
        let files = self.files.lock().unwrap();
        if !directory.is_empty() && !matches!(files.get(directory), Some(None)) {
            return say("550 no such directory");
        }
        let mut text = String::from("type=cdir; .\r\n");
        for (path, file) in files.iter() {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            if parent == directory && hidden != Some(path) {
                text.push_str(&format!("{} {}\r\n", facts(file), name.replace(SLASH, "/")));
            }
        }
        drop(files);
        let bytes = text.into_bytes();
        self.send(bytes)
    }

    /// As vsftpd does it: nothing is shown of what is empty, nor of what is not there.
    fn list_lines(&self, directory: &str) -> Answer {
        let files = self.files.lock().unwrap();
        let mut text = String::new();
        for (path, file) in files.iter() {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let (kind, size) = match file {
                Some((contents, _)) => ('-', contents.len()),
                None => ('d', 0),
            };
            if parent == directory {
                text.push_str(&format!(
                    "{kind}rwxr-xr-x 1 ftp ftp {size} Jan 01 2020 {name}\r\n"
                ));
            }
        }
        drop(files);
        self.send(text.into_bytes())
    }
}

fn facts(file: &Option<(Vec<u8>, u64)>) -> String {
    match file {
        Some((contents, time)) => {
            format!("type=file;size={};modify={time};", contents.len())
        }
        None => "type=dir;".to_owned(),
    }
}

pub(crate) fn later(
    first: &'static str,
    rest: impl Future<Output = String> + Send + 'static,
) -> Answer {
    Answer::Later(first, Later(Arc::new(Mutex::new(Some(rest.boxed())))))
}

/// Stands for a `/` inside a name, as a hostile server may list it.
pub(crate) const SLASH: &str = "\u{2215}";

/// When all that is stored here was stored.
pub(crate) const RECEIVED_AT: u64 = 20_261_123_000_000;

const DATA_PORT: u16 = 40_000;
