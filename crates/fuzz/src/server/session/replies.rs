//! What was said on both sides of a control connection, held against the rules of replies.

use thirdhost_wire::{
    LINE_BYTES_MAX, LineDecoder, LineEvent, REPLY_LINE_BYTES_MAX, Reply, ReplyParser,
};

/// Both sides of one control connection, which ended with QUIT.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) sent: Vec<u8>,
    pub(super) heard: Vec<u8>,
    /// Whether the user has not read for a while.
    pub(super) was_deaf: bool,
}

/// Every command has one final reply, in order, and every line its end (I4).
pub(super) fn check(said: &Said) {
    let commands = commands(&said.sent);
    let replies = replies(&said.heard);
    let finals: Vec<&Reply> = replies
        .iter()
        .filter(|reply| !reply.code().is_preliminary())
        .collect();
    let codes: Vec<u16> = finals.iter().map(|reply| reply.code().number()).collect();
    let Some((&greeting, answers)) = codes.split_first() else {
        return assert!(said.was_deaf, "no greeting: {said:?}");
    };
    assert_eq!(greeting, 220);
    let (ended, answers) = match answers.split_last() {
        // 421 may come unasked, at the end.
        Some((421, before)) => (End::Closed, before),
        Some((221, _)) => (End::Quit, answers),
        _ => (End::Lost, answers),
    };
    let said_so = || format!("{commands:?}\n{replies:?}");
    assert!(!answers.contains(&421), "words behind 421: {}", said_so());
    assert!(
        answers.len() <= commands.len(),
        "more replies than commands: {}",
        said_so()
    );
    for (command, &code) in commands.iter().zip(answers) {
        assert!(
            may_answer(command, code, &commands),
            "{code} to {command:?}: {}",
            said_so()
        );
    }
    match ended {
        End::Quit => {
            let last = answers
                .len()
                .checked_sub(1)
                .and_then(|last| commands.get(last));
            let is_quit = last.is_some_and(|command| command.verb == "QUIT");
            assert!(is_quit, "221 answers {last:?}: {}", said_so());
        }
        End::Closed => {}
        End::Lost => {
            let is_abuse = commands.iter().any(|command| !command.is_plain);
            let is_much = said.sent.len() > LINE_BYTES_MAX;
            assert!(
                is_abuse || is_much || said.was_deaf,
                "not answered: {}",
                said_so()
            );
        }
    }
}

/// The replies among what came over a control connection.
pub(super) fn replies(heard: &[u8]) -> Vec<Reply> {
    let mut decoder = LineDecoder::new(REPLY_LINE_BYTES_MAX);
    let mut parser = ReplyParser::new();
    let (mut replies, mut heard) = (Vec::new(), heard);
    while let Some(event) = decoder.decode(&mut heard) {
        match event {
            LineEvent::Line(line) => {
                let reply = parser.feed(&line).expect("a reply that can be read");
                replies.extend(reply);
            }
            LineEvent::TelnetAnswer(_) => {}
            other => assert_eq!(other, LineEvent::Line(Vec::new()), "no line of a reply"),
        }
    }
    replies
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// 221.
    Quit,
    /// 421.
    Closed,
    /// No word.
    Lost,
}

/// A line as the server has to see it.
#[derive(Debug)]
struct Sent {
    verb: String,
    /// Not what ends a session by itself.
    is_plain: bool,
}

fn commands(mut sent: &[u8]) -> Vec<Sent> {
    let mut decoder = LineDecoder::new(LINE_BYTES_MAX);
    let mut commands = Vec::new();
    while let Some(event) = decoder.decode(&mut sent) {
        let (verb, is_plain) = match event {
            LineEvent::TelnetAnswer(_) => continue,
            LineEvent::Line(line) => {
                let words = String::from_utf8_lossy(&line);
                let verb = words.split(' ').next().unwrap_or_default();
                let is_bare = words.len() == verb.len();
                let verb = match verb.to_ascii_uppercase() {
                    verb if verb == "STAT" && is_bare => "STAT alone".to_owned(),
                    verb => verb,
                };
                (verb, true)
            }
            LineEvent::TooLong | LineEvent::ForbiddenOctet => (String::new(), true),
            _ => (String::new(), false),
        };
        commands.push(Sent { verb, is_plain });
    }
    commands
}

/// Whether that code can be the answer to that command: so one that answers another is found.
fn may_answer(command: &Sent, code: u16, all: &[Sent]) -> bool {
    // STAT during a transfer is answered before it, and then the rest is one off.
    if all.iter().any(|command| command.verb == "STAT alone") {
        return true;
    }
    let own: &[&str] = match code {
        211 => &["FEAT", "STAT", "SITE"],
        215 => &["SYST"],
        225 | 226 => &[
            "ABOR", "RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD", "ESTA", "ESTP",
        ],
        221 => &["QUIT"],
        227 => &["PASV", "CPSV"],
        229 => &["EPSV"],
        230 => &["USER", "PASS", "ACCT"],
        255 => &["LSTN", "SOCK"],
        257 => &["PWD", "XPWD", "MKD", "XMKD"],
        331 => &["USER"],
        350 => &["REST", "RNFR", "RANG"],
        _ => return true,
    };
    own.contains(&command.verb.as_str())
}
