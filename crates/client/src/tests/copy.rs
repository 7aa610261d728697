//! Trees between two scripted servers, and between one and this host.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::stage::{OTHER, OURS, Odd, SITE1, SITE2, Stage, local, nothing_odd, remote, times};
use crate::fake::{Answer, say};
use crate::fake_site::{RECEIVED_AT, SLASH};
use crate::{Copy, Environment, Existing, ExitCode, Filter, Root};

#[tokio::test(start_paused = true)]
async fn a_tree_goes_from_server_to_server_over_one_arrangement() {
    let stage = Stage::plain();
    let source = stage.source.clone();
    source
        .with("x/a b", b"hello", 20_200_101_000_000)
        .with("x/d/e/näme\"", b"deep", 20_200_102_000_000)
        .with("x/empty", b"", 20_200_103_000_000)
        .with_directory("x/void");
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(
        (summary.copied, summary.direct_bytes, summary.relayed_bytes),
        (3, 9, 0)
    );
    assert_eq!(
        stage.destination.names(),
        [
            "y/",
            "y/a b",
            "y/d/",
            "y/d/e/",
            "y/d/e/näme\"",
            "y/empty",
            "y/void/"
        ]
    );
    assert_eq!(stage.destination.contents("y/a b").unwrap(), b"hello");
    let files = stage.destination.files.lock().unwrap();
    assert_eq!(
        files["y/empty"],
        Some((Vec::new(), 20_200_103_000_000)),
        "the time is kept"
    );
    let sent = stage.net.sent_to(SITE2);
    let arranged = sent.iter().filter(|line| line.starts_with("LSTN")).count();
    assert_eq!(arranged, 1, "{sent:?}");
}

