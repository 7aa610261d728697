//! `cp`: from the places on the command line to one copy for each source.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use thirdhost_client::{
    Copy, Environment, Existing, ExitCode, Filter, Location, Options, Pathname, Place, Policy,
    Root, Site, Summary, Via,
};

use crate::args::CopyArgs;
use crate::console::Console;
use crate::events;
use crate::failure::Failure;
use crate::overlap::Overlap;
use crate::session;
use crate::watch::{self, Watch};

/// What becomes of a file that was copied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    Kept,
    /// `mv`
    Removed,
}

/// Copies, and says what became of it.
pub(crate) async fn run(
    console: &Console,
    policy: Policy,
    args: &CopyArgs,
    source: Source,
) -> Result<ExitCode, Failure> {
    let mut options = options(args, policy)?;
    options.moves = source == Source::Removed;
    let Some((destination, sources)) = args.places.split_last() else {
        return Err(Failure::Usage("name sources and a destination".to_owned()));
    };
    let to = session::place(destination)?;
    let sources = sources.iter().map(|source| session::place(source));
    let sources: Vec<Place> = sources.collect::<Result<_, _>>()?;
    let is_local = |place: &Place| matches!(place, Place::Local(_));
    if is_local(&to) && sources.iter().any(is_local) {
        return Err(Failure::Usage(
            "both places are local; one at least must be ftp://[user@]host[:port]/path".to_owned(),
        ));
    }
    let may_be_direct = options.policy.via != Via::Relay && !is_local(&to);
    if options.limit_rate.is_some() && may_be_direct && !sources.iter().all(is_local) {
        console.note("--limit-rate holds for what passes this host, not for what goes directly");
    }
    let dialogue = console.environment().observer.clone();
    let watch = Arc::new(if console.is_json() {
        Watch::json(dialogue)
    } else if console.shows_progress() {
        Watch::bars(dialogue)
    } else {
        Watch::lines(dialogue, console.is_quiet())
    });
    let environment = console.environment().clone().with_observer(watch.clone());
    let began = environment.world.clock.now();
    let copy = Copy {
        from: None,
        to: site(console, &to, &environment).await?,
        options,
        watcher: watch.clone(),
        environment,
    };
    let mut summary = Summary::default();
    let (planned, mut copied) = match Box::pin(plan(console, &copy, &sources, &to)).await {
        Ok(planned) => (planned, Ok(())),
        Err(failure) => (Vec::new(), Err(failure)),
    };
    for (from, mut copy, roots) in planned {
        if let (Place::Remote(from), Place::Remote(to)) = (from, &to) {
            copy.options.policy = console.cache().advise(copy.options.policy, from, to);
        }
        match Box::pin(copy.run(&roots)).await {
            Ok(found) => summary.add(found),
            Err(error) => copied = Err(error.into()),
        }
        if let (Place::Remote(from), Place::Remote(to), Some(worked)) = (from, &to, watch.worked())
        {
            console.cache().keep(&copy.options.policy, from, to, worked);
        }
        if copied.is_err() || summary.stopped {
            break;
        }
    }
    watch.end();
    let elapsed = copy.environment.world.clock.now().saturating_sub(began);
    let seconds = elapsed.as_secs_f64();
    let line = watch::summary_line(&summary, seconds, copy.options.dry_run);
    // What ended it counts more than what was done before.
    let code = copied
        .as_ref()
        .map_or_else(Failure::exit_code, |()| summary.exit_code());
    console.result(&line, &events::summary_event(&summary, code, seconds))?;
    copied.map(|()| code)
}

