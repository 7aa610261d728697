//! `sites.toml`: servers under names of the user's own, and `thirdhost site`.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use thirdhost_client::{Fingerprint, Place, Remote, Security};

use crate::args::{SiteArgs, SiteVerb, TlsArg};
use crate::console::Console;
use crate::failure::Failure;

/// One site.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    /// `host`, `host:port` or `[address]:port`.
    pub(crate) host: String,
    pub(crate) user: Option<String>,
    pub(crate) password_command: Option<String>,
    pub(crate) data_host: Option<IpAddr>,
    #[serde(default)]
    pub(crate) trust_pasv_address: bool,
    /// As `ftp://` if not told.
    pub(crate) tls: Option<TlsArg>,
    /// The certificate it has to show.
    #[serde(default, deserialize_with = "fingerprint")]
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The authorities that may vouch for it; relative to the directory of `sites.toml`.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The site of that name, if there is one.
pub(crate) fn find(name: &str) -> Result<Option<Site>, Failure> {
    let Some(item) = document()?.get(name).cloned() else {
        return Ok(None);
    };
    let mut document = toml_edit::DocumentMut::new();
    document.insert(name, item);
    let sites: std::collections::HashMap<String, Site> = toml::from_str(&document.to_string())
        .map_err(|error| Failure::Sites {
            path: path(),
            problem: error.to_string(),
        })?;
    Ok(sites.into_values().next())
}

/// Reads `site:path`; `None` if no site has that name.
pub(crate) fn remote(text: &str) -> Result<Option<Remote>, Failure> {
    let Some((name, path)) = text.split_once(':') else {
        return Ok(None);
    };
    let is_url = matches!(name, "ftp" | "ftps" | "ftpes" | "file") && path.starts_with("//");
    if !is_name(name) || is_url {
        return Ok(None);
    }
    let Some(site) = find(name)? else {
        if path.starts_with("//") || Path::new(text).exists() {
            return Ok(None);
        }
        return Err(Failure::Usage(format!(
            "there is no site {name}; add it (thirdhost site add), or write ./{text} for a file"
        )));
    };
    let place = |source| Failure::Place {
        place: text.to_owned(),
        source,
    };
    let (scheme, security) = match site.tls {
        None | Some(TlsArg::Offered) => ("ftp", Security::Offered),
        Some(TlsArg::Explicit) => ("ftpes", Security::Explicit),
        Some(TlsArg::Implicit) => ("ftps", Security::Implicit),
        Some(TlsArg::Never) => ("ftp", Security::ClearText),
    };
    let Place::Remote(remote) =
        Place::parse(&format!("{scheme}://{}/", site.host)).map_err(place)?
    else {
        return Ok(None);
    };
    let mut remote = remote.labelled(name).with_path(path).map_err(place)?;
    remote.security = security;
    if let Some(user) = &site.user {
        remote.user = Some(
            user.as_str()
                .try_into()
                .map_err(|problem| Failure::Client(thirdhost_client::Error::Argument(problem)))?,
        );
    }
    Ok(Some(remote))
}

pub(crate) fn run(console: &Console, verb: &SiteVerb) -> Result<(), Failure> {
    let mut sites = document()?;
    match verb {
        SiteVerb::List => {
            for (name, site) in sites.iter() {
                let text = |key| site.get(key).and_then(|value| value.as_str());
                let (host, user) = (text("host").unwrap_or("?"), text("user"));
                let line = format!(
                    "{name}: {}{host}",
                    user.map_or(String::new(), |u| format!("{u}@"))
                );
                console.answer(
                    &line,
                    &json!({"event": "site", "name": name, "host": host, "user": user}),
                )?;
            }
            return Ok(());
        }
        SiteVerb::Remove { name } => {
            if sites.remove(name).is_none() {
                return Err(Failure::Usage(format!("there is no site {name}")));
            }
        }
        SiteVerb::Add { name, site } => {
            if !is_name(name) || matches!(name.as_str(), "ftp" | "ftps" | "ftpes" | "file") {
                let problem = format!("{name} cannot name a site; use letters, digits, - _ and .");
                return Err(Failure::Usage(problem));
            }
            let site = table(name, site)?;
            sites.insert(name, toml_edit::Item::Table(site));
        }
    }
    save(&sites).map_err(|source| Failure::File {
        what: "write",
        path: path(),
        source,
    })
}

