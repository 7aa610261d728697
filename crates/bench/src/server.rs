//! What one server does for its users: large files, TLS, logins, idle sessions, listings.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::failure::{Failure, Result, While};
use crate::load::{Idle, drain, drain_sealed, feed, feed_sealed, log_in_for};
use crate::peers::{self, Running};
use crate::stage::Stage;
use crate::table::Report;
use crate::work::{Figure, Work, interleaved};

/// A group of works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Group {
    Idle,
    Retr { sealed: bool },
    Stor { sealed: bool },
    Mlsd,
    Logins { users: usize },
}

/// Everything, memory first: before the other works have left their marks in it.
pub(crate) const ALL: [Group; 8] = [
    Group::Idle,
    Group::Retr { sealed: false },
    Group::Stor { sealed: false },
    Group::Retr { sealed: true },
    Group::Stor { sealed: true },
    Group::Mlsd,
    Group::Logins { users: 1 },
    Group::Logins { users: 32 },
];

/// Large files under TLS.
pub(crate) const TLS: [Group; 2] = [Group::Retr { sealed: true }, Group::Stor { sealed: true }];

/// Memory.
pub(crate) const SESSIONS: [Group; 1] = [Group::Idle];

/// Measures these groups at every server, and reports.
pub(crate) fn measure(args: &Args, report: &mut Report, groups: &[Group]) -> Result<()> {
    let stage = Stage::new(args.dir.as_deref(), args.size())?;
    if groups.contains(&Group::Mlsd) {
        stage.fill(ENTRIES)?;
    }
    let servers = peers::start(&stage, &args.binary(), &args.only)?;
    report.has(&stage, &servers.iter().collect::<Vec<_>>());
    for group in groups {
        let work = group.work(args, &stage);
        if args.wants(&work.name) {
            let outcomes = interleaved(&work, &servers);
            report.add(&work, outcomes);
        }
    }
    Ok(())
}

impl Group {
    fn work<'a>(self, args: &'a Args, stage: &'a Stage) -> Work<'a, Running> {
        let under = |sealed: bool| if sealed { " under TLS" } else { "" };
        let mib = args.size() / (1024 * 1024);
        let time = Duration::from_secs_f64(args.seconds());
        let always: fn(&Running) -> bool = |_| true;
        let has_tls: fn(&Running) -> bool = |server| server.recipe().has_tls;
        let applies = |sealed| if sealed { has_tls } else { always };
        let (name, figures, runs, applies): (String, &'static [Figure], usize, _) = match self {
            Self::Idle => {
                let name = format!("{} idle sessions", args.sessions());
                (name, &MEMORY, 1, always)
            }
            Self::Retr { sealed } => {
                let name = format!("RETR {mib} MiB{}", under(sealed));
                (name, &SPEED, args.runs(), applies(sealed))
            }
            Self::Stor { sealed } => {
                let name = format!("STOR {mib} MiB{}", under(sealed));
                (name, &SPEED, args.runs(), applies(sealed))
            }
            Self::Mlsd => (
                format!("MLSD of {ENTRIES} entries"),
                &LISTS,
                args.runs(),
                always,
            ),
            Self::Logins { users } => (
                format!("logins, {users} at once"),
                &LOGINS,
                args.runs(),
                always,
            ),
        };
        let once = move |server: &Running| match self {
            Self::Idle => idle(server, args.sessions()),
            Self::Retr { sealed } => retr(server, stage, sealed),
            Self::Stor { sealed } => stor(server, stage, sealed),
            Self::Mlsd => mlsd(server, stage, time),
            Self::Logins { users } => logins(server, users, time),
        };
        Work {
            name,
            figures,
            runs,
            once: Box::new(once),
            applies,
        }
    }
}

/// Memory with no session and the growth by each, once all have come.
fn idle(server: &Running, count: usize) -> Result<Vec<f64>> {
    server.log_in()?.quit()?;
    let base = server.family().memory()?;
    let most = if server.recipe().forks {
        FORKED_MAX
    } else {
        count
    };
    let sessions = Idle::log_in(server, count.min(most))?;
    let with = server.family().memory()?;
    let each = float(with.saturating_sub(base)) / float(sessions.count() as u64);
    Ok(vec![each / KIB, float(base) / KIB / KIB])
}

