//! How far a file is that does not pass this host, and what becomes of one that stalls.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::stage::{OTHER, OURS, Odd, SITE1, SITE2, Stage, local, nothing_odd, remote};
use crate::ExitCode;
use crate::fake::{Answer, Later, say};

/// 150, and the end so many seconds later.
fn slowly(seconds: u64) -> Answer {
    let end = async move {
        let never = std::future::pending::<()>();
        let _over = tokio::time::timeout(Duration::from_secs(seconds), never).await;
        "226 done\r\n".to_owned()
    };
    Answer::Later(
        "150 soon\r\n",
        Later(Arc::new(Mutex::new(Some(end.boxed())))),
    )
}

/// Stores slowly, and is one byte further each time it is asked, up to `most`.
fn grows(seconds: u64, most: u64) -> Odd {
    let asked = Mutex::new(0);
    Box::new(move |line| {
        if line.starts_with("STOR") {
            return Some(slowly(seconds));
        }
        if line.starts_with("RN") {
            let code = if line.starts_with("RNFR") { 350 } else { 250 };
            return Some(say(&format!("{code} well")));
        }
        let is_other = line.starts_with("SIZE y/.a.");
        if !is_other && line != "MLST y/a" {
            return None;
        }
        let mut asked = asked.lock().unwrap();
        *asked = (*asked + 1).min(most);
        Some(if is_other {
            say(&format!("213 {asked}"))
        } else {
            Answer::Say(format!("250-\r\n X.partial={asked}; y/a\r\n250 End\r\n"))
        })
    })
}

async fn run(features: &'static str, [source, odd]: [Odd; 2]) -> (Stage, ExitCode) {
    let mut stage = Stage::new(features, source, odd);
    stage.options.poll = true;
    stage.options.retries = 0;
    stage.options.policy.verify = crate::Verify::None;
    stage.source.clone().with("x/a", &[7; 1000], 1);
    let code = stage.tree().await.exit_code();
    (stage, code)
}

fn told(stage: &Stage) -> Vec<String> {
    let mut diary = stage.diary();
    diary.retain(|line| line.starts_with("progress"));
    diary
}

#[tokio::test(start_paused = true)]
async fn a_direct_file_tells_how_far_it_is_once_a_second_over_one_more_connection() {
    for features in [OURS, OTHER] {
        let (stage, code) = run(features, [nothing_odd(), grows(10, 99)]).await;
        let told = told(&stage);
        assert!(
            (6..=9).contains(&told.len()),
            "{features} {code:?} {told:?}"
        );
        assert_eq!(told[0], "progress a 1");
        let calls = stage.net.calls();
        let count = |site| calls.iter().filter(|call| *call == site).count();
        assert_eq!((count(SITE1), count(SITE2)), (1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_quick_file_is_not_asked_about() {
    let (stage, _) = run(OTHER, [nothing_odd(), grows(1, 99)]).await;
    assert_eq!(told(&stage), [""; 0]);
    let calls = stage.net.calls();
    assert_eq!(calls.iter().filter(|call| *call == SITE2).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_with_no_room_for_the_question_is_not_asked_again() {
    let (greeted, grows) = (Mutex::new(0), grows(60, 99));
    let full: Odd = Box::new(move |line| {
        let mut greeted = greeted.lock().unwrap();
        *greeted += u32::from(line.is_empty());
        match line {
            "" if *greeted > 1 => Some(say("421 too many")),
            line => grows(line),
        }
    });
    let (stage, _) = run(OTHER, [nothing_odd(), full]).await;
    assert_eq!(told(&stage), [""; 0]);
    let calls = stage.net.calls();
    assert_eq!(calls.iter().filter(|call| *call == SITE2).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_stops_growing_is_aborted_at_both_and_may_be_tried_again() {
    // A server that has no answer once does not make it endless.
    for (features, silent_at) in [(OURS, 0), (OTHER, 0), (OURS, 100), (OTHER, 100)] {
        let grows = grows(0, 5);
        let asked = AtomicUsize::new(0);
        let is_silent = move |line: &str| {
            let is_question = ["MLST", "SIZE"].iter().any(|verb| line.starts_with(verb));
            let before = asked.fetch_add(usize::from(is_question), Relaxed);
            is_question && silent_at > 0 && before == silent_at
        };
        let stalls: Odd = Box::new(move |line| match line.split(' ').next() {
            _ if is_silent(line) => Some(say("451 later")),
            Some("STOR") => Some(say("150 soon")),
            Some("ABOR") => Some(Answer::Say("426 broken\r\n226 aborted\r\n".to_owned())),
            _ => grows(line),
        });
        let sends: Odd = Box::new(|line| match line.split(' ').next() {
            Some("RETR") => Some(say("150 soon")),
            Some("ABOR") => Some(Answer::Say("426 broken\r\n226 aborted\r\n".to_owned())),
            _ => None,
        });
        let (stage, code) = run(features, [sends, stalls]).await;
        let diary = stage.diary();
        assert_eq!(
            code,
            ExitCode::PartlyDone,
            "the directory was made: {diary:?}"
        );
        assert!(
            diary.last().unwrap().contains("received nothing more"),
            "{diary:?}"
        );
        assert!(stage.net.sent_to(SITE1).contains(&"ABOR".to_owned()));
        let sent = stage.net.sent_to(SITE2);
        assert!(sent.contains(&"ABOR".to_owned()), "{sent:?}");
        let is_removal = |line: &String| line.starts_with("DELE y/.a.");
        assert_eq!(sent.iter().any(is_removal), features == OTHER, "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_this_host_is_counted_here_and_not_asked() {
    let directory = tempfile::tempdir().unwrap();
    let mut stage = Stage::plain();
    stage.options.poll = true;
    stage.source.clone().with("x/a", &[7; 1_000_000], 1);
    let summary = stage
        .run(remote("x"), local(&directory.path().join("y")))
        .await;
    assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
    assert!(
        stage
            .diary()
            .iter()
            .any(|line| line.starts_with("progress a"))
    );
    assert_eq!(
        stage
            .net
            .calls()
            .iter()
            .filter(|call| *call == SITE1)
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn what_passes_this_host_keeps_the_rate() {
    let directory = tempfile::tempdir().unwrap();
    for jobs in [1, 2] {
        let mut stage = Stage::plain();
        stage.options.jobs = jobs;
        stage.options.limit_rate = std::num::NonZeroU64::new(1000);
        let source = stage.source.clone().with("x/a", &[7; 5000], 1);
        source.with("x/b", &[7; 5000], 1);
        let to = local(&directory.path().join(jobs.to_string()));
        let began = tokio::time::Instant::now();
        let summary = stage.run(remote("x"), to).await;
        assert_eq!(summary.exit_code(), ExitCode::Done, "{:?}", stage.diary());
        let seconds = began.elapsed().as_secs();
        assert!(
            (9..=11).contains(&seconds),
            "{seconds} s with {jobs} at once"
        );
    }
}