/// What is wrong is said now, not when the site is used.
fn table(name: &str, site: &SiteArgs) -> Result<toml_edit::Table, Failure> {
    let place = Place::parse(&format!("ftp://{}/", site.host));
    let is_host = |remote: &Remote| remote.user.is_none() && remote.path.is_none();
    if !matches!(&place, Ok(Place::Remote(remote)) if is_host(remote)) {
        let (host, why) = (&site.host, place.err());
        let why = why.map_or(String::new(), |why| format!(" ({why})"));
        let problem = format!(
            "{host} is no host for {name}{why}; expected host, host:port or \
                               [address]:port, and --user for who logs in"
        );
        return Err(Failure::Usage(problem));
    }
    let absolute = |file: &PathBuf| {
        std::path::absolute(file).map_err(|source| Failure::File {
            what: "find",
            path: file.clone(),
            source,
        })
    };
    let ca_file = site.ca_file.as_ref().map(absolute).transpose()?;
    if let Some(path) = &ca_file {
        std::fs::File::open(path).map_err(|source| Failure::File {
            what: "read",
            path: path.clone(),
            source,
        })?;
    }
    let words = [
        ("host", Some(site.host.clone())),
        ("user", site.user.clone()),
        ("password_command", site.password_command.clone()),
        ("data_host", site.data_host.map(|host| host.to_string())),
        ("tls", site.tls.map(|tls| format!("{tls:?}").to_lowercase())),
        (
            "fingerprint",
            site.fingerprint.map(|print| print.to_string()),
        ),
        ("ca_file", ca_file.map(|file| file.display().to_string())),
    ];
    let mut table = toml_edit::Table::new();
    for (key, value) in words {
        if let Some(value) = value {
            table.insert(key, toml_edit::value(value));
        }
    }
    if site.trust_pasv_address {
        table.insert("trust_pasv_address", toml_edit::value(true));
    }
    Ok(table)
}

fn document() -> Result<toml_edit::DocumentMut, Failure> {
    let text = match std::fs::read_to_string(path()) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            let (what, path) = ("read", path());
            return Err(Failure::File { what, path, source });
        }
    };
    text.parse()
        .map_err(|error: toml_edit::TomlError| Failure::Sites {
            path: path(),
            problem: error.to_string(),
        })
}

fn save(sites: &toml_edit::DocumentMut) -> io::Result<()> {
    let path = path();
    let directory = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(directory)?;
    // Only the owner may read it, as tempfile has it.
    let file = tempfile::NamedTempFile::new_in(directory)?;
    std::fs::write(file.path(), sites.to_string())?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

fn fingerprint<'de, D>(deserializer: D) -> Result<Option<Fingerprint>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// The certificates that were believed on first use.
pub(crate) fn known_servers() -> PathBuf {
    beside(Path::new("known_servers"))
}

/// A file named in `sites.toml`.
pub(crate) fn beside(file: &Path) -> PathBuf {
    let path = path();
    path.parent().unwrap_or(&path).join(file)
}

/// `$XDG_CONFIG_HOME/thirdhost/sites.toml`, else below `~/.config`.
fn path() -> PathBuf {
    let configured = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
    let directory = match (configured, std::env::home_dir()) {
        (Some(directory), _) => PathBuf::from(directory),
        (None, Some(home)) => home.join(".config"),
        (None, None) => PathBuf::from("."),
    };
    directory.join("thirdhost").join("sites.toml")
}

/// `C:x` is a drive where there are drives.
fn is_name(name: &str) -> bool {
    name.len() > usize::from(cfg!(windows))
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