fn retr(server: &Running, stage: &Stage, sealed: bool) -> Result<Vec<f64>> {
    let mut control = server.session(stage, sealed)?;
    let mut data = control.data()?;
    let command = format!("RETR {}", server.path("large"));
    let used = server.family().cpu()?;
    let began = Instant::now();
    let (bytes, ended) = if sealed {
        control.begin_sealed(&command)?;
        let mut secret = stage.secret.shake_hands(&mut data)?;
        control.begun()?;
        let (bytes, ended) = drain_sealed(&mut data, &mut secret, stage.size)?;
        (bytes, Some(ended))
    } else {
        control.begin(&command)?;
        (drain(&data)?, None)
    };
    drop(data);
    control.completed()?;
    let took = ended.unwrap_or_else(Instant::now) - began;
    let used = server.family().cpu()?.saturating_sub(used);
    if bytes < stage.size {
        let size = stage.size;
        return Err(Failure::new(format!("{bytes} bytes of {size} came")));
    }
    control.quit()?;
    Ok(speed(stage.size, took, used))
}

fn stor(server: &Running, stage: &Stage, sealed: bool) -> Result<Vec<f64>> {
    let mut control = server.session(stage, sealed)?;
    let mut data = control.data()?;
    let file = File::open(stage.large()).during("the large file")?;
    let command = format!("STOR {}", server.path(UPLOAD));
    let used = server.family().cpu()?;
    let mut began = Instant::now();
    if sealed {
        control.begin_sealed(&command)?;
        let mut secret = stage.secret.shake_hands(&mut data)?;
        control.begun()?;
        began = feed_sealed(&mut data, &mut secret, stage.size)?;
    } else {
        control.begin(&command)?;
        feed(&data, &file, stage.size)?;
    }
    // Closing before the server does would reset the connection if it has sent anything.
    drain(&data)?;
    drop(data);
    control.completed()?;
    let took = began.elapsed();
    let used = server.family().cpu()?.saturating_sub(used);
    let stored = stage.files().join(UPLOAD);
    let bytes = fs::metadata(&stored).during(stored.display())?.len();
    fs::remove_file(&stored).during(stored.display())?;
    if bytes != stage.size {
        let size = stage.size;
        return Err(Failure::new(format!("{bytes} bytes of {size} were stored")));
    }
    control.quit()?;
    Ok(speed(stage.size, took, used))
}

/// The same directory again and again in one session.
fn mlsd(server: &Running, stage: &Stage, time: Duration) -> Result<Vec<f64>> {
    let mut control = server.session(stage, false)?;
    let used = server.family().cpu()?;
    let began = Instant::now();
    let mut lists = 0_u32;
    while began.elapsed() < time {
        let data = control.data()?;
        control.begin(&format!("MLSD {}", server.path("many")))?;
        let bytes = drain(&data)?;
        drop(data);
        control.completed()?;
        if bytes < LISTING_BYTES_MIN {
            return Err(Failure::new(format!("a listing of {bytes} bytes")));
        }
        lists += 1;
    }
    let took = began.elapsed().as_secs_f64();
    let used = server.family().cpu()?.saturating_sub(used).as_secs_f64();
    control.quit()?;
    let lists = f64::from(lists);
    Ok(vec![lists / took, used * 1_000.0 / lists])
}

/// Logins a second, and what each costs the server.
fn logins(server: &Running, users: usize, time: Duration) -> Result<Vec<f64>> {
    let used = server.family().cpu()?;
    let (count, took) = log_in_for(server, users, time)?;
    let used = server.family().cpu()?.saturating_sub(used);
    let count = float(count);
    Ok(vec![
        count / took.as_secs_f64(),
        used.as_secs_f64() * 1_000.0 / count,
    ])
}

/// GB/s, and processor seconds per GiB.
pub(crate) fn speed(bytes: u64, took: Duration, used: Duration) -> Vec<f64> {
    let gigabytes = float(bytes) / 1e9;
    let gibibytes = float(bytes) / KIB / KIB / KIB;
    vec![
        gigabytes / took.as_secs_f64(),
        used.as_secs_f64() / gibibytes,
    ]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures of three digits are made of it"
)]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// What [`speed`] gives.
pub(crate) const SPEED: [Figure; 2] = [Figure::more("GB/s"), Figure::less("server CPU s/GiB")];
const MEMORY: [Figure; 2] = [Figure::less("KiB PSS each"), Figure::less("MiB PSS before")];
const LISTS: [Figure; 2] = [Figure::more("per second"), Figure::less("server CPU ms")];
const LOGINS: [Figure; 2] = [Figure::more("per second"), Figure::less("server CPU ms")];

const KIB: f64 = 1024.0;

/// Idle sessions where each is a process: ten thousand would take the memory of the machine, and
/// each is as large as the next.
const FORKED_MAX: usize = 1_000;

/// Files in the directory that is listed.
const ENTRIES: usize = 10_000;

/// Fewer bytes are no facts of so many entries with such names.
const LISTING_BYTES_MIN: u64 = 10_000 * 40;

const UPLOAD: &str = "in/upload";
