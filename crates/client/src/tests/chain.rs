//! Small files one behind the other between one of ours and a classic server.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use thirdhost_wire::HostSocket;

use super::stage::{Odd, SITE1, SITE2, Stage, nothing_odd, times};
use crate::fake::{Answer, say};
use crate::told::Caller;
use crate::{ExitCode, Interrupt};

const OURS: &str = "LSTN S;R;,SOCK ANY;,SIZE,MFMT,REST STREAM,MLST type*;size*;modify*;X.partial*;";

/// Known by ESTA and ESTP.
const PURE: &str = "SIZE,MFMT,ESTA,ESTP,REST STREAM,MLST type*;size*;modify*;";

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Known by its facts.
const PYTHON: &str = "SIZE,MFMT,REST STREAM,MLST type*;size*;modify*;unix.mode;unix.uid;unix.gid;";

/// Our server is the source and listens; `source` and `destination` do what is odd.
fn stage(source: Odd, destination: Odd) -> Stage {
    let stage = Stage::unlike([OURS, PURE], pinning(source), destination);
    for name in NAMES {
        let (path, text) = (format!("x/{name}"), name.repeat(3));
        stage.source.clone().with(&path, text.as_bytes(), 1);
    }
    stage
}

/// The fake server names another socket in its answer to LSTN than to EPSV.
fn pinning(odd: Odd) -> Odd {
    Box::new(move |line| match odd(line) {
        None if line.starts_with("SOCK") => Some(say("255 SOCK 40000")),
        found => found,
    })
}

fn done(stage: &Stage) -> Vec<String> {
    let mut diary = stage.diary();
    diary.retain(|line| line.starts_with("done"));
    diary.sort();
    diary
}

fn is_whole(stage: &Stage, but: &[&str]) {
    for name in NAMES {
        let found = stage.destination.contents(&format!("y/{name}"));
        let expected = (!but.contains(&name)).then(|| name.repeat(3).into_bytes());
        assert_eq!(found, expected, "{name}: {:?}", stage.diary());
    }
    let left = stage.destination.names();
    assert!(
        !left.iter().any(|name| name.contains("partial")),
        "{left:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_about_a_file_goes_out_with_the_next() {
    let stage = stage(nothing_odd(), nothing_odd());
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    is_whole(&stage, &[]);
    let expected = NAMES.map(|name| format!("done {name} size"));
    assert_eq!(done(&stage), expected);
    let said = stage.net.transcript();
    let at = |line: &str| said.iter().position(|said| said.contains(line)).unwrap();
    // The listener's next socket is asked for behind the transfer, not after it.
    assert!(said.iter().any(|line| line.ends_with("> RETR x/c")));
    let source = stage.net.sent_to(SITE1);
    let retr = source.iter().position(|line| line == "RETR x/c").unwrap();
    assert_eq!(source[retr + 1..][..2], ["EPSV", "SOCK 9.9.9.2,0"]);
    // A name is given once the proof is there, and nobody waits for that.
    assert!(at("SIZE y/.b") < at("RNFR y/.b"));
    assert!(at("STOR y/.d") < at("RNTO y/c") || at("EPRT") < at("RNTO y/c"));
    // It answers what comes during a transfer with an error.
    let mut is_moving = false;
    for line in said.iter().filter(|line| line.starts_with(SITE2)) {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            [_, ">", "STOR", ..] => is_moving = true,
            [_, "<", "226", ..] => is_moving = false,
            [_, ">", ..] => assert!(!is_moving, "{line}"),
            _ => {}
        }
    }
}

/// What such a server has queued behind a transfer it does when that is over, though the copy was
/// killed and the next one has stored the file anew.
#[tokio::test(start_paused = true)]
async fn a_server_that_queues_is_told_no_name_while_it_transfers() {
    let greets: Odd = Box::new(|line| line.is_empty().then(|| say("220 (vsFTPd 3.0.5)")));
    let stage = stage(nothing_odd(), greets);
    let many: Vec<String> = (0..60).map(|number| format!("n{number}")).collect();
    for name in &many {
        let path = format!("x/{name}");
        stage.source.clone().with(&path, name.as_bytes(), 1);
    }
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    is_whole(&stage, &[]);
    let (mut moving, mut most, mut named_between) = (0_usize, 0, 0);
    let said = stage.net.transcript();
    let there = said.iter().filter(|line| line.starts_with(SITE2));
    for line in there {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            [_, ">", "STOR", ..] => moving += 1,
            [_, "<", "226", ..] => moving = moving.saturating_sub(1),
            [_, ">", "RNFR" | "RNTO", ..] => {
                assert_eq!(moving, 0, "{line}");
                named_between += usize::from(most > 0);
            }
            _ => {}
        }
        most = most.max(moving);
    }
    assert!(most > 1, "it queues transfers");
    let last_stor = said.iter().rposition(|line| line.contains("> STOR"));
    let first_name = said.iter().position(|line| line.contains("> RNTO"));
    assert!(first_name < last_stor && named_between > 0, "{said:?}");
}

