//! Under which name a file arrives, what a failure leaves, and where the next attempt goes on.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

use super::stage::{OTHER, OURS, Odd, SITE1, SITE2, Stage, nothing_odd, remote, times};
use crate::fake::{Answer, say};
use crate::fake_site::FakeSite;
use crate::{ExitCode, Interrupt};

/// What another run has left.
const PARTIAL: &str = "y/.a.0a1b2c3d.thirdhost-partial";

/// What went to the destination about its files.
fn about_files(stage: &Stage) -> Vec<String> {
    let mut sent = stage.net.sent_to(SITE2);
    let verbs = ["STOR", "RNFR", "RNTO", "DELE", "REST", "MFMT"];
    sent.retain(|line| verbs.iter().any(|verb| line.starts_with(verb)));
    sent
}

async fn run(features: &'static str, odd: Odd, files: &[&str]) -> Stage {
    let stage = Stage::new(features, nothing_odd(), odd);
    for name in files {
        stage.source.clone().with(&format!("x/{name}"), b"hello", 1);
    }
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    for name in files {
        let found = stage.destination.contents(&format!("y/{name}"));
        assert_eq!(found.as_deref(), Some(b"hello".as_slice()));
    }
    let count = files.len() + 1;
    assert_eq!(stage.destination.names().len(), count, "something is left");
    stage
}

#[tokio::test(start_paused = true)]
async fn a_file_gets_its_name_when_it_is_whole() {
    let stage = run(OTHER, nothing_odd(), &["a"]).await;
    let sent = about_files(&stage);
    let aside = sent[0].strip_prefix("STOR ").unwrap();
    assert!(aside.starts_with("y/.a.") && aside.ends_with(".thirdhost-partial"));
    assert_eq!(sent[1..], [format!("RNFR {aside}"), "RNTO y/a".to_owned()]);
    let stage = run(OURS, nothing_odd(), &["a"]).await;
    let sent = about_files(&stage);
    assert_eq!(sent[0], "STOR y/a", "ours does it itself: {sent:?}");
    assert!(!sent.iter().any(|line| line.starts_with("RN")));
}

#[tokio::test(start_paused = true)]
async fn where_another_name_is_refused_every_file_gets_its_own_at_once() {
    for (refused, reply) in [
        ("STOR y/.", "553 names with dots are not for you"),
        ("STOR y/.", "550 no"),
        ("RNFR", "550 you may not rename"),
        ("RNFR", "502 not known"),
    ] {
        let odd: Odd = Box::new(move |line| line.starts_with(refused).then(|| say(reply)));
        let stage = run(OTHER, odd, &["a", "b"]).await;
        let sent = about_files(&stage);
        let count = |start: &str| sent.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("STOR y/."), 1, "{sent:?}");
        assert_eq!(count("STOR y/a") + count("STOR y/b"), 2, "{sent:?}");
    }
}

