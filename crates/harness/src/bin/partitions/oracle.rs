//! What must be true after any cut: the servers are free, every name shows an old whole file or
//! the new one, the client was honest, and a retry brings all to the same end.

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use thirdhost_lab::{Host, Link};

use crate::case::{Case, Work};
use crate::scene::{Ended, Scene};

/// What came out of a case.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// From the cut until the last of the servers was free.
    pub(crate) free_after: Option<Duration>,
    /// From the cut until the client ended.
    pub(crate) client_after: Duration,
    pub(crate) code: Option<i32>,
    /// Whether something was there whole that the client could not know of: it was cut off, or a
    /// server said that it had failed.
    pub(crate) is_unknown: bool,
    /// What broke a rule.
    pub(crate) problems: Vec<String>,
    /// What was said, for whoever looks at a problem.
    pub(crate) dialogue: String,
}

/// Runs a case from beginning to end.
pub(crate) fn judge(case: &Case) -> io::Result<Verdict> {
    let scene = Scene::set(case.work)?;
    let fired = scene.lab.cut_when(case.trigger(), case.cut);
    let client = scene.start()?;
    let Some(cut_at) = fired.wait(TRIGGER_MAX) else {
        scene.lab.disarm();
        let ended = client.ended_within(Duration::ZERO)?;
        return Ok(not_reached(ended));
    };
    if case.heals {
        thread::sleep(HEALS_AFTER);
        scene.lab.heal(case.cut.link);
    }
    let most = client_max(case);
    // Whether a server is free is seen while the client may still try.
    let (ended, freed) = thread::scope(|scope| {
        let freed = scope.spawn(|| freed(&scene, case, cut_at));
        (client.ended_within(most), freed.join())
    });
    let ended = ended?;
    let freed = freed.map_err(|_| io::Error::other("the watch over the servers failed"))?;
    let mut verdict = Verdict {
        free_after: None,
        client_after: cut_at.elapsed(),
        code: ended.code,
        is_unknown: false,
        problems: freed?,
        dialogue: ended.dialogue.clone(),
    };
    if ended.code.is_none() {
        verdict
            .problems
            .push(format!("the client did not end within {most:?}"));
    }
    free(&scene, case, cut_at, &mut verdict)?;
    names(&scene, &ended, case, &mut verdict)?;
    scene.lab.heal_all();
    again(&scene, &mut verdict)?;
    if !verdict.problems.is_empty() {
        let logs = [scene.source.log(), scene.destination.log()];
        verdict.dialogue.push_str(&logs.join("-- b\n"));
    }
    Ok(verdict)
}

/// I5: a server that was cut off from the user is free in time, whatever the client does; it may
/// have been called again since.
fn freed(scene: &Scene, case: &Case, cut_at: Instant) -> io::Result<Vec<String>> {
    let mut problems = Vec::new();
    let ends = case.cut.link.ends();
    if !ends.contains(&Host::User) {
        return Ok(problems);
    }
    for (host, site) in scene.sites() {
        if ends.contains(&host)
            && let Err(held) = site.free_within(&scene.lab, cut_at, FREE_MAX)?
        {
            let after = cut_at.elapsed();
            problems.push(format!("{host} is not free after {after:.0?}: {held:?}"));
        }
    }
    Ok(problems)
}

/// I3: when the client has ended, sessions, ports and descriptors are back. A server that it
/// still heard may have been asked for more until then, and of a tree again and again.
fn free(scene: &Scene, case: &Case, cut_at: Instant, verdict: &mut Verdict) -> io::Result<()> {
    let now = Instant::now();
    let begins_anew = hears_both(case) && case.work == Work::Many;
    let most = match begins_anew {
        true => FREE_MAX,
        false => FREE_MAX.saturating_sub(cut_at.elapsed()).max(SETTLE),
    };
    for (host, site) in scene.sites() {
        if let Err(held) = site.free_within(&scene.lab, now, most)? {
            let after = cut_at.elapsed();
            let problem = format!("{host} is not free after {after:.0?}: {held:?}");
            verdict.problems.push(problem);
            return Ok(());
        }
    }
    verdict.free_after = Some(cut_at.elapsed());
    Ok(())
}

