//! `sites.toml`: servers under names of the user's own, and `thirdhost site`.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;
use thirdhost_client::{Place, Remote};

use crate::args::SiteVerb;
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
        if path.starts_with("//") || std::path::Path::new(text).exists() {
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
    let Place::Remote(remote) = Place::parse(&format!("ftp://{}/", site.host)).map_err(place)?
    else {
        return Ok(None);
    };
    let mut remote = remote.labelled(name).with_path(path).map_err(place)?;
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
        SiteVerb::Add {
            name,
            host,
            user,
            password_command,
            data_host,
            trust_pasv_address,
        } => {
            if !is_name(name) || matches!(name.as_str(), "ftp" | "ftps" | "ftpes" | "file") {
                let problem = format!("{name} cannot name a site; use letters, digits, - _ and .");
                return Err(Failure::Usage(problem));
            }
            let mut site = toml_edit::Table::new();
            site.insert("host", toml_edit::value(host));
            let texts = [("user", user), ("password_command", password_command)];
            for (key, value) in texts {
                if let Some(value) = value {
                    site.insert(key, toml_edit::value(value));
                }
            }
            if let Some(address) = data_host {
                site.insert("data_host", toml_edit::value(address.to_string()));
            }
            if *trust_pasv_address {
                site.insert("trust_pasv_address", toml_edit::value(true));
            }
            sites.insert(name, toml_edit::Item::Table(site));
        }
    }
    save(&sites).map_err(|source| Failure::File {
        what: "write",
        path: path(),
        source,
    })
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
