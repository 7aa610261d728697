//! `append` and `mv`: two places, of which one at least is on a server.

use serde_json::json;
use thirdhost_client::{
    Error, ExitCode, Operation, Pair, Pathname, Place, Policy, Protected, Remote, Report, Side,
};

use crate::args::CopyArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::overlap::Overlap;
use crate::{cp, local, session};

pub(crate) async fn append(
    console: &Console,
    policy: Policy,
    source: &str,
    destination: &str,
) -> Result<(), Failure> {
    match (session::place(source)?, session::place(destination)?) {
        (Place::Remote(from), Place::Remote(to)) => {
            Box::pin(append_directly(console, policy, &from, &to)).await
        }
        (Place::Local(from), Place::Remote(to)) => local::store(console, &from, &to, true).await,
        (_, Place::Local(to)) => Err(Failure::Usage(format!(
            "{} is local; append writes to a server: use `thirdhost cat … >> file`",
            to.display()
        ))),
    }
}

pub(crate) async fn rename(
    console: &Console,
    policy: Policy,
    source: &str,
    destination: &str,
) -> Result<ExitCode, Failure> {
    let (from, to) = (session::place(source)?, session::place(destination)?);
    let (from, to) = match (&from, &to) {
        (Place::Remote(from), Place::Remote(to)) if is_one_server(from, to) => (from, to),
        // Copied and, once verified, removed at the source.
        _ => {
            let args = CopyArgs::of(source, destination);
            return Box::pin(cp::run(console, policy, &args, cp::Source::Removed)).await;
        }
    };
    let mut conn = session::open(console, from).await?;
    let path = session::path(from)?;
    if let Err(error) = conn.rename(path, &name_at(from, to)?).await {
        return Err(session::at(&mut conn, path, error).await);
    }
    conn.quit().await.ok();
    Ok(ExitCode::Done)
}

fn is_one_server(from: &Remote, to: &Remote) -> bool {
    (&from.host, from.port) == (&to.host, to.port) && (from.user == to.user || to.user.is_none())
}

/// The name the file gets: the path told, or in the directory told the name it has.
pub(crate) fn name_at(from: &Remote, to: &Remote) -> Result<Pathname, Failure> {
    let told = to.path_text();
    if !told.is_empty() && !told.ends_with('/') {
        return Ok(session::path(to)?.clone());
    }
    let source = session::path(from)?.as_str();
    let name = source
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(source);
    Pathname::try_from(format!("{told}{name}").as_str())
        .map_err(|problem| Error::from(problem).into())
}

async fn append_directly(
    console: &Console,
    policy: Policy,
    from: &Remote,
    to: &Remote,
) -> Result<(), Failure> {
    let path = session::path(from)?;
    let name = name_at(from, to)?;
    if let Some(overlap) = Overlap::at(from, path.as_str(), to, name.as_str()) {
        overlap.refuse_same()?;
    }
    // One after the other: both may ask for a password.
    let source = session::open(console, from).await?;
    let destination = session::open(console, to).await?;
    let policy = console.cache().advise(policy, from, to);
    let mut pair = Pair::new(source, destination, policy.clone());
    let result = pair.transfer(Operation::Append, path, &name).await;
    match &result {
        Ok(report) => console.cache().keep(&policy, from, to, Some(report.way())),
        Err(Error::ThirdPartyRefused { .. }) => console.cache().keep(&policy, from, to, None),
        Err(_) => {}
    }
    let report = result.map_err(|source| match side(&source) {
        Some(side) => {
            let path = if side == Side::Source { path } else { &name };
            let path = path.as_str().to_owned();
            Failure::At { path, source }
        }
        None => source.into(),
    })?;
    let control_bytes = pair.source().control_bytes() + pair.destination().control_bytes();
    pair.quit().await;
    let event = json!({
        "event": "transferred",
        "operation": "append",
        "source": {"site": from.site(), "path": path.as_str()},
        "destination": {"site": to.site(), "path": name.as_str()},
        "bytes": report.bytes,
        "seconds": report.elapsed.as_secs_f64(),
        "arrangement": arrangement_word(&report),
        "listener": report.listener.map(|side| side.to_string()),
        "tls": match report.protection {
            Protected::No => None,
            Protected::Unchecked => Some("unchecked"),
            Protected::Mutually => Some("checked"),
        },
        "verified": report.verified,
        "bytes_through_this_host": report.data_bytes_here,
        "control_bytes": control_bytes,
    });
    console.result(&summary(&report), &event)
}

/// Whose path it was, also where the bytes came through this host.
fn side(error: &Error) -> Option<Side> {
    match error {
        Error::Refused { step: "RETR", .. } => Some(Side::Source),
        Error::Refused { step: "APPE", .. } => Some(Side::Destination),
        error => error.side(),
    }
}

fn summary(report: &Report) -> String {
    let bytes = match report.bytes {
        Some(bytes) => format!("{bytes} bytes"),
        None => "an untold number of bytes".to_owned(),
    };
    let way = match (report.arrangement, report.listener) {
        (Some(arrangement), Some(listener)) => {
            let tls = match report.protection {
                Protected::No => "",
                Protected::Unchecked => ", TLS with unchecked certificates",
                Protected::Mutually => ", TLS with checked certificates",
            };
            format!("direct by {arrangement} ({listener} listening{tls})")
        }
        _ => "relayed through this host".to_owned(),
    };
    format!(
        "{bytes} in {:.3} s, {way}, {}, {} bytes through this host",
        report.elapsed.as_secs_f64(),
        if report.verified {
            "size verified"
        } else {
            "not verified"
        },
        report.data_bytes_here,
    )
}

/// `lstn`, `epsv`, `pasv` or `relay`, as `--via` has them.
fn arrangement_word(report: &Report) -> String {
    match report.arrangement {
        Some(arrangement) => format!("{arrangement:?}").to_lowercase(),
        None => "relay".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, to: &str, expected: &str) {
        let (from, to) = (session::remote(from).unwrap(), session::remote(to).unwrap());
        assert_eq!(name_at(&from, &to).unwrap().as_str(), expected);
    }

    #[test]
    fn a_directory_gets_the_name_the_file_has() {
        check("ftp://a/x/f", "ftp://b/g", "g");
        check("ftp://a/x/f", "ftp://b/", "f");
        check("ftp://a/x/f", "ftp://b", "f");
        check("ftp://a/x/f", "ftp://b/d/", "d/f");
        check("ftp://a/f", "ftp://b//", "/f");
    }
}