fn options(args: &CopyArgs, policy: Policy) -> Result<Options, Failure> {
    let mut filter = Filter::new(&args.include, &args.exclude)
        .map_err(|problem| Failure::Usage(problem.to_string()))?;
    if let Some(path) = &args.files_from {
        let text = std::fs::read_to_string(path).map_err(|source| Failure::File {
            what: "read",
            path: path.clone(),
            source,
        })?;
        let names = text.lines().filter(|line| !line.is_empty());
        let names = names.map(|name| name.trim_start_matches("./").to_owned());
        filter.only = Some(names.collect());
    }
    filter.min_size = args.min_size;
    filter.max_size = args.max_size;
    filter.newer = args.newer;
    let mut options = Options::default();
    options.recursive = args.recursive;
    options.dry_run = args.dry_run;
    options.existing = existing(args);
    options.resume = args.resume;
    options.delete = args.delete;
    options.filter = filter;
    options.jobs = args.jobs;
    options.streams = args.streams;
    options.retries = args.retries;
    options.poll = true;
    options.limit_rate = args.limit_rate;
    options.policy = policy;
    Ok(options)
}

fn existing(args: &CopyArgs) -> Existing {
    if args.update {
        Existing::Update
    } else if args.size_only {
        Existing::SameSize
    } else if args.checksum {
        Existing::SameHash
    } else if args.ignore_existing {
        Existing::Keep
    } else {
        Existing::Replace
    }
}

async fn site(
    console: &Console,
    place: &Place,
    environment: &Environment,
) -> Result<Option<Site>, Failure> {
    match place {
        Place::Remote(remote) => Ok(Some(session::site(console, remote, environment).await?)),
        Place::Local(_) => Ok(None),
    }
}

/// What every source means, before anything is copied: of two that would get one name, the first
/// would be moved already. `copy` is that of all, but for the source.
async fn plan<'a>(
    console: &Console,
    copy: &Copy,
    sources: &'a [Place],
    to: &Place,
) -> Result<Vec<(&'a Place, Copy, Vec<Root>)>, Failure> {
    let is_many = sources.len() > 1;
    let (mut planned, mut taken) = (Vec::new(), Taken::default());
    for from in sources {
        let copy = Copy {
            from: site(console, from, &copy.environment).await?,
            ..copy.clone()
        };
        let roots = roots(&copy, from, (to, is_many), &mut taken).await?;
        if let (Some(site), true) = (&copy.from, is_many) {
            // Hours may pass until its turn comes.
            site.close().await;
        }
        planned.push((from, copy, roots));
    }
    Ok(planned)
}

async fn roots(
    copy: &Copy,
    from: &Place,
    (to, is_many): (&Place, bool),
    taken: &mut Taken,
) -> Result<Vec<Root>, Failure> {
    let source = location(from);
    let found = copy.expand(&source).await?;
    // A pattern stands for many, also when it happens to match one.
    let into = is_many || found.as_slice() != [source];
    let mut roots = Vec::new();
    for location in found {
        let is_into = into || names_directory(to) || is_directory(copy, &location, to).await?;
        let root = Root {
            to: target(&location, to, is_into)?,
            from: location,
        };
        refuse_overlap(&copy.options, (from, &root.from), (to, &root.to))?;
        taken.take(copy.from.as_ref(), &root)?;
        roots.push(root);
    }
    Ok(roots)
}

/// Which source has which place at the destination.
#[derive(Debug, Default)]
struct Taken {
    sources: HashMap<Location, String>,
    /// Octets of all sources.
    octets: usize,
}

impl Taken {
    /// Refuses the second of two sources that would get one name: `mv` would leave of the first
    /// nothing anywhere. Refuses more of them than can be kept until the last is copied.
    fn take(&mut self, site: Option<&Site>, root: &Root) -> Result<(), Failure> {
        let (path, to) = (&root.from, &root.to);
        let source = match site {
            Some(site) => format!("{path} at {}", site.name()),
            None => path.to_string(),
        };
        self.octets += source.len();
        if let Some(other) = self.sources.insert(to.clone(), source.clone()) {
            return Err(Failure::Usage(format!(
                "{other} and {source} would both become {to}; copy each to a name of its own"
            )));
        }
        if self.sources.len() > SOURCES_MAX || self.octets > SOURCE_OCTETS_MAX {
            return Err(Failure::Usage(format!(
                "more than {SOURCES_MAX} sources, or {} MiB of names; copy them one after the \
                 other",
                SOURCE_OCTETS_MAX >> 20
            )));
        }
        Ok(())
    }
}

