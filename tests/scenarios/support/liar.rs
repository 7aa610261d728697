//! A server that says what it is told to say: enough of one for a client to store a file at it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::patience::LONG;

/// A verb, and what is answered instead; nothing is sent for an empty answer.
pub(crate) type Lie = (&'static str, &'static str);

/// It lives as long as the test's process.
#[derive(Debug)]
pub(crate) struct Liar {
    pub(crate) address: SocketAddr,
    asked: Receiver<String>,
}

impl Liar {
    /// Starts it at `host`; the verb of its greeting is empty.
    pub(crate) fn start(host: &str, lies: &'static [Lie]) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel();
        thread::spawn(move || {
            for control in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                // A client that has gone away ends the session.
                thread::spawn(move || session(control, lies, &tell).ok());
            }
        });
        Self { address, asked }
    }

    /// Waits for a command.
    pub(crate) fn until_asked(&self, verb: &str) {
        while self.asked.recv_timeout(LONG).unwrap() != verb {}
    }

    /// How often it was given a command until now, of those not told of before.
    pub(crate) fn times_asked(&self, verb: &str) -> usize {
        self.asked.try_iter().filter(|asked| asked == verb).count()
    }
}

fn session(control: TcpStream, lies: &[Lie], tell: &Sender<String>) -> std::io::Result<()> {
    let data = TcpListener::bind((control.local_addr()?.ip(), 0))?;
    let port = data.local_addr()?.port();
    let mut length = 0;
    let mut answer = |verb: &str, mut control: &TcpStream| {
        let lie = lies.iter().find(|(lied, _)| *lied == verb);
        let said = match (lie, verb) {
            (Some((_, lie)), _) => (*lie).to_owned(),
            (None, "") => "220 ready".to_owned(),
            (None, "USER") => "331 password".to_owned(),
            (None, "PASS") => "230 in".to_owned(),
            (None, "TYPE" | "OPTS") => "200 yes".to_owned(),
            (None, "EPSV") => format!("229 here (|||{port}|)"),
            (None, "SIZE") if length > 0 => format!("213 {length}"),
            (None, "SIZE") => "550 nothing there".to_owned(),
            (None, "RNFR") => "350 and to".to_owned(),
            (None, "RNTO" | "DELE") => "250 yes".to_owned(),
            (None, "QUIT") => "221 bye".to_owned(),
            (None, "STOR") => {
                control.write_all(b"150 come\r\n")?;
                let mut bytes = Vec::new();
                data.accept()?.0.read_to_end(&mut bytes)?;
                length = bytes.len();
                "226 stored".to_owned()
            }
            _ => "500 what?".to_owned(),
        };
        match said.is_empty() {
            true => Ok(()),
            false => control.write_all(format!("{said}\r\n").as_bytes()),
        }
    };
    answer("", &control)?;
    for line in BufReader::new(&control).lines() {
        let line = line?;
        let verb = line.split(' ').next().unwrap_or_default();
        // The test may not wait for it.
        tell.send(verb.to_owned()).ok();
        answer(verb, &control)?;
    }
    Ok(())
}