/// Not at once behind EPRT, which such a server would never get over.
#[tokio::test(start_paused = true)]
async fn pyftpdlib_is_told_to_send_when_it_is_connected() {
    for (odd, text) in [(0, ""), (3, "425 cannot connect")] {
        let refuses = at(odd, "EPRT", text);
        let stage = Stage::unlike([PYTHON, OURS], refuses, pinning(nothing_odd()));
        for name in NAMES {
            let (path, text) = (format!("x/{name}"), name.repeat(3));
            stage.source.clone().with(&path, text.as_bytes(), 1);
        }
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        is_whole(&stage, &[]);
        let said = stage.net.transcript();
        let source: Vec<&String> = said.iter().filter(|line| line.starts_with(SITE1)).collect();
        for (at, _) in source
            .iter()
            .enumerate()
            .filter(|(_, line)| line.contains("> RETR"))
        {
            assert!(source[at - 1].contains(" < "), "{source:?}");
        }
        let destination = stage.net.sent_to(SITE2);
        let stor = destination
            .iter()
            .position(|line| line == "STOR y/b")
            .unwrap();
        assert_eq!(destination[stor + 1], "EPSV");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_fails_at_any_step_takes_no_other_with_it() {
    let no = |prefix, text| times(1, prefix, say(text));
    for (source, destination) in [
        (no("RETR x/b", "450 busy"), nothing_odd()),
        (no("RETR x/b", "550 gone"), nothing_odd()),
        (nothing_odd(), no("STOR y/.b", "553 not so")),
        (nothing_odd(), no("STOR y/.e", "452 full")),
        (nothing_odd(), no("EPRT", "500 not there")),
        (nothing_odd(), no("RNFR y/.c", "550 where")),
        (nothing_odd(), no("RNTO y/c", "550 not so")),
        (nothing_odd(), no("SIZE y/.c", "550 not now")),
        (at(2, "EPSV", "425 no socket"), nothing_odd()),
        (at(3, "SOCK", "504 not that one"), nothing_odd()),
        (at(3, "SOCK", "255 SOCK 40009"), nothing_odd()),
        (no("SIZE x/d", "550 not now"), nothing_odd()),
    ] {
        let stage = stage(source, destination);
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        is_whole(&stage, &[]);
        assert_eq!(done(&stage).len(), NAMES.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_as_long_as_it_was_does_not_get_its_name() {
    let stage = stage(nothing_odd(), times(1, "SIZE y/.c", say("213 2")));
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::PartlyDone);
    assert_eq!(summary.failures.len(), 1);
    assert_eq!(summary.failures[0].code, ExitCode::VerificationFailed);
    is_whole(&stage, &["c"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_off_in_a_chain_is_called_again() {
    for (number, verb) in [
        (1, "STOR y/.c"),
        (1, "RNTO y/b"),
        (1, "SIZE y/.d"),
        (3, "EPRT"),
    ] {
        let stage = stage(nothing_odd(), at(number, verb, "421 bye"));
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        is_whole(&stage, &[]);
    }
    let stage = stage(times(1, "RETR x/c", Answer::Close), nothing_odd());
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    is_whole(&stage, &[]);
}

/// RFC 959 section 4.1.3: the transfer before ABOR was dropped in silence.
#[tokio::test(start_paused = true)]
async fn a_transfer_that_225_answers_together_with_abor_is_not_done() {
    let is_begun = AtomicBool::new(false);
    let refuses_next: Odd = Box::new(move |line| {
        let begins = line == "RETR x/c";
        is_begun.fetch_or(begins, Relaxed);
        let is_refused = line == "EPSV" && is_begun.swap(false, Relaxed);
        is_refused.then(|| say("425 no socket"))
    });
    let stage = stage(refuses_next, times(1, "STOR y/.c", Answer::Silence));
    stage.destination.begins_with(b"");
    let summary = stage.tree().await;
    let sent = stage.net.sent_to(SITE2);
    assert!(sent.contains(&"ABOR".to_owned()), "{sent:?}");
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    is_whole(&stage, &[]);
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_source_left_half_done_is_removed_though_nothing_more_is_tried() {
    let is_dead = AtomicBool::new(false);
    let dies: Odd = Box::new(move |line| {
        is_dead.fetch_or(line == "RETR x/c", Relaxed);
        is_dead.load(Relaxed).then_some(Answer::Close)
    });
    let stage = stage(dies, nothing_odd());
    stage.destination.begins_with(b"");
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::PartlyDone);
    let last = summary.failures.last().unwrap();
    assert!(last.message.starts_with("not tried"), "{last:?}");
    let left = stage.destination.names();
    let is_left = |name: &String| name.contains("partial");
    assert!(!left.iter().any(is_left), "{left:?} {:?}", stage.diary());
}

/// As one that waits for a data connection, and reads nothing meanwhile.
#[tokio::test(start_paused = true)]
async fn a_stop_leaves_nothing_half_done_at_a_server_that_does_not_hear_abor() {
    let interrupt: Arc<OnceLock<Interrupt>> = Arc::default();
    let (here, is_deaf) = (interrupt.clone(), AtomicBool::new(false));
    let deaf: Odd = Box::new(move |line| {
        if line.starts_with("STOR y/.c") {
            here.get().unwrap().trip();
            is_deaf.store(true, Relaxed);
        }
        // Only that session: another one begins with a call.
        is_deaf.fetch_and(!line.is_empty(), Relaxed);
        is_deaf.load(Relaxed).then_some(Answer::Silence)
    });
    let stage = stage(nothing_odd(), deaf);
    interrupt.set(stage.environment.interrupt.clone()).unwrap();
    stage.destination.begins_with(b"");
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Stopped);
    let left = stage.destination.names();
    let is_left = |name: &String| name.contains("partial");
    assert!(!left.iter().any(is_left), "{left:?} {:?}", stage.diary());
}

/// Simulated world 4532770: a server was told to call for a file, the listener began anew and had
/// the same number for the next file.
#[tokio::test(start_paused = true)]
async fn no_file_gets_a_socket_that_may_still_be_called_for_another() {
    let told = AtomicU32::new(0);
    let again: Odd = Box::new(move |line| {
        let is_again = line == "EPSV" && told.fetch_add(1, Relaxed).is_multiple_of(2);
        is_again.then(|| say("229 Entering (|||40009|)"))
    });
    let stage = Stage::unlike([PURE, PURE], nothing_odd(), again);
    for name in NAMES {
        let (path, text) = (format!("x/{name}"), name.repeat(3));
        stage.source.clone().with(&path, text.as_bytes(), 1);
    }
    let socket = HostSocket::new([9, 9, 9, 2].into(), 40_009).unwrap();
    let caller = Caller::new(&stage.environment, socket);
    let summary = stage.tree().await;
    caller.answered(true);
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    is_whole(&stage, &[]);
    let count = |site, verb| {
        let sent = stage.net.sent_to(site);
        sent.iter().filter(|line| line.starts_with(verb)).count()
    };
    let files = NAMES.len();
    assert_eq!(
        count(SITE2, "EPSV"),
        2 * files,
        "{:?}",
        stage.net.transcript()
    );
    assert_eq!(count(SITE1, "EPRT |1|9.9.9.2|40000|"), files);
    assert_eq!(count(SITE1, "EPRT"), files);
}

/// What was given up may still be on its way to a listener that tells the same number again.
#[tokio::test(start_paused = true)]
async fn the_socket_of_a_call_that_was_given_up_rests() {
    let gives_up = at(1, "RETR x/c", "426 given up");
    let stage = Stage::unlike([PURE, PURE], gives_up, nothing_odd());
    for name in NAMES {
        let (path, text) = (format!("x/{name}"), name.repeat(3));
        stage.source.clone().with(&path, text.as_bytes(), 1);
    }
    let began = tokio::time::Instant::now();
    let summary = stage.tree().await;
    let seconds = began.elapsed().as_secs();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    is_whole(&stage, &[]);
    assert!((5..10).contains(&seconds), "{seconds} {:?}", stage.diary());
}

/// Answers so the `number`th line that begins so.
fn at(number: u32, prefix: &'static str, text: &'static str) -> Odd {
    let seen = AtomicU32::new(0);
    Box::new(move |line| {
        let is_it = line.starts_with(prefix) && seen.fetch_add(1, Relaxed) + 1 == number;
        is_it.then(|| say(text))
    })
}