/// Of several sources, too, none is to be written onto itself.
fn refuse_overlap(
    options: &Options,
    from: (&Place, &Location),
    to: (&Place, &Location),
) -> Result<(), Failure> {
    let Some(overlap) = Overlap::of(from, to) else {
        return Ok(());
    };
    overlap.refuse_same()?;
    if options.recursive {
        overlap.refuse_inside(&options.filter)?;
    }
    if options.delete {
        overlap.refuse_deleting_the_source()?;
    }
    Ok(())
}

/// Whether a file shall go into an existing directory, as with the shell's cp. A directory's
/// contents go there themselves, so that doing it again does the same.
async fn is_directory(copy: &Copy, from: &Location, to: &Place) -> Result<bool, Failure> {
    match to {
        Place::Local(path) if path.is_dir() => Ok(!copy.is_directory_at_source(from).await?),
        Place::Local(_) => Ok(false),
        Place::Remote(_) => {
            let to = location(to);
            let (at_destination, at_source) = tokio::join!(
                copy.is_directory_at_destination(&to),
                copy.is_directory_at_source(from)
            );
            // Neither answer makes the other needless: who was lost is not called again.
            let (at_destination, at_source) = (at_destination?, at_source?);
            Ok(at_destination && !at_source)
        }
    }
}

/// A place that ends in `/`, or has no path, is a directory to put things into.
fn names_directory(place: &Place) -> bool {
    match place {
        Place::Remote(remote) => remote.path_text().ends_with('/'),
        Place::Local(path) => path.to_string_lossy().ends_with('/'),
    }
}

fn location(place: &Place) -> Location {
    match place {
        Place::Remote(remote) => Location::Remote(remote.path.clone().map(without_last_slash)),
        Place::Local(path) => Location::Local(path.clone()),
    }
}

fn without_last_slash(path: Pathname) -> Pathname {
    let text = path.as_str().trim_end_matches('/');
    Pathname::try_from(text).unwrap_or(path)
}

fn target(from: &Location, to: &Place, is_into: bool) -> Result<Location, Failure> {
    if !is_into {
        return Ok(location(to));
    }
    // SECURITY: the name is the user's own word or passed the check of listed names, but the
    // user's may still be `..`.
    let name = from.own_name();
    if matches!(name.as_str(), "" | "." | "..") {
        return Err(Failure::Usage(
            "the source has no name; name the destination".to_owned(),
        ));
    }
    match to {
        Place::Local(path) => Ok(Location::Local(PathBuf::from(path).join(name))),
        Place::Remote(remote) => {
            let directory = remote.path_text();
            let slash = if directory.is_empty() || directory.ends_with('/') {
                ""
            } else {
                "/"
            };
            let path = Pathname::try_from(format!("{directory}{slash}{name}").as_str());
            let path = path.map_err(thirdhost_client::Error::from)?;
            Ok(Location::Remote(Some(path)))
        }
    }
}

/// As many as one pattern may mean, for all patterns together: what servers say of each of them
/// is kept until the last is copied.
const SOURCES_MAX: usize = 1_000_000;

/// The same of their names, each with that of its server.
const SOURCE_OCTETS_MAX: usize = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, is_into: bool, expected: &str) {
        let from = location(&session::place(from).unwrap());
        let to = session::place(to).unwrap();
        let found = match target(&from, &to, is_into || names_directory(&to)) {
            Ok(Location::Remote(path)) => path.map_or(String::new(), |path| path.to_string()),
            Ok(Location::Local(path)) => path.display().to_string(),
            Err(failure) => failure.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_directory_gets_the_name_the_source_has() {
        check("ftp://a/x/f", "ftp://b/g", false, "g");
        check("ftp://a/x/f", "ftp://b/g", true, "g/f");
        check("ftp://a/x/f", "ftp://b/d/", false, "d/f");
        check("ftp://a/x/d/", "ftp://b/y", false, "y");
        check("ftp://a/x/d/", "y/", false, "y/d");
        check("ftp://a/f", "ftp://b//", false, "/f");
        check(
            "ftp://a/..",
            "y/",
            false,
            "the source has no name; name the destination",
        );
    }
}
