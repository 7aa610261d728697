//! One file over several streams: when it is not done, what is said in which order, who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::stage::{Odd, SITE1, SITE2, Stage, nothing_odd, remote};
use crate::fake::{Answer, say};
use crate::fake_site::later;
use crate::limits::STREAM_PAIRS_MAX;
use crate::{ExitCode, Verify};

const SOURCE: &str = "LSTN S;R;,SOCK ANY;,SIZE,REST STREAM,RANG STREAM,HASH SHA-256*,\
    MLST type*;size*;modify*;X.partial*;";
const BOTH: &str = "LSTN S;R;,SOCK ANY;,SIZE,REST STREAM,RANG STREAM,HASH SHA-256*,PARTS,\
    MLST type*;size*;modify*;X.partial*;";

const KEY: &str = "200 PARTS 0000000000000005";

fn stage(features: [&'static str; 2], source: Odd, destination: Odd) -> Stage {
    let mut stage = Stage::unlike(features, source, destination);
    stage.options.streams = 2;
    stage.options.retries = 0;
    stage.source.clone().with("f", &vec![7; SIZE], 1);
    stage
}

/// A server that moves nothing and says that it did; what `odd` answers goes before.
fn pretends(odd: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static) -> Odd {
    Box::new(move |line| {
        let answer = || match line.split(' ').next().unwrap_or_default() {
            "RANG" => Some(say("350 go on")),
            "RETR" | "STOR" => Some(Answer::Say("150 here\r\n226 done\r\n".to_owned())),
            "SIZE" => Some(say(&format!("213 {SIZE}"))),
            "SITE" if line.contains("OPEN") => Some(say(KEY)),
            _ => None,
        };
        odd(line).or_else(answer)
    })
}

/// What goes over the second of two streams is a while behind.
fn second(verb: &'static str, answer: Answer) -> impl Fn(&str) -> Option<Answer> + Send + Sync {
    let seen = AtomicUsize::new(0);
    move |line| {
        let is_it = line.starts_with(verb) && seen.fetch_add(1, Relaxed) == 1;
        is_it.then(|| answer.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn where_it_cannot_be_done_it_goes_as_ever_and_is_told_why() {
    let refuses = || -> Odd {
        Box::new(|line| {
            line.starts_with("SITE PARTS OPEN")
                .then(|| say("504 not on this store"))
        })
    };
    for (features, destination, why) in [
        (
            [BOTH, SOURCE],
            nothing_odd(),
            "9.9.9.2:21 does not list PARTS",
        ),
        (
            ["LSTN S;R;,SOCK ANY;,SIZE,REST STREAM,HASH SHA-256*", BOTH],
            nothing_odd(),
            "9.9.9.1:21 does not list RANG",
        ),
        ([BOTH, BOTH], refuses(), "504 not on this store"),
    ] {
        let stage = stage(features, nothing_odd(), destination);
        let summary = stage.run(remote("f"), remote("g")).await;
        let diary = stage.diary();
        assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
        let found = stage.destination.contents("g");
        assert_eq!(found, Some(vec![7; SIZE]), "{diary:?}");
        let note = diary.iter().find(|line| line.starts_with("note")).unwrap();
        assert!(note.starts_with("note f: one stream, because"), "{note}");
        assert!(note.contains(why), "{note}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_parts_are_there_and_the_source_is_what_it_was_before_the_file_is_closed() {
    let stage = stage([BOTH, BOTH], pretends(|_| None), pretends(|_| None));
    let summary = stage.run(remote("f"), remote("g")).await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(stage.diary().last().unwrap(), "done f SHA-256");
    let sent = stage.net.sent_to(SITE2);
    let at = |line: &str| sent.iter().position(|sent| sent.starts_with(line));
    for line in ["RANG 0 1048575", "RANG 1048576 2097151"] {
        assert!(at(line).is_some(), "{line}: {sent:?}");
        assert!(stage.net.sent_to(SITE1).iter().any(|sent| sent == line));
    }
    assert!(at("SITE PARTS OPEN 2097152 g") < at("SITE PARTS JOIN 0000000000000005"));
    let last = sent.iter().rposition(|line| line == "STOR g");
    let close = at("SITE PARTS CLOSE SHA-256 ");
    assert!(last.is_some() && last < close, "{sent:?}");
    assert_eq!(at("SITE PARTS DROP"), None, "{sent:?}");
}

/// A session that says nothing is ended, and with the one that opened it the file.
#[tokio::test(start_paused = true)]
async fn who_waits_for_the_other_parts_says_something_from_time_to_time() {
    let slow = later("150 here\r\n", async {
        let forever = std::future::pending::<()>();
        tokio::time::timeout(Duration::from_secs(200), forever)
            .await
            .ok();
        "226 done\r\n".to_owned()
    });
    let destination = pretends(second("STOR", slow));
    let stage = stage([BOTH, BOTH], pretends(|_| None), destination);
    let summary = stage.run(remote("f"), remote("g")).await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    for site in [SITE1, SITE2] {
        let sent = stage.net.sent_to(site);
        let noops = sent.iter().filter(|line| *line == "NOOP").count();
        assert!((5..=7).contains(&noops), "{noops}: {sent:?}");
    }
}

/// However many files have streams at once, and whatever became of them.
#[tokio::test(start_paused = true)]
async fn all_files_together_have_so_many_streams_and_no_more() {
    for (free, streams, fails) in [(32, 4, false), (2, 3, false), (1, 2, true), (0, 1, false)] {
        let refuses = move |line: &str| {
            let is_it = fails && line.starts_with("SITE PARTS JOIN");
            is_it.then(|| say("550 no such file"))
        };
        let mut stage = stage([BOTH, BOTH], pretends(|_| None), pretends(refuses));
        stage.options.streams = 4;
        stage.options.policy.verify = Verify::None;
        stage.source.clone().with("f", &vec![7; 2 * SIZE], 1);
        let seats = Arc::clone(&stage.environment.stream_pairs);
        assert_eq!(seats.available_permits(), STREAM_PAIRS_MAX);
        let others = u32::try_from(STREAM_PAIRS_MAX - free).unwrap();
        let others = Arc::clone(&seats).try_acquire_many_owned(others).unwrap();
        let summary = stage.run(remote("f"), remote("g")).await;
        let diary = stage.diary();
        assert_eq!(summary.exit_code() == ExitCode::Done, !fails, "{diary:?}");
        for site in [SITE1, SITE2] {
            let sent = stage.net.sent_to(site);
            let logins = sent.iter().filter(|line| line.starts_with("USER"));
            assert_eq!(logins.count(), streams, "{free}: {sent:?}");
        }
        let note = format!("note f: {streams} of 4 streams, the other files have the connections");
        assert_eq!(diary.contains(&note), free < 3, "{diary:?}");
        drop(others);
        assert_eq!(seats.available_permits(), STREAM_PAIRS_MAX, "{free}");
    }
}

/// Parts are whole blocks, so that fewer of them than there are streams may be all.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_left_over_is_not_waited_for() {
    let mut stage = stage([BOTH, BOTH], pretends(|_| None), pretends(|_| None));
    stage.options.streams = 10;
    stage.options.policy.verify = Verify::None;
    stage.environment.limits.stream_bytes = 64 << 10;
    stage.source.clone().with("f", &[7; 640 << 10], 1);
    let seats = Arc::clone(&stage.environment.stream_pairs);
    let others = u32::try_from(STREAM_PAIRS_MAX - 5).unwrap();
    let _others = seats.try_acquire_many_owned(others).unwrap();
    let summary = stage.run(remote("f"), remote("g")).await;
    let diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
    let sent = stage.net.sent_to(SITE2);
    let parts = sent.iter().filter(|line| line.starts_with("STOR"));
    assert_eq!(parts.count(), 5, "{sent:?}");
    assert_eq!(*stage.diary.1.lock().unwrap(), [5]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_somebody_begins_to_replace_is_still_the_same() {
    let has_sent = AtomicBool::new(false);
    let source = pretends(move |line| {
        let has_sent = has_sent.fetch_or(line.starts_with("RETR"), Relaxed);
        let partial = if has_sent { "X.partial=5;" } else { "" };
        let facts = format!("type=file;size={SIZE};modify=20200101000000;{partial}");
        let answer = || Answer::Say(format!("250-\r\n {facts} f\r\n250 End\r\n"));
        line.starts_with("MLST").then(answer)
    });
    let stage = stage([BOTH, BOTH], source, pretends(|_| None));
    let summary = stage.run(remote("f"), remote("g")).await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
}

/// Servers read the whole file for it, from disks that may be slow; nothing grows meanwhile.
#[tokio::test(start_paused = true)]
async fn a_proof_that_takes_long_is_waited_for() {
    let slowly = |answer: &'static str| {
        later("", async move {
            let forever = std::future::pending::<()>();
            tokio::time::timeout(Duration::from_secs(800), forever)
                .await
                .ok();
            format!("{answer}\r\n")
        })
    };
    let hash = format!("213 SHA-256 0-{} {} f", SIZE - 1, "5".repeat(64));
    let hash: &'static str = Box::leak(hash.into_boxed_str());
    let source = pretends(move |line| line.starts_with("HASH").then(|| slowly(hash)));
    let destination = pretends(move |line| match line {
        line if line.starts_with("SITE PARTS SIZE") => Some(say(&format!("213 {SIZE}"))),
        line if line.starts_with("SITE PARTS CLOSE") => Some(slowly("250 there")),
        _ => None,
    });
    let mut stage = stage([BOTH, BOTH], source, destination);
    stage.options.poll = true;
    let summary = stage.run(remote("f"), remote("g")).await;
    let diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
    assert_eq!(diary.last().unwrap(), "done f SHA-256");
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_the_file_is_dropped_and_never_closed() {
    let has_sent = AtomicBool::new(false);
    let other_time = move |line: &str| {
        has_sent.fetch_or(line.starts_with("RETR"), Relaxed);
        let is_it = line.starts_with("MLST") && has_sent.load(Relaxed);
        let facts =
            format!("250-\r\n type=file;size={SIZE};modify=20200101000000; f\r\n250 End\r\n");
        is_it.then_some(Answer::Say(facts))
    };
    let no = |line: &str| say(line);
    for (what, source, destination, code) in [
        (
            "one part is refused",
            pretends(|_| None),
            pretends(second("STOR", no("552 no room"))),
            ExitCode::Refused,
        ),
        (
            "one part is not sent",
            pretends(second("RETR", no("451 it failed"))),
            pretends(|_| None),
            ExitCode::Temporary,
        ),
        (
            "the source has changed",
            pretends(other_time),
            pretends(|_| None),
            ExitCode::VerificationFailed,
        ),
        (
            "a session may not join",
            pretends(|_| None),
            pretends(|line| line.contains("JOIN").then(|| say("550 no such file"))),
            ExitCode::Refused,
        ),
        (
            "a key that is none",
            pretends(|_| None),
            pretends(|line| line.contains("OPEN").then(|| say("200 PARTS five"))),
            ExitCode::Fatal,
        ),
        (
            "a server that is busy",
            pretends(|_| None),
            pretends(|line| line.contains("OPEN").then(|| say("450 later"))),
            ExitCode::Temporary,
        ),
    ] {
        let stage = stage([BOTH, BOTH], source, destination);
        let summary = stage.run(remote("f"), remote("g")).await;
        let (diary, sent) = (stage.diary(), stage.net.sent_to(SITE2));
        assert_eq!(summary.exit_code(), code, "{what}: {diary:?}");
        let is_said = |word: &str| sent.iter().any(|line| line.starts_with(word));
        assert!(!is_said("SITE PARTS CLOSE"), "{what}: {sent:?}");
        let is_open = code != ExitCode::Fatal && what != "a server that is busy";
        assert_eq!(is_said("SITE PARTS DROP"), is_open, "{what}: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_hash_is_told_and_what_cannot_be_hashed_is_closed_without() {
    for (verify, refusal, code, closes) in [
        (
            Verify::Auto,
            "551 another hash",
            ExitCode::VerificationFailed,
            1,
        ),
        (Verify::Auto, "450 busy", ExitCode::Done, 2),
        (Verify::Hash, "450 busy", ExitCode::Temporary, 1),
        (Verify::Size, "551 another hash", ExitCode::Done, 1),
        (Verify::None, "551 another hash", ExitCode::Done, 1),
    ] {
        let destination = pretends(move |line| {
            let is_proved = line.starts_with("SITE PARTS CLOSE ");
            is_proved.then(|| say(refusal))
        });
        let mut stage = stage([BOTH, BOTH], pretends(|_| None), destination);
        stage.options.policy.verify = verify;
        let summary = stage.run(remote("f"), remote("g")).await;
        let (diary, sent) = (stage.diary(), stage.net.sent_to(SITE2));
        assert_eq!(summary.exit_code(), code, "{verify:?}: {diary:?}");
        let said = sent
            .iter()
            .filter(|line| line.starts_with("SITE PARTS CLOSE"));
        assert_eq!(said.count(), closes, "{verify:?} {sent:?}");
        let is_dropped = sent.iter().any(|line| line == "SITE PARTS DROP");
        assert_eq!(is_dropped, code != ExitCode::Done, "{verify:?} {sent:?}");
    }
}

/// The least that goes in two parts.
const SIZE: usize = 2 << 20;