/// I1, I2 and I8: each name shows what it showed or the new file; what was said to be done is.
fn names(scene: &Scene, ended: &Ended, case: &Case, verdict: &mut Verdict) -> io::Result<()> {
    let (expected, found) = (scene.expected()?, scene.found()?);
    let mut new = 0;
    for (name, bytes) in visible(&found) {
        match expected.get(name) {
            Some((whole, _)) if whole == bytes => new += 1,
            Some((_, Some(old))) if old == bytes => {}
            Some(_) => {
                let problem = format!("{name} has {} wrong octets", bytes.len());
                verdict.problems.push(problem);
            }
            None => verdict.problems.push(format!("{name} is nobody's")),
        }
    }
    for name in expected.iter().filter_map(|(name, (whole, old))| {
        let is_lost = old.is_some() && !found.contains_key(name);
        let is_whole = found.get(name) == Some(whole);
        let was_said = ended.done.iter().any(|done| is_of(name, done));
        (is_lost || was_said && !is_whole).then_some(name)
    }) {
        verdict.problems.push(format!("{name} is lost"));
    }
    let all = expected.len();
    let is_done = ended.code == Some(0);
    if is_done && new < all {
        verdict
            .problems
            .push(format!("exit code 0, and {new} of {all} files"));
    }
    verdict.is_unknown = !is_done && new > ended.done.len();
    // Who can hear both servers knows, unless one says that it failed: a source whose connection
    // is reset behind the last octet cannot know either, and done is what both say (design D8).
    if hears_both(case) && verdict.is_unknown && new == all && !ended.heard_of_a_loss() {
        let problem = format!("exit code {:?}, and all files are there", ended.code);
        verdict.problems.push(problem);
    }
    Ok(())
}

/// I7: the same once more, on a whole network, ends well and leaves nothing else.
fn again(scene: &Scene, verdict: &mut Verdict) -> io::Result<()> {
    let ended = scene.again()?.ended_within(CLIENT_MAX)?;
    if ended.code != Some(0) {
        let problem = format!("the retry ended with {:?}", ended.code);
        verdict.problems.push(problem);
        verdict.dialogue.push_str("-- retry\n");
        verdict.dialogue.push_str(&ended.dialogue);
    }
    let (expected, found) = (scene.expected()?, scene.found()?);
    let whole = |(name, (whole, _)): (&String, &(Vec<u8>, _))| found.get(name) == Some(whole);
    if !expected.iter().all(whole) {
        verdict
            .problems
            .push("not all files are there after the retry".to_owned());
    }
    if found.len() != expected.len() {
        let names: Vec<_> = found
            .keys()
            .filter(|name| !expected.contains_key(*name))
            .collect();
        verdict
            .problems
            .push(format!("left after the retry: {names:?}"));
    }
    let now = Instant::now();
    for (host, site) in scene.sites() {
        if let Err(held) = site.free_within(&scene.lab, now, FREE_MAX)? {
            verdict
                .problems
                .push(format!("{host} after the retry: {held:?}"));
        }
    }
    Ok(())
}

fn hears_both(case: &Case) -> bool {
    case.cut.link == Link::AB
}

fn client_max(case: &Case) -> Duration {
    if case.work == Work::Many {
        MANY_MAX
    } else {
        CLIENT_MAX
    }
}

/// What a user sees: a failed upload may keep a temporary for the next to go on with.
fn visible(found: &BTreeMap<String, Vec<u8>>) -> impl Iterator<Item = (&String, &Vec<u8>)> {
    found.iter().filter(|(name, _)| {
        let last = name.rsplit('/').next();
        last.is_some_and(|last| !last.starts_with('.'))
    })
}

/// Whether a path at the destination is the one an event names.
fn is_of(path: &str, name: &str) -> bool {
    path == name || path.ends_with(&format!("/{name}"))
}

fn not_reached(ended: Ended) -> Verdict {
    Verdict {
        free_after: None,
        client_after: Duration::ZERO,
        code: ended.code,
        is_unknown: false,
        problems: vec!["the packet to cut at never came".to_owned()],
        dialogue: ended.dialogue,
    }
}

/// How long both servers may take to be free (issue and SECURITY: a minute).
const FREE_MAX: Duration = Duration::from_secs(60);

/// How long the client may take: a minute, and what it takes to write a report.
const CLIENT_MAX: Duration = Duration::from_secs(65);

/// For a tree that lost a way: four attempts of 45 seconds, then no more.
const MANY_MAX: Duration = Duration::from_secs(240);

/// For a server to clear up after its client, on a busy machine.
const SETTLE: Duration = Duration::from_secs(5);

/// How long the transfer may take to come to the packet, on a busy machine.
const TRIGGER_MAX: Duration = Duration::from_secs(30);

/// Soon enough that systems still try, late enough that they have waited.
const HEALS_AFTER: Duration = Duration::from_secs(2);