/// Renames onto nothing that is there, as some servers do.
fn renames_onto_nothing(refusals: usize) -> Odd {
    times(refusals, "RNTO y/a", say("553 it is there"))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_renames_onto_nothing_loses_the_old_file_only_for_the_whole_new_one() {
    let stage = Stage::new(OTHER, nothing_odd(), renames_onto_nothing(1));
    stage.source.clone().with("x/a", b"hello", 1);
    let there = stage.destination.clone().with("y/a", b"old", 1);
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(there.contents("y/a").unwrap(), b"hello");
    assert_eq!(there.names(), ["y/", "y/a"]);
    let sent = about_files(&stage);
    let named = sent.iter().rposition(|line| line == "RNTO y/a");
    let removed = sent.last().unwrap();
    assert!(named < Some(sent.len() - 1), "{sent:?}");
    assert!(removed.starts_with("DELE y/.a.") && removed.ends_with(".thirdhost-replaced"));
}

#[tokio::test(start_paused = true)]
async fn the_old_file_is_never_removed_for_a_new_one_that_does_not_get_its_name() {
    let in_place: &[u8] = b"hello";
    for (odd, expected) in [
        // No rename at all: nothing goes, and the file is stored under its own name.
        (
            Box::new(|line: &str| line.starts_with("RNTO").then(|| say("550 no"))) as Odd,
            in_place,
        ),
        (
            Box::new(|line: &str| {
                let refused = match line {
                    "RNTO y/a" => Some("553 it is there"),
                    "STOR y/a" => Some("552 full"),
                    _ => None,
                };
                refused.map(say)
            }),
            b"old",
        ),
    ] {
        let stage = Stage::new(OTHER, nothing_odd(), odd);
        stage.source.clone().with("x/a", b"hello", 1);
        let there = stage.destination.clone().with("y/a", b"old", 1);
        stage.tree().await;
        let sent = about_files(&stage);
        assert!(!sent.contains(&"DELE y/a".to_owned()), "{sent:?}");
        let is_kept = |name: &String| name == "y/a" || name.ends_with(".thirdhost-replaced");
        let kept = there.names().into_iter().rfind(is_kept);
        let kept = kept.and_then(|name| there.contents(&name));
        assert_eq!(kept.as_deref(), Some(expected), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_goes_on_with_nothing_that_another_run_left() {
    for source in [
        times(1, "SIZE", say("450 busy")),
        times(1, "MLST x/a", say("450 busy")),
    ] {
        let mut stage = Stage::new(OTHER, source, nothing_odd());
        stage.options.retries = 1;
        stage.source.clone().with("x/a", b"hello, world", 1);
        let there = stage.destination.clone().with(PARTIAL, b"other", 1);
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        let found = there.contents("y/a").unwrap();
        assert_eq!(String::from_utf8_lossy(&found), "hello, world");
        assert_eq!(there.contents(PARTIAL).unwrap(), b"other");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_never_removes_what_may_be_the_only_copy_under_another_address() {
    for (there, is_moved) in [(&b"hello"[..], false), (b"another", true)] {
        let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
        stage.options.moves = true;
        let source = stage.source.clone().with("a", b"hello", 1);
        stage.destination.clone().with("a", there, 1);
        let summary = stage.run(remote("a"), remote("a")).await;
        let code = match is_moved {
            true => ExitCode::Done,
            false => ExitCode::Refused,
        };
        assert_eq!(summary.exit_code(), code, "{:?}", stage.diary());
        assert_eq!(source.contents("a").is_none(), is_moved);
        assert_eq!(stage.destination.contents("a").unwrap(), b"hello");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_no_reason_to_try_the_name_of_a_good_file() {
    let full: Odd = Box::new(|line| line.starts_with("STOR").then(|| say("552 full")));
    let stage = Stage::new(OTHER, nothing_odd(), full);
    stage.source.clone().with("x/a", b"hello", 1);
    let there = stage.destination.clone().with("y/a", b"old", 1);
    assert_eq!(stage.tree().await.exit_code(), ExitCode::Refused);
    assert_eq!(there.contents("y/a").unwrap(), b"old");
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_the_end_is_cleared_away_unless_it_will_be_gone_on_with() {
    for (resume, left) in [(false, 0), (true, 1)] {
        let fails: Odd = Box::new(|line| {
            line.starts_with("STOR")
                .then(|| Answer::Say("150 soon\r\n426 broken\r\n".to_owned()))
        });
        let mut stage = Stage::new(OTHER, nothing_odd(), fails);
        stage.options.resume = resume;
        let (before, after) = (20_261_122_000_000, 20_261_123_000_000);
        stage.source.clone().with("x/a", b"hello", after);
        let there = stage.destination.clone().with("y/a", b"old", before);
        let summary = stage.tree().await;
        assert_eq!(
            summary.exit_code(),
            ExitCode::Temporary,
            "{:?}",
            stage.diary()
        );
        let sent = about_files(&stage);
        let told = |verb: &str| {
            let names = sent.iter().filter_map(|line| line.strip_prefix(verb));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let (begun, removed) = (told("STOR "), told("DELE "));
        assert_eq!(begun.len(), 4, "{sent:?}");
        assert_eq!(removed, begun[..begun.len() - left], "{sent:?}");
        assert_eq!(there.contents("y/a").unwrap(), b"old");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_set_aside_is_gone_on_with() {
    let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
    stage.options.resume = true;
    stage.source.clone().with("x/a", b"hello, world", 1);
    let there = stage.destination.clone().with(PARTIAL, b"hello", 1);
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(summary.direct_bytes, 7);
    assert_eq!(there.contents("y/a").unwrap(), b"hello, world");
    assert_eq!(there.names(), ["y/", "y/a"]);
}

/// A server may carry out a STOR of a session that was given up much later, as vsftpd does when the
/// file is free, and cuts what is there under that name.
#[tokio::test(start_paused = true)]
async fn no_two_attempts_to_store_from_the_first_octet_on_have_the_same_name() {
    let mut told = Vec::new();
    for resume in [false, true] {
        let broke = Answer::Say("150 soon\r\n426 broken\r\n".to_owned());
        let mut stage = Stage::new(OTHER, nothing_odd(), times(2, "STOR", broke));
        stage.options.resume = resume;
        for name in ["x/a", "x/b"] {
            stage.source.clone().with(name, b"hello, world", 1);
        }
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        let sent = stage.net.sent_to(SITE2);
        told.extend(sent.into_iter().filter(|line| line.starts_with("STOR")));
    }
    assert_eq!(told.len(), 8, "{told:?}");
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 8, "one is told twice: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn of_what_several_runs_left_the_longest_is_gone_on_with_and_the_rest_removed() {
    let left = |mark: &str| format!("y/.a.{mark}.thirdhost-partial");
    let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
    stage.options.resume = true;
    stage.source.clone().with("x/a", b"hello, world", 1);
    stage.source.clone().with("x/b", b"all", 1);
    let there = stage.destination.clone();
    for (path, contents) in [
        (left("00000001"), "hel"),
        (left("00000002"), "hello"),
        (left("00000003"), "hello, all the world"),
        (left("00000004"), ""),
        ("y/b".to_owned(), "all"),
        ("y/.b.00000005.thirdhost-partial".to_owned(), "al"),
        (
            "y/.c.00000006.thirdhost-partial".to_owned(),
            "not asked for",
        ),
        ("y/.a.thirdhost-partial".to_owned(), "not ours"),
    ] {
        there.clone().with(&path, contents.as_bytes(), 1);
    }
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(summary.direct_bytes, 7);
    assert_eq!(there.contents("y/a").unwrap(), b"hello, world");
    let names = [
        "y/",
        "y/.a.thirdhost-partial",
        "y/.c.00000006.thirdhost-partial",
        "y/a",
        "y/b",
    ];
    assert_eq!(there.names(), names, "{:?}", stage.net.sent_to(SITE2));
}

/// As behind a wall that lets a user to no data connection of the server.
#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_be_listed_keeps_no_file_from_being_copied() {
    for answer in [Answer::Close, Answer::Silence, say("550 no")] {
        let mut stage = Stage::new(OTHER, nothing_odd(), times(1, "EPSV", answer));
        stage.options.resume = true;
        stage.source.clone().with("a", b"hello", 1);
        let there = stage.destination.clone().with_directory("y");
        let summary = stage.run(remote("a"), remote("y/a")).await;
        let diary = stage.diary();
        assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
        assert_eq!(there.contents("y/a").unwrap(), b"hello");
        let is_told = diary.iter().any(|line| line.contains("not looked for"));
        assert!(is_told, "{diary:?}");
    }
}

/// The size would be right in the end, and two files be mixed in one.
#[tokio::test(start_paused = true)]
async fn what_was_left_before_the_source_changed_is_no_beginning_of_it() {
    const BEFORE: u64 = 20_261_122_115_959;
    const CHANGED: u64 = 20_261_122_120_000;
    let (own, aside) = (Some("y/a"), Some(PARTIAL));
    for (features, left, time, offset) in [
        (OTHER, aside, BEFORE, 0),
        (OTHER, aside, CHANGED, 5),
        (OTHER, own, BEFORE, 0),
        (OTHER, own, CHANGED + 1, 5),
        (OURS, None, BEFORE, 0),
        (OURS, None, CHANGED, 5),
    ] {
        let odd: Odd = match left {
            Some(_) => nothing_odd(),
            None => times(
                1,
                "MLST y/a",
                Answer::Say(format!(
                    "250-\r\n X.partial=5;X.partial-modify={time}; y/a\r\n250 End\r\n"
                )),
            ),
        };
        let mut stage = Stage::new(features, nothing_odd(), odd);
        stage.options.resume = true;
        stage.source.clone().with("x/a", b"hello, world", CHANGED);
        let there = stage.destination.clone().with_directory("y");
        let there = match left {
            Some(left) => there.with(left, b"hello", time),
            None => there,
        };
        let summary = stage.tree().await;
        let diary = stage.diary();
        assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
        let begun = format!("started a at {offset}");
        assert!(
            diary.contains(&begun),
            "{features} {left:?} {time} {diary:?}"
        );
        let names = there.names();
        assert_eq!(names, ["y/", "y/a"], "{diary:?}");
    }
}

/// Tells a length that cannot be, once, after the file has arrived.
fn later_size() -> Odd {
    let asked = AtomicUsize::new(0);
    Box::new(move |line| {
        let is_second = line == format!("SIZE {PARTIAL}") && asked.fetch_add(1, Relaxed) == 1;
        is_second.then(|| say("213 77"))
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_no_beginning_of_the_file_is_begun_anew() {
    for odd in [
        times(1, "REST", say("502 not here")),
        later_size(),
        times(1, "STOR", say("550 not in the middle")),
    ] {
        let mut stage = Stage::new(OTHER, nothing_odd(), odd);
        stage.options.resume = true;
        stage.source.clone().with("x/a", b"hello, world", 1);
        let there = stage.destination.clone().with(PARTIAL, b"other", 1);
        let summary = stage.tree().await;
        let diary = stage.diary();
        assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
        let begun = diary.iter().filter(|line| line.starts_with("started"));
        let begun: Vec<&String> = begun.collect();
        assert_eq!(begun, ["started a at 5", "started a at 0"]);
        assert_eq!(there.contents("y/a").unwrap(), b"hello, world");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_goes_on_where_the_failure_was() {
    let mut stage = Stage::new(
        OTHER,
        nothing_odd(),
        times(
            1,
            "STOR",
            Answer::Say("150 soon\r\n426 broken\r\n".to_owned()),
        ),
    );
    stage.options.retries = 1;
    let source = stage.source.clone();
    source.with("x/a", b"hello, world", 20_261_122_000_000);
    stage.destination.begins_with(b"hello");
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    let started = |line: &String| line.starts_with("started");
    let mut diary = stage.diary();
    diary.retain(started);
    assert_eq!(diary, ["started a at 0", "started a at 5"]);
}

#[tokio::test(start_paused = true)]
async fn after_some_failures_in_a_row_the_rest_is_not_tried() {
    const FILES: usize = 20;
    for (code, broken, stored, tried) in [
        (426, usize::MAX, 0, 4),
        (426, 3, FILES - 3, FILES),
        // Nobody came: there is no other way to try, and each file would wait as long.
        (425, usize::MAX, 0, 4),
        (425, 3, FILES - 3, FILES),
    ] {
        let broke = Answer::Say(format!("150 soon\r\n{code} broken\r\n"));
        let mut stage = Stage::new(OTHER, nothing_odd(), times(broken, "STOR", broke));
        stage.options.retries = 0;
        stage.options.policy.via = crate::Via::Only(crate::Arrangement::Epsv);
        stage.options.policy.listen = crate::Listen::Only(crate::Side::Destination);
        for number in 0..FILES {
            let name = format!("x/{number}");
            stage.source.clone().with(&name, b"hello", 1);
        }
        let summary = stage.tree().await;
        let asked = stage.net.sent_to(SITE2);
        let asked = asked.iter().filter(|line| line.starts_with("STOR"));
        assert_eq!(asked.count(), tried, "{:?}", stage.diary());
        assert_eq!(summary.copied, stored as u64);
        assert_eq!(summary.failures.len(), FILES - stored);
        let last = summary.failures.last().unwrap();
        assert_eq!(
            last.message.starts_with("not tried: "),
            broken > 3,
            "{last:?}"
        );
        let is_unmet = code == 425 && broken == 3;
        let expected = match is_unmet {
            true => ExitCode::ThirdPartyRefused,
            false => ExitCode::Temporary,
        };
        assert_eq!(last.code, expected, "{last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_file_that_always_fails_does_not_keep_the_others_from_being_tried() {
    let broke = Answer::Say("150 soon\r\n426 broken\r\n".to_owned());
    let mut stage = Stage::new(OTHER, nothing_odd(), times(usize::MAX, "STOR y/.a.", broke));
    stage.options.retries = 5;
    for name in ["a", "b", "c"] {
        let (name, source) = (format!("x/{name}"), stage.source.clone());
        source.with(&name, b"hello", 1);
    }
    let summary = stage.tree().await;
    let diary = stage.diary();
    assert_eq!(
        (summary.copied, summary.failures.len()),
        (2, 1),
        "{diary:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_is_skipped_though_nothing_more_is_tried() {
    let broke = Answer::Say("150 soon\r\n426 broken\r\n".to_owned());
    let mut stage = Stage::new(OTHER, nothing_odd(), times(usize::MAX, "STOR", broke));
    stage.options.retries = 0;
    stage.options.existing = crate::Existing::SameSize;
    for name in ["a", "b", "c", "d", "e", "f"] {
        let (name, source) = (format!("x/{name}"), stage.source.clone());
        source.with(&name, b"hello", 1);
    }
    stage.destination.clone().with("y/f", b"hello", 1);
    let summary = stage.tree().await;
    let diary = stage.diary();
    assert_eq!(
        (summary.skipped, summary.failures.len()),
        (1, 5),
        "{diary:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_move_removes_the_source_only_when_the_copy_was_verified() {
    for (verify, code, is_left) in [
        (crate::Verify::Auto, ExitCode::Done, false),
        (crate::Verify::None, ExitCode::PartlyDone, true),
    ] {
        let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
        stage.options.moves = true;
        stage.options.policy.verify = verify;
        let source = stage.source.clone().with("a", b"hello", 1);
        let summary = stage.run(remote("a"), remote("b")).await;
        assert_eq!(summary.exit_code(), code, "{:?}", stage.diary());
        assert_eq!(source.contents("a").is_some(), is_left);
        assert_eq!(stage.destination.contents("b").unwrap(), b"hello");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_onto_the_same_server_never_removes_the_only_copy() {
    let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
    stage.options.moves = true;
    let source = stage.source.clone().with("a", b"hello", 1);
    let summary = stage
        .run_between(SITE1, SITE1, remote("a"), remote("b"))
        .await;
    assert_eq!(summary.exit_code(), ExitCode::Usage, "{:?}", stage.diary());
    assert_eq!(source.contents("a").unwrap(), b"hello");
}

#[tokio::test(start_paused = true)]
async fn what_a_listing_hides_is_neither_made_nor_copied_again() {
    for hidden in ["y/a", "y/d"] {
        let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
        stage.options.resume = true;
        stage
            .source
            .clone()
            .with("x/a", b"hello", 1)
            .with_directory("x/d");
        let there = stage.destination.clone().with("y/a", b"hello", 1);
        there.with_directory("y/d").hide(hidden);
        let summary = stage.tree().await;
        assert!(summary.failures.is_empty(), "{:?}", stage.diary());
        assert_eq!(
            (summary.copied, summary.skipped),
            (0, 1),
            "{:?}",
            stage.diary()
        );
    }
}

/// Hours may lie between two attempts. The size would be right in the end, and nobody told.
#[tokio::test(start_paused = true)]
async fn a_retry_begins_anew_where_the_source_was_replaced_meanwhile() {
    let source: Arc<OnceLock<FakeSite>> = Arc::default();
    let (there, stored) = (source.clone(), AtomicUsize::new(0));
    let replaced: Odd = Box::new(move |line| {
        let is_it = line.starts_with("STOR");
        let before = stored.fetch_add(usize::from(is_it), Relaxed);
        if is_it && before == 0 {
            let source = there.get().unwrap().clone();
            source.with("x/a", b"HELLO, WORLD", 20_261_122_000_001);
        }
        let broke = || Answer::Say("150 soon\r\n426 broken\r\n".to_owned());
        (is_it && before < 2).then(broke)
    });
    let mut stage = Stage::new(OTHER, nothing_odd(), replaced);
    stage.options.retries = 2;
    let before = stage.source.clone();
    let before = before.with("x/a", b"hello, world", 20_261_122_000_000);
    assert!(source.set(before).is_ok());
    stage.destination.begins_with(b"HELLO");
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    let found = stage.destination.contents("y/a").unwrap();
    assert_eq!(String::from_utf8_lossy(&found), "HELLO, WORLD");
    assert_eq!(stage.destination.names(), ["y/", "y/a"]);
    let mut begun = stage.diary();
    begun.retain(|line| line.starts_with("started"));
    let expected = ["started a at 0", "started a at 0", "started a at 5"];
    assert_eq!(begun, expected);
}

#[tokio::test(start_paused = true)]
async fn a_file_under_its_own_name_that_cannot_be_gone_on_with_is_not_cut() {
    let odd: Odd = Box::new(|line| match line.split(' ').next() {
        Some("REST") => Some(say("502 not here")),
        Some("STOR") => Some(say("552 full")),
        _ => None,
    });
    let mut stage = Stage::new(OTHER, nothing_odd(), odd);
    stage.options.resume = true;
    stage
        .source
        .clone()
        .with("x/a", b"hello, world", 20_261_122_000_000);
    let there = stage.destination.clone();
    let there = there.with("y/a", b"hel", 20_261_123_000_000);
    assert_eq!(stage.tree().await.exit_code(), ExitCode::Refused);
    let sent = about_files(&stage);
    assert!(sent.contains(&"REST 3".to_owned()), "{sent:?}");
    assert!(!sent.contains(&"STOR y/a".to_owned()), "{sent:?}");
    assert_eq!(there.contents("y/a").unwrap(), b"hel");
}

/// The old file has made room and the new one has no name yet.
#[tokio::test(start_paused = true)]
async fn whoever_stops_between_two_names_has_one_of_the_two_files() {
    for at in ["RNFR y/a", "RNTO y/.a.", "RNFR y/.a.", "RNTO y/a"] {
        let interrupt: Arc<OnceLock<Interrupt>> = Arc::default();
        let (stop, refused) = (interrupt.clone(), AtomicUsize::new(0));
        let odd: Odd = Box::new(move |line| {
            let is_refused = refused.load(Relaxed) > 0;
            if line.starts_with(at) && is_refused {
                stop.get().unwrap().trip();
            }
            let is_first = line == "RNTO y/a" && refused.fetch_add(1, Relaxed) == 0;
            is_first.then(|| say("553 it is there"))
        });
        let stage = Stage::new(OTHER, nothing_odd(), odd);
        interrupt.set(stage.environment.interrupt.clone()).unwrap();
        stage.source.clone().with("x/a", b"hello", 1);
        let there = stage.destination.clone().with("y/a", b"old", 1);
        let summary = stage.tree().await;
        assert_eq!(there.names(), ["y/", "y/a"], "{at} {:?}", stage.diary());
        let found = there.contents("y/a").unwrap();
        let is_whole = [&b"hello"[..], b"old"].contains(&&found[..]);
        assert!(is_whole, "{at} {found:?} {:?}", stage.diary());
        assert_eq!(summary.exit_code(), ExitCode::Stopped, "{at}");
    }
}

/// What happens to one of the renamings at a server that renames onto nothing that is there. They
/// are counted; the first is the refused one.
fn breaks_at(
    place: &Arc<OnceLock<FakeSite>>,
    (number, is_done): (usize, bool),
    then: impl Fn() -> Answer + Send + Sync + 'static,
) -> Odd {
    let (place, count, from) = (
        place.clone(),
        AtomicUsize::new(0),
        Mutex::new(String::new()),
    );
    Box::new(move |line| {
        if let Some(path) = line.strip_prefix("RNFR ") {
            *from.lock().unwrap() = path.to_owned();
        }
        let to = line.strip_prefix("RNTO ")?;
        let there = place.get().unwrap();
        if count.fetch_add(1, Relaxed) == number {
            let mut files = there.files.lock().unwrap();
            if is_done {
                let file = files.remove(&*from.lock().unwrap()).unwrap();
                files.insert(to.to_owned(), file);
            }
            return Some(then());
        }
        let is_taken = there.contents(to).is_some();
        is_taken.then(|| say("553 it is there"))
    })
}

/// The old file has made room, perhaps, and nobody knows what was carried out.
#[tokio::test(start_paused = true)]
async fn what_breaks_between_two_names_leaves_one_whole_file_and_nothing_else() {
    for (number, is_done) in [(1, false), (1, true), (2, false), (2, true)] {
        for (retries, is_stopped) in [(0, false), (1, false), (0, true)] {
            let (place, interrupt): (Arc<OnceLock<FakeSite>>, Arc<OnceLock<Interrupt>>) =
                Default::default();
            let stop = interrupt.clone();
            let odd = breaks_at(&place, (number, is_done), move || {
                if !is_stopped {
                    return Answer::Close;
                }
                stop.get().unwrap().trip();
                Answer::Silence
            });
            let mut stage = Stage::new(OTHER, nothing_odd(), odd);
            interrupt.set(stage.environment.interrupt.clone()).unwrap();
            stage.options.retries = retries;
            stage.source.clone().with("x/a", b"hello", 1);
            let there = stage.destination.clone().with("y/a", b"old", 1);
            assert!(place.set(there.clone()).is_ok());
            let began = tokio::time::Instant::now();
            let summary = stage.tree().await;
            let case = format!(
                "{number} {is_done} {retries} {is_stopped} {:?}",
                stage.diary()
            );
            let code = match retries {
                0 if is_stopped => ExitCode::Stopped,
                0 => ExitCode::Temporary,
                _ => ExitCode::Done,
            };
            assert_eq!(summary.exit_code(), code, "{case}");
            assert_eq!(there.names(), ["y/", "y/a"], "{case}");
            let is_new = retries > 0 || (number, is_done) == (2, true);
            let expected: &[u8] = if is_new { b"hello" } else { b"old" };
            assert_eq!(there.contents("y/a").unwrap(), expected, "{case}");
            let seconds = began.elapsed().as_secs();
            assert!(!is_stopped || seconds <= 15, "{seconds} s {case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_old_file_cannot_be_put_back_it_is_told_what_it_is_called() {
    for (retries, refusal, is_stopped) in [
        (0, "450 busy", false),
        (2, "450 busy", false),
        (2, "553 no", false),
        (2, "450 busy", true),
    ] {
        let (place, interrupt): (Arc<OnceLock<FakeSite>>, Arc<OnceLock<Interrupt>>) =
            Default::default();
        let stop = interrupt.clone();
        let breaks = breaks_at(&place, (2, false), move || {
            if is_stopped {
                stop.get().unwrap().trip();
            }
            Answer::Close
        });
        let odd: Odd = Box::new(move |line| {
            let is_back = line.starts_with("RNFR") && line.ends_with(".thirdhost-replaced");
            is_back.then(|| say(refusal)).or_else(|| breaks(line))
        });
        let mut stage = Stage::new(OTHER, nothing_odd(), odd);
        interrupt.set(stage.environment.interrupt.clone()).unwrap();
        stage.options.retries = retries;
        stage.source.clone().with("x/a", b"hello", 1);
        let there = stage.destination.clone().with("y/a", b"old", 1);
        assert!(place.set(there.clone()).is_ok());
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code() == ExitCode::Stopped, is_stopped);
        let names = there.names();
        let mut left = names.iter();
        let old = left.find(|name| name.ends_with(".thirdhost-replaced"));
        let old = old.unwrap();
        assert_eq!(there.contents(old).unwrap(), b"old");
        let new = names
            .iter()
            .find(|name| name.ends_with(".thirdhost-partial"));
        assert_eq!(there.contents(new.unwrap()).unwrap(), b"hello");
        let diary = stage.diary();
        let is_told = |line: &String| line.starts_with("failed a: ") && line.contains(old);
        assert!(diary.iter().any(is_told), "{diary:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_file_that_may_not_be_removed_is_no_failure_of_the_new_one() {
    let place: Arc<OnceLock<FakeSite>> = Arc::default();
    let onto_nothing = breaks_at(&place, (usize::MAX, false), || Answer::Close);
    let odd: Odd = Box::new(move |line| match line.starts_with("DELE") {
        true => Some(say("550 not for you")),
        false => onto_nothing(line),
    });
    let stage = Stage::new(OTHER, nothing_odd(), odd);
    stage.source.clone().with("x/a", b"hello", 1);
    let there = stage.destination.clone().with("y/a", b"old", 1);
    assert!(place.set(there.clone()).is_ok());
    let summary = stage.tree().await;
    let diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
    assert_eq!(there.contents("y/a").unwrap(), b"hello");
    let names = there.names();
    let old = names
        .iter()
        .find(|name| name.ends_with(".thirdhost-replaced"));
    let is_told = |line: &String| line.starts_with("note a: ") && line.contains(old.unwrap());
    assert!(diary.iter().any(is_told), "{diary:?}");
}

/// A file does not take the place of a directory, under whatever name that is kept.
#[tokio::test(start_paused = true)]
async fn a_directory_makes_no_room_for_a_file_of_its_name() {
    for size in [None, Some("502 not known")] {
        let odd: Odd = Box::new(move |line| match line {
            "RNTO y/a" | "STOR y/a" => Some(say("550 a is a directory")),
            "PWD" => Some(say("257 \"/\" is where you are")),
            "CWD y/a" | "CWD /" => Some(say("250 you are there")),
            _ if line.starts_with("SIZE") => size.map(say),
            _ => None,
        });
        let stage = Stage::new(OTHER, nothing_odd(), odd);
        stage.source.clone().with("x/a", b"hello", 1);
        let summary = stage.tree().await;
        let diary = stage.diary();
        assert_ne!(summary.exit_code(), ExitCode::Done, "{diary:?}");
        let sent = about_files(&stage);
        assert!(!sent.contains(&"RNFR y/a".to_owned()), "{sent:?}");
    }
}

/// Where a user may store and nothing else, what cannot be seen has not been taken away.
#[tokio::test(start_paused = true)]
async fn where_a_user_may_only_store_files_get_their_own_names_at_once() {
    let odd: Odd = Box::new(|line| {
        let is_refused = ["SIZE", "RNFR", "DELE"].contains(&line.get(..4)?);
        is_refused.then(|| say("550 Not enough privileges."))
    });
    let mut stage = Stage::new(OTHER, nothing_odd(), odd);
    stage.options.retries = 2;
    for name in ["x/a", "x/b"] {
        stage.source.clone().with(name, b"hello", 1);
    }
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    let sent = about_files(&stage);
    for name in ["y/a", "y/b"] {
        assert_eq!(stage.destination.contents(name).unwrap(), b"hello");
        let stored = sent.iter().filter(|line| **line == format!("STOR {name}"));
        assert_eq!(stored.count(), 1, "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_does_not_wait_until_all_is_removed_that_earlier_runs_left() {
    let interrupt: Arc<OnceLock<Interrupt>> = Arc::default();
    let stop = interrupt.clone();
    let odd: Odd = Box::new(move |line| {
        if line.starts_with("DELE") {
            stop.get().unwrap().trip();
        }
        None
    });
    let mut stage = Stage::new(OTHER, nothing_odd(), odd);
    interrupt.set(stage.environment.interrupt.clone()).unwrap();
    stage.options.resume = true;
    stage.source.clone().with("x/a", b"hello", 1);
    for mark in 0..9 {
        let left = format!("y/.a.0000000{mark}.thirdhost-partial");
        stage.destination.clone().with(&left, b"hello, world", 1);
    }
    let ended = stage.try_run(remote("x"), remote("y")).await;
    let code = ended.map_or_else(|error| error.exit_code(), |summary| summary.exit_code());
    assert_eq!(code, ExitCode::Stopped);
    let removed = about_files(&stage);
    assert_eq!(removed.len(), 1, "{removed:?}");
}

/// A run with `--continue` takes what it finds, also what another run is still at. Once, the file
/// begins anew; again and again, that may pass; and it says nothing about names.
#[tokio::test(start_paused = true)]
async fn what_was_set_aside_and_is_gone_is_tried_again_and_not_under_its_own_name() {
    for (size, taken, retries, in_place) in [
        (None, 1, 0, 0),
        (None, 2, 1, 0),
        (None, 3, 1, 0),
        (Some("502 no"), 1, 1, 2),
    ] {
        let destination: Arc<OnceLock<FakeSite>> = Arc::default();
        let (there, renamed) = (destination.clone(), AtomicUsize::new(0));
        let taken: Odd = Box::new(move |line| {
            if let (Some(answer), true) = (size, line.starts_with("SIZE")) {
                return Some(say(answer));
            }
            let aside = line.strip_prefix("RNFR y/.")?;
            if renamed.fetch_add(1, Relaxed) < taken {
                let mut files = there.get().unwrap().files.lock().unwrap();
                files.remove(&format!("y/.{aside}"));
            }
            None
        });
        let mut stage = Stage::new(OTHER, nothing_odd(), taken);
        stage.options.retries = retries;
        for name in ["x/a", "x/b"] {
            stage.source.clone().with(name, b"hello", 1);
        }
        assert!(destination.set(stage.destination.clone()).is_ok());
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        assert_eq!(stage.destination.names(), ["y/", "y/a", "y/b"]);
        let mut sent = about_files(&stage);
        sent.retain(|line| line == "STOR y/a" || line == "STOR y/b");
        assert_eq!(sent.len(), in_place, "{sent:?} {:?}", stage.diary());
    }
}

/// Where files get their own names at once, what was there is nobody's half of a file until the
/// server has begun with it.
#[tokio::test(start_paused = true)]
async fn whoever_stops_before_the_server_has_begun_keeps_the_old_file() {
    for (written, size, kept) in [
        (None, None, Some(&b"old"[..])),
        (Some(b"he"), None, None),
        (None, Some("502 not known"), Some(b"old")),
        (None, Some("450 busy"), Some(b"old")),
        (Some(b"he"), Some("502 not known"), Some(b"he")),
    ] {
        let destination: Arc<OnceLock<FakeSite>> = Arc::default();
        let interrupt: Arc<OnceLock<Interrupt>> = Arc::default();
        let (there, stop) = (destination.clone(), interrupt.clone());
        let odd: Odd = Box::new(move |line| {
            if line.starts_with("STOR y/.") {
                return Some(say("553 no names with dots"));
            }
            if line.starts_with("SIZE") && size.is_some() {
                return size.map(say);
            }
            (line == "STOR y/a").then(|| {
                if let Some(written) = written {
                    there.get().unwrap().clone().with("y/a", written, 1);
                }
                stop.get().unwrap().trip();
                Answer::Silence
            })
        });
        let stage = Stage::new(OTHER, nothing_odd(), odd);
        interrupt.set(stage.environment.interrupt.clone()).unwrap();
        stage.source.clone().with("x/a", b"hello", 1);
        let there = stage.destination.clone().with("y/a", b"old", 1);
        assert!(destination.set(there.clone()).is_ok());
        assert_eq!(stage.tree().await.exit_code(), ExitCode::Stopped);
        let found = there.contents("y/a");
        assert_eq!(found.as_deref(), kept, "{:?}", about_files(&stage));
    }
}

/// A copy was killed between the two names, and the next ones had no room to make. What it left may
/// be all that there is of a file: it stays, and nothing of this run does.
#[tokio::test(start_paused = true)]
async fn what_made_room_for_a_copy_that_was_killed_is_not_in_the_way() {
    let destination: Arc<OnceLock<FakeSite>> = Arc::default();
    let there = destination.clone();
    let onto_nothing: Odd = Box::new(move |line| {
        let to = line.strip_prefix("RNTO ")?;
        let is_taken = there.get().unwrap().contents(to).is_some();
        is_taken.then(|| say("553 it is there"))
    });
    let stage = Stage::new(OTHER, nothing_odd(), onto_nothing);
    stage.source.clone().with("x/a", b"hello", 1);
    let there = stage.destination.clone().with("y/a", b"old", 1);
    let there = there.with("y/.a.thirdhost-replaced", b"older", 1);
    let there = there.with("y/.a.0a1b2c3d.thirdhost-replaced", b"older", 1);
    assert!(destination.set(there.clone()).is_ok());
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(there.contents("y/a").unwrap(), b"hello");
    let names = [
        "y/",
        "y/.a.0a1b2c3d.thirdhost-replaced",
        "y/.a.thirdhost-replaced",
        "y/a",
    ];
    assert_eq!(there.names(), names);
    let sent = about_files(&stage);
    assert!(!sent.contains(&"STOR y/a".to_owned()), "{sent:?}");
}

/// Tells of `partial` under the name `b` as one of ours does, once a STOR was begun.
fn keeps_partial(partial: &'static [u8], broken: usize) -> Odd {
    let stored = AtomicUsize::new(0);
    Box::new(move |line| match line.split_once(' ') {
        Some(("STOR", _)) if stored.fetch_add(1, Relaxed) < broken => {
            Some(Answer::Say("150 soon\r\n426 broken\r\n".to_owned()))
        }
        Some(("MLST", "b")) if (1..=broken).contains(&stored.load(Relaxed)) => {
            let length = partial.len();
            let facts = format!("X.partial={length};X.partial-modify=20261123000000;");
            Some(Answer::Say(format!("250-\r\n {facts} b\r\n250 End\r\n")))
        }
        _ => None,
    })
}

/// The attempts in between may end before their first octet, and what was kept before stays.
#[tokio::test(start_paused = true)]
async fn what_is_kept_of_a_file_that_was_replaced_is_gone_on_with_by_no_later_attempt() {
    let source: Arc<OnceLock<FakeSite>> = Arc::default();
    let (there, asked) = (source.clone(), AtomicUsize::new(0));
    let replaced: Odd = Box::new(move |line| {
        let is_it = line.starts_with("RETR");
        match asked.fetch_add(usize::from(is_it), Relaxed) {
            0 if is_it => {
                let source = there.get().unwrap().clone();
                source.with("a", b"HELLO, WORLD", 20_261_122_000_001);
                None
            }
            1 if is_it => Some(say("450 busy")),
            _ => None,
        }
    });
    let mut stage = Stage::new(OURS, replaced, keeps_partial(b"hello", 2));
    stage.options.retries = 2;
    let before = stage.source.clone();
    let before = before.with("a", b"hello, world", 20_261_122_000_000);
    assert!(source.set(before).is_ok());
    let summary = stage.run(remote("a"), remote("b")).await;
    let mut diary = stage.diary();
    assert_eq!(summary.exit_code(), ExitCode::Done, "{diary:?}");
    let found = stage.destination.contents("b").unwrap();
    assert_eq!(String::from_utf8_lossy(&found), "HELLO, WORLD");
    diary.retain(|line| line.starts_with("started"));
    assert_eq!(diary, vec!["started a at 0"; 3]);
}

/// Neither is the time told by a listing, nor by MLST, as at vsftpd.
#[tokio::test(start_paused = true)]
async fn a_source_without_mlst_is_asked_for_its_time_before_an_attempt_goes_on() {
    const LONG: usize = (16 << 20) + 1;
    for (length, is_replaced, has_mdtm, begun) in [
        (12, true, true, &[0, 0, 5][..]),
        (12, false, true, &[0, 0, 5]),
        (12, false, false, &[0, 0, 0]),
        (LONG, true, true, &[0, 0, 5]),
        (LONG, false, true, &[0, 5]),
        (LONG, false, false, &[0, 0, 0]),
    ] {
        let broken = begun.len() - 1;
        let source: Arc<OnceLock<FakeSite>> = Arc::default();
        let (there, stored) = (source.clone(), AtomicUsize::new(0));
        let breaks: Odd = Box::new(move |line| {
            let is_it = line.starts_with("STOR");
            let before = stored.fetch_add(usize::from(is_it), Relaxed);
            if is_it && before == 0 && is_replaced {
                let source = there.get().unwrap().clone();
                source.with("a", &vec![b'n'; length], 20_261_122_000_001);
            }
            let broke = || Answer::Say("150 soon\r\n426 broken\r\n".to_owned());
            (is_it && before < broken).then(broke)
        });
        let no_mdtm: Odd = Box::new(move |line| {
            let is_it = !has_mdtm && line.starts_with("MDTM");
            is_it.then(|| say("502 not known"))
        });
        let mut stage = Stage::unlike(["SIZE,REST STREAM", OTHER], no_mdtm, breaks);
        stage.options.retries = 2;
        let before = stage.source.clone();
        let before = before.with("a", &vec![b'o'; length], 20_261_122_000_000);
        assert!(source.set(before).is_ok());
        stage.destination.begins_with(b"ooooo");
        let summary = stage.run(remote("a"), remote("b")).await;
        let mut diary = stage.diary();
        let case = format!("{length} {is_replaced} {has_mdtm} {diary:?}");
        assert_eq!(summary.exit_code(), ExitCode::Done, "{case}");
        diary.retain(|line| line.starts_with("started"));
        let expected: Vec<_> = begun
            .iter()
            .map(|at| format!("started a at {at}"))
            .collect();
        assert_eq!(diary, expected, "{case}");
        let first = stage.net.sent_to(SITE1);
        let asked = first.iter().position(|line| line.starts_with("MDTM"));
        let sent = first.iter().position(|line| line.starts_with("RETR"));
        assert_eq!(asked < sent, length == LONG, "{first:?}");
    }
}

/// A long tree is planned hours before its last file begins.
#[tokio::test(start_paused = true)]
async fn the_first_attempt_goes_on_with_nothing_that_is_older_than_the_source_by_then() {
    for (changed, offset) in [
        (20_261_122_000_000, 5),
        (20_261_122_000_001, 0),
        (20_261_123_000_001, 0),
    ] {
        for (left, contents, features) in
            [(PARTIAL, "hello", OTHER), ("y/a", "hello, world", OTHER)]
        {
            let source: Arc<OnceLock<FakeSite>> = Arc::default();
            let there = source.clone();
            let replaced: Odd = Box::new(move |line| {
                if line.starts_with("SIZE y/") {
                    let source = there.get().unwrap().clone();
                    source.with("x/a", b"hello, world", changed);
                }
                None
            });
            let mut stage = Stage::new(features, nothing_odd(), replaced);
            stage.options.resume = true;
            let before = stage.source.clone();
            let before = before.with("x/a", b"hello, world", 20_261_122_000_000);
            assert!(source.set(before).is_ok());
            let there = stage.destination.clone();
            there
                .with(left, contents.as_bytes(), 20_261_123_000_000)
                .hide("y/a");
            stage.tree().await;
            let mut diary = stage.diary();
            diary.retain(|line| line.starts_with("started") || line.starts_with("skipped"));
            let expected = match (left, offset) {
                ("y/a", 5) => "skipped a".to_owned(),
                _ => format!("started a at {offset}"),
            };
            assert_eq!(diary, [expected], "{left} {changed}");
        }
    }
}