//= security#S-24
//= type=test
#[tokio::test(start_paused = true)]
async fn names_of_a_hostile_server_stay_below_the_destination() {
    for hostile in ["..", "../up", "/etc/x", "a/../../b", "e\u{1b}[2Jsc"] {
        let directory = tempfile::tempdir().unwrap();
        let stage = Stage::plain();
        let name = hostile.replace('/', SLASH);
        let source = stage.source.clone().with("x/good", b"good", 1);
        source.with(&format!("x/{name}"), b"evil", 1);
        let root = directory.path().join("inner");
        let summary = stage.run(remote("x"), local(&root)).await;
        assert_eq!(std::fs::read(root.join("good")).unwrap(), b"good");
        let found: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(found.len(), 1, "{hostile:?}: {found:?}");
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 1, "{hostile:?}");
        // `..` is how a listing names the parent and is left out in silence.
        let expected = if hostile == ".." {
            ExitCode::Done
        } else {
            ExitCode::PartlyDone
        };
        assert_eq!(
            summary.exit_code(),
            expected,
            "{hostile:?} {:?}",
            stage.diary()
        );
        let retrieved = stage.net.sent_to(SITE1);
        assert!(
            !retrieved
                .iter()
                .any(|line| line.contains("RETR") && line.contains(".."))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tree_goes_from_this_host_and_comes_back_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (out, back) = (directory.path().join("out"), directory.path().join("back"));
    std::fs::create_dir_all(out.join("d/void")).unwrap();
    std::fs::write(out.join("d/file"), vec![7; 200_000]).unwrap();
    std::fs::write(out.join("empty"), b"").unwrap();
    let stage = Stage::plain();
    let stored = stage.run(local(&out), remote("y")).await;
    assert_eq!(
        (stored.copied, stored.local_bytes),
        (2, 200_000),
        "{:?}",
        stage.diary()
    );
    *stage.source.files.lock().unwrap() = stage.destination.files.lock().unwrap().clone();
    let fetched = stage.run(remote("y"), local(&back)).await;
    assert_eq!(fetched.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert_eq!(
        std::fs::read(back.join("d/file")).unwrap(),
        vec![7; 200_000]
    );
    assert!(back.join("d/void").is_dir() && back.join("empty").is_file());
    let time = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
    let difference = time(&out.join("empty")).duration_since(time(&back.join("empty")));
    assert!(difference.unwrap_or_default() < Duration::from_secs(1));
}

/// As `lftp mirror` and `rclone copy` do, and as it is at this host.
#[tokio::test(start_paused = true)]
async fn the_directories_above_that_of_a_tree_are_made_too() {
    for features in [OURS, OTHER] {
        let there = Mutex::new(vec!["a".to_owned()]);
        let strict: Odd = Box::new(move |line| {
            let path = line.strip_prefix("MKD ")?;
            let mut there = there.lock().unwrap();
            let has = |there: &[String], path: &str| there.iter().any(|made| made == path);
            let parent = path.rsplit_once('/').map(|(parent, _)| parent);
            if has(&there, path) || !parent.is_none_or(|parent| has(&there, parent)) {
                return Some(say("550 no"));
            }
            there.push(path.to_owned());
            None
        });
        let stage = Stage::new(features, nothing_odd(), strict);
        stage.source.clone().with("x/d/f", b"hello", 1);
        stage.destination.clone().with_directory("a");
        let summary = stage.run(remote("x"), remote("a/b/c/y")).await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        let names = [
            "a/",
            "a/b/",
            "a/b/c/",
            "a/b/c/y/",
            "a/b/c/y/d/",
            "a/b/c/y/d/f",
        ];
        assert_eq!(stage.destination.names(), names);
    }
}

/// The hint says what to do, so it has to be true; and what was made was not nothing.
#[tokio::test(start_paused = true)]
async fn a_directory_that_is_refused_says_that_what_is_above_is_missing_only_if_it_is() {
    const PLAIN: &str = "SIZE,REST STREAM";
    for (features, there, refused, hints, code, made) in [
        (OTHER, "a", &["a/b/y"][..], false, ExitCode::PartlyDone, 1),
        (OTHER, "a", &["a/b", "a/b/y"], true, ExitCode::Refused, 0),
        (PLAIN, "a/b", &["a/b", "a/b/y"], false, ExitCode::Refused, 0),
        (PLAIN, "a", &["a/b", "a/b/y"], true, ExitCode::Refused, 0),
        (PLAIN, "b", &["a", "a/y"], true, ExitCode::Refused, 0),
        (PLAIN, "a", &["a", "a/y"], false, ExitCode::Refused, 0),
    ] {
        let strict: Odd = Box::new(move |line| {
            let path = line.strip_prefix("MKD ")?;
            refused.contains(&path).then(|| say("550 no"))
        });
        let stage = Stage::unlike([OTHER, features], nothing_odd(), strict);
        stage.source.clone().with("x/f", b"hello", 1);
        for (at, _) in format!("{there}/").match_indices('/') {
            stage.destination.clone().with_directory(&there[..at]);
        }
        let to = refused.last().unwrap();
        let summary = stage.run(remote("x"), remote(to)).await;
        let said = &summary.failures[0].message;
        assert_eq!(said.contains("is missing"), hints, "{refused:?} {said}");
        assert_eq!(
            (summary.exit_code(), summary.directories),
            (code, made),
            "{refused:?}"
        );
        let told = stage
            .diary()
            .iter()
            .filter(|line| line.starts_with("made"))
            .count();
        assert_eq!(told as u64, made);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_fails_does_not_stop_the_others() {
    let refuses: Odd = Box::new(|line| (line == "STOR y/b").then(|| say("553 no")));
    let stage = Stage::new(OURS, nothing_odd(), refuses);
    let source = stage.source.clone();
    source
        .with("x/a", b"a", 1)
        .with("x/b", b"b", 1)
        .with("x/c", b"c", 1);
    let summary = stage.tree().await;
    assert_eq!(summary.exit_code(), ExitCode::PartlyDone);
    assert_eq!(summary.failures.len(), 1);
    assert_eq!(summary.failures[0].name, "b");
    assert!(summary.failures[0].message.contains("553 no"));
    assert_eq!(stage.destination.names(), ["y/", "y/a", "y/c"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_replaced_or_left_as_asked() {
    for (existing, resume, copied) in [
        (
            Existing::Replace,
            false,
            vec!["new", "newer", "older", "shorter"],
        ),
        (Existing::Update, false, vec!["new", "newer"]),
        (Existing::SameSize, false, vec!["new", "shorter"]),
        (Existing::Keep, false, vec!["new"]),
        (Existing::Replace, true, vec!["new", "shorter"]),
    ] {
        let mut stage = Stage::plain();
        stage.options.existing = existing;
        stage.options.resume = resume;
        let (old, late) = (20_200_101_000_000, RECEIVED_AT + 1);
        let source = stage.source.clone().with("x/new", b"1234", old);
        source
            .with("x/newer", b"1234", late)
            .with("x/older", b"1234", old)
            .with("x/shorter", b"1234", old);
        let there = stage
            .destination
            .clone()
            .with("y/newer", b"abcd", RECEIVED_AT);
        there
            .with("y/older", b"abcd", RECEIVED_AT)
            .with("y/shorter", b"abc", RECEIVED_AT);
        stage.tree().await;
        let done: Vec<String> = stage
            .diary()
            .iter()
            .filter_map(|line| {
                line.strip_prefix("done ")?
                    .split(' ')
                    .next()
                    .map(str::to_owned)
            })
            .collect();
        assert_eq!(done, copied, "{existing:?} {resume}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_told_by_the_exit_code() {
    let mut stage = Stage::plain();
    stage.options.existing = Existing::Keep;
    stage.source.clone().with("x/a", b"a", 1);
    stage.destination.clone().with("y/a", b"b", 1);
    assert_eq!(stage.tree().await.exit_code(), ExitCode::NothingToDo);
}

#[tokio::test(start_paused = true)]
async fn delete_removes_what_the_source_has_not_and_a_dry_run_changes_nothing() {
    for dry_run in [true, false] {
        let mut stage = Stage::plain();
        stage.options.delete = true;
        stage.options.dry_run = dry_run;
        stage.options.filter = Filter::new(&[], &["*.keep".to_owned()]).unwrap();
        stage.source.clone().with("x/a", b"a", 1);
        let there = stage
            .destination
            .clone()
            .with("y/b", b"b", 1)
            .with("y/d/c", b"c", 1);
        there.with("y/k/x.keep", b"k", 1);
        let before = stage.destination.names();
        let summary = stage.tree().await;
        assert_eq!(
            (summary.copied, summary.deleted),
            (1, 3),
            "{:?}",
            stage.diary()
        );
        let removed: Vec<String> = stage
            .diary()
            .into_iter()
            .filter(|line| line.starts_with("removed"))
            .collect();
        assert_eq!(removed, ["removed d/c", "removed d", "removed b"]);
        let after = stage.destination.names();
        if dry_run {
            assert_eq!(after, before);
        } else {
            assert_eq!(after, ["y/", "y/a", "y/k/", "y/k/x.keep"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_after_a_failure() {
    let refuses: Odd = Box::new(|line| (line == "RETR x/a").then(|| say("550 no")));
    let mut stage = Stage::new(OURS, refuses, nothing_odd());
    stage.options.delete = true;
    stage.source.clone().with("x/a", b"a", 1);
    stage.destination.clone().with("y/b", b"b", 1);
    let summary = stage.tree().await;
    assert_eq!(summary.deleted, 0, "{:?}", stage.diary());
    assert!(stage.destination.names().contains(&"y/b".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_file_is_gone_on_with_where_it_ended() {
    // What is there, what our server says it kept, and where the copy goes on.
    for (there, partial, offset) in [
        (Some("hel"), None, 3),
        (None, Some(2), 2),
        (Some("hello, world and more"), None, 0),
        (None, Some(99), 0),
        (None, None, 0),
    ] {
        let kept: Odd = Box::new(move |line| {
            let line = line.strip_prefix("MLST y/a")?;
            let kept = partial?;
            Some(Answer::Say(format!(
                "250-\r\n X.partial={kept}; y/a{line}\r\n250 End\r\n"
            )))
        });
        let features = if partial.is_some() { OURS } else { OTHER };
        let mut stage = Stage::new(features, nothing_odd(), kept);
        stage.options.resume = true;
        stage.source.clone().with("x/a", b"hello, world", 1);
        let mut destination = stage.destination.clone().with_directory("y");
        if let Some(there) = there.or(partial.map(|_| "he")) {
            destination = destination.with("y/a", there.as_bytes(), 1);
        }
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        assert!(
            stage.diary().contains(&format!("started a at {offset}")),
            "{:?}",
            stage.diary()
        );
        assert_eq!(destination.contents("y/a").unwrap(), b"hello, world");
        let restarted = format!("REST {offset}");
        for site in [SITE1, SITE2] {
            assert_eq!(stage.net.sent_to(site).contains(&restarted), offset > 0);
        }
        assert_eq!(summary.direct_bytes, 12 - offset);
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_fetch_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let mut stage = Stage::plain();
    stage.options.resume = true;
    stage.source.clone().with("x/a", b"hello, world", 1);
    let to = directory.path().join("y");
    std::fs::create_dir(&to).unwrap();
    std::fs::write(to.join(".a.thirdhost-partial"), b"hello").unwrap();
    stage.run(remote("x"), local(&to)).await;
    assert_eq!(std::fs::read(to.join("a")).unwrap(), b"hello, world");
    assert!(stage.net.sent_to(SITE1).contains(&"REST 5".to_owned()));
    assert_eq!(
        std::fs::read_dir(&to).unwrap().count(),
        1,
        "the partial is left over"
    );
}

/// Up to a minute passes between two attempts.
#[tokio::test(start_paused = true)]
async fn what_a_fetch_left_is_its_own_until_the_next_attempt() {
    for replaces in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let partial = directory.path().join(".a.thirdhost-partial");
        let (there, has_failed) = (partial.clone(), AtomicBool::new(false));
        let held: Arc<Mutex<Vec<bool>>> = Arc::default();
        let seen = held.clone();
        let breaks: Odd = Box::new(move |line| {
            if line.starts_with("RETR") && !has_failed.swap(true, Relaxed) {
                return Some(Answer::Say("150 soon\r\n426 broken\r\n".to_owned()));
            }
            if line.starts_with("MLST") && has_failed.load(Relaxed) {
                let file = std::fs::File::open(&there).unwrap();
                seen.lock().unwrap().push(file.try_lock().is_err());
                if replaces {
                    std::fs::remove_file(&there).unwrap();
                    std::fs::write(&there, "HELLO, WO").unwrap();
                }
            }
            None
        });
        let stage = Stage::new(OTHER, breaks, nothing_odd());
        stage.source.clone().with("a", b"hello, world", 1);
        let to = directory.path().join("a");
        let summary = stage.run(remote("a"), local(&to)).await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        let found = std::fs::read(&to).unwrap();
        assert_eq!(String::from_utf8_lossy(&found), "hello, world");
        assert_eq!(*held.lock().unwrap(), [true]);
        assert!(!partial.exists());
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_another_copy_is_fetching_may_come_later() {
    for ends in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let partial = directory.path().join(".a.thirdhost-partial");
        std::fs::write(&partial, "HELLO").unwrap();
        let other = std::fs::File::open(&partial).unwrap();
        other.lock().unwrap();
        let (other, looks) = (Mutex::new(Some(other)), AtomicUsize::new(0));
        let ending: Odd = Box::new(move |line| {
            let is_look = line.starts_with("MLST");
            if is_look && looks.fetch_add(1, Relaxed) == 2 && ends {
                other.lock().unwrap().take();
            }
            None
        });
        let stage = Stage::new(OTHER, ending, nothing_odd());
        stage.source.clone().with("a", b"hello, world", 1);
        let to = directory.path().join("a");
        let summary = stage.run(remote("a"), local(&to)).await;
        let (code, pauses) = match ends {
            true => (ExitCode::Done, 2),
            false => (ExitCode::Temporary, 3),
        };
        assert_eq!(summary.exit_code(), code, "{:?}", stage.diary());
        let mut diary = stage.diary();
        diary.retain(|line| line.starts_with("again"));
        assert_eq!(diary.len(), pauses, "{diary:?}");
        assert_eq!(partial.exists(), !ends);
        assert_eq!(
            std::fs::read(&to).ok(),
            ends.then(|| b"hello, world".to_vec())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_with_growing_pauses_and_what_may_not_is_not() {
    for (answer, count, code, again) in [
        (
            say("450 busy"),
            2,
            ExitCode::Done,
            vec!["again a after 1s", "again a after 2s"],
        ),
        (Answer::Close, 1, ExitCode::Done, vec!["again a after 1s"]),
        (say("421 bye"), 1, ExitCode::Done, vec!["again a after 1s"]),
        (say("552 full"), 1, ExitCode::Refused, vec![]),
    ] {
        let stage = Stage::new(OTHER, nothing_odd(), times(count, "STOR", answer.clone()));
        stage.source.clone().with("a", b"hello", 1);
        let summary = stage.run(remote("a"), remote("b")).await;
        assert_eq!(summary.exit_code(), code, "{answer:?} {:?}", stage.diary());
        let mut found = stage.diary();
        found.retain(|line| line.starts_with("again"));
        assert_eq!(found, again, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_files_at_once_as_the_sites_allow() {
    for allowed in [1, 2, 9] {
        let sessions = Arc::new(Mutex::new(0));
        let count = sessions.clone();
        let limited: Odd = Box::new(move |line| {
            let mut sessions = count.lock().unwrap();
            *sessions += u32::from(line.is_empty());
            (line.is_empty() && *sessions > allowed).then(|| say("421 too many"))
        });
        let mut stage = Stage::new(OURS, nothing_odd(), limited);
        stage.options.jobs = 4;
        for name in ["a", "b", "c", "d", "e", "f"] {
            stage.source.clone().with(&format!("x/{name}"), b"1", 1);
        }
        stage.options.policy.via = crate::Via::Only(crate::Arrangement::Lstn);
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        assert_eq!(summary.copied, 6);
        let noted = stage
            .diary()
            .iter()
            .any(|line| line.starts_with("note no more"));
        assert_eq!(noted, allowed < 4, "{:?}", stage.diary());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_aborts_both_and_leaves_nothing_half_done() {
    for (features, is_removed) in [(OURS, false), (OTHER, true)] {
        let environment: Arc<Mutex<Option<Environment>>> = Arc::default();
        let here = environment.clone();
        let stops: Odd = Box::new(move |line| match line.split(' ').next() {
            Some("STOR") => {
                here.lock().unwrap().as_ref().unwrap().interrupt.trip();
                Some(say("150 here"))
            }
            Some("ABOR") => Some(Answer::Say("426 broken\r\n226 aborted\r\n".to_owned())),
            _ => None,
        });
        let runs: Odd = Box::new(|line| match line.split(' ').next() {
            Some("RETR") => Some(say("150 here")),
            Some("ABOR") => Some(Answer::Say("426 broken\r\n226 aborted\r\n".to_owned())),
            _ => None,
        });
        let stage = Stage::new(features, runs, stops);
        *environment.lock().unwrap() = Some(stage.environment.clone());
        stage
            .source
            .clone()
            .with("x/a", b"a", 1)
            .with("x/b", b"b", 1);
        let summary = stage.tree().await;
        assert_eq!(summary.exit_code(), ExitCode::Stopped);
        for site in [SITE1, SITE2] {
            let sent = stage.net.sent_to(site);
            assert!(sent.contains(&"ABOR".to_owned()), "{sent:?}");
            let transfers = ["RETR", "STOR"]
                .map(|verb| sent.iter().filter(|line| line.starts_with(verb)).count());
            assert_eq!(
                transfers.iter().sum::<usize>(),
                1,
                "it went on after the stop"
            );
        }
        let sent = stage.net.sent_to(SITE2);
        let removed = sent.iter().any(|line| line.starts_with("DELE y/.a."));
        assert_eq!(removed, is_removed);
    }
}

const HASHES: &str = "SIZE,HASH SHA-256*;MD5,MLST type*;size*;";

#[tokio::test(start_paused = true)]
async fn the_strongest_hash_both_know_is_compared() {
    let stage = Stage::new(HASHES, nothing_odd(), nothing_odd());
    stage.source.clone().with("a", b"hello", 1);
    stage.run(remote("a"), remote("b")).await;
    assert!(
        stage.diary().contains(&"done a SHA-256".to_owned()),
        "{:?}",
        stage.diary()
    );

    let lies: Odd = Box::new(|line| {
        line.starts_with("HASH")
            .then(|| say(&format!("213 SHA-256 0-5 {:064x} b", 7)))
    });
    let stage = Stage::new(HASHES, nothing_odd(), lies);
    stage.source.clone().with("a", b"hello", 1);
    let summary = stage.run(remote("a"), remote("b")).await;
    assert_eq!(
        summary.exit_code(),
        ExitCode::VerificationFailed,
        "{:?}",
        stage.diary()
    );
}

#[tokio::test(start_paused = true)]
async fn files_of_the_same_hash_are_left() {
    let mut stage = Stage::new(HASHES, nothing_odd(), nothing_odd());
    stage.options.existing = Existing::SameHash;
    stage
        .source
        .clone()
        .with("x/a", b"hello", 1)
        .with("x/b", b"hello", 1);
    stage
        .destination
        .clone()
        .with("y/a", b"hello", 1)
        .with("y/b", b"HELLO", 1);
    let summary = stage.tree().await;
    assert_eq!(
        (summary.copied, summary.skipped),
        (1, 1),
        "{:?}",
        stage.diary()
    );
    assert_eq!(stage.destination.contents("y/b").unwrap(), b"hello");
}

#[tokio::test(start_paused = true)]
async fn hashes_are_compared_with_files_of_this_host_too() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path().join("here");
    std::fs::create_dir(&here).unwrap();
    for (there, left) in [("hello", 1), ("HELLO", 0)] {
        let mut stage = Stage::new(HASHES, nothing_odd(), nothing_odd());
        stage.options.existing = Existing::SameHash;
        stage.source.clone().with("x/a", b"hello", 1);
        std::fs::write(here.join("a"), there).unwrap();
        let fetched = stage.run(remote("x"), local(&here)).await;
        assert_eq!(fetched.skipped, left, "{:?}", stage.diary());
        assert_eq!(std::fs::read(here.join("a")).unwrap(), b"hello");

        let away = stage.destination.clone().with("y/a", there.as_bytes(), 1);
        let stored = stage.run(local(&here), remote("y")).await;
        assert_eq!(stored.skipped, left, "{:?}", stage.diary());
        assert_eq!(away.contents("y/a").unwrap(), b"hello");
        let proven = stage
            .diary()
            .iter()
            .filter(|line| *line == "done a SHA-256")
            .count();
        assert_eq!(proven, if left == 1 { 0 } else { 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_of_another_hash_never_appears_here() {
    let directory = tempfile::tempdir().unwrap();
    let lies: Odd = Box::new(|line| {
        let hash = "0".repeat(64);
        line.starts_with("HASH")
            .then(|| say(&format!("213 SHA-256 0-5 {hash} a")))
    });
    let stage = Stage::new(HASHES, lies, nothing_odd());
    stage.source.clone().with("x/a", b"hello", 1);
    let summary = stage.run(remote("x"), local(directory.path())).await;
    assert_eq!(
        summary.exit_code(),
        ExitCode::VerificationFailed,
        "{:?}",
        stage.diary()
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hash_that_is_demanded_and_not_told_is_no_success() {
    let directory = tempfile::tempdir().unwrap();
    for to_here in [true, false] {
        let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
        stage.options.policy.verify = crate::Verify::Hash;
        stage.source.clone().with("x/a", b"hello", 1);
        let to = if to_here {
            local(directory.path())
        } else {
            remote("y")
        };
        let summary = stage.run(remote("x"), to).await;
        assert!(
            summary.failures[0].message.contains("hash"),
            "{:?}",
            stage.diary()
        );
        assert_eq!(summary.copied, 0);
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_link_in_the_destination_that_leads_out_is_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let (inside, outside) = (place.path().join("in"), place.path().join("out"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink("../out", inside.join("d")).unwrap();
    std::fs::write(outside.join("kept"), "old").unwrap();
    std::os::unix::fs::symlink("../out/kept", inside.join("kept")).unwrap();
    let mut stage = Stage::plain();
    stage.options.delete = true;
    stage
        .source
        .clone()
        .with("x/d/f", b"evil", 1)
        .with("x/kept", b"new", 1);
    let summary = stage.run(remote("x"), local(&inside)).await;
    assert_eq!(
        summary.exit_code(),
        ExitCode::PartlyDone,
        "{:?}",
        stage.diary()
    );
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(std::fs::read(outside.join("kept")).unwrap(), b"old");
    let kept = inside.join("kept");
    assert_eq!(
        std::fs::read(&kept).unwrap(),
        b"new",
        "the link is replaced, not followed"
    );
    assert!(std::fs::symlink_metadata(&kept).unwrap().is_file());
}

/// Where other sources come first, a server would end it in silence.
#[tokio::test(start_paused = true)]
async fn what_a_look_left_open_is_used_by_the_copy_or_closed() {
    for closes in [false, true] {
        let stage = Stage::plain();
        stage.source.clone().with("x/a", b"hello", 1);
        let copy = Copy {
            from: Some(stage.site(SITE1)),
            to: Some(stage.site(SITE2)),
            options: stage.options.clone(),
            watcher: stage.diary.clone(),
            environment: stage.environment.clone(),
        };
        assert_eq!(copy.expand(&remote("x/*")).await.unwrap(), [remote("x/a")]);
        let site = copy.from.as_ref().unwrap();
        if closes {
            site.close().await;
            assert_eq!(stage.net.sent_to(SITE1).last().unwrap(), "QUIT");
        }
        let (from, to) = (remote("x/a"), remote("a"));
        let summary = copy.run(&[Root { from, to }]).await.unwrap();
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        let sent = stage.net.sent_to(SITE1);
        let logins = sent.iter().filter(|line| line.starts_with("USER")).count();
        assert_eq!(logins, 1 + usize::from(closes), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn workers_log_in_while_the_first_of_them_looks() {
    let mut stage = Stage::new(OTHER, nothing_odd(), nothing_odd());
    stage.options.jobs = 3;
    stage.source.clone().with("x/only", b"one", 1);
    assert_eq!(stage.tree().await.exit_code(), ExitCode::Done);
    assert_eq!(stage.destination.contents("y/only").unwrap(), b"one");
    for site in [SITE1, SITE2] {
        let sent = stage.net.sent_to(site);
        let at = |verb: &str| {
            sent.iter()
                .rposition(|line| line.starts_with(verb))
                .unwrap()
        };
        assert!(at("USER") < at("TYPE I"), "{sent:?}");
        assert_eq!(
            sent.iter().filter(|line| line.starts_with("USER")).count(),
            3
        );
    }
}
