//! The effective configuration, each value with its origin; never a password or its hash.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::{Config, ConfigError, read};
use crate::accounts::{Account, Roll};

mod rows;

pub(super) use rows::rows;
use rows::{permissions, third_party_of};

/// One value of the effective configuration. Printed, it is a line of a configuration file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Setting {
    /// The dotted key. For a user's own, `user."name".key`.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// A line of a file, from 1.
    File(PathBuf, usize),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}  # ", self.key, self.value)?;
        match &self.origin {
            Origin::Default => f.write_str("default"),
            Origin::File(file, line) => write!(f, "{}:{line}", file.display()),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Explains `config`, which was read from `file`, or is the quick start's.
pub(super) fn explain(config: &Config, file: Option<&Path>) -> Result<Vec<Setting>, ConfigError> {
    let main = file.map(Written::read).transpose()?.unwrap_or_default();
    let users = config
        .users_file
        .as_deref()
        .map(Written::read)
        .transpose()?;
    let users = users.unwrap_or_default();
    let mut settings: Vec<Setting> = rows(config)
        .into_iter()
        .filter_map(|(key, value)| {
            let origin = main.origin(key);
            Some(Setting {
                key: key.to_owned(),
                value: value?.to_string(),
                origin,
            })
        })
        .collect();
    // What is written and has no row above is told as it stands.
    let mut rest: Vec<&(String, Spot)> = main.keys.iter().collect();
    rest.sort_by_key(|(_, spot)| spot.line);
    for (key, spot) in rest {
        let known = settings.iter().any(|setting| setting.key == *key);
        if !known && !key.starts_with("user.") && !is_secret(key) {
            settings.push(Setting {
                key: key.clone(),
                value: spot.value.clone(),
                origin: main.origin(key),
            });
        }
    }
    settings.extend(users_of(&config.roll, &main, &users));
    Ok(settings)
}

/// The users, in the order of the roll: those of the main file come first.
fn users_of(roll: &Roll, main: &Written, users: &Written) -> Vec<Setting> {
    let mut settings = Vec::new();
    let tables = (0..main.users).map(|index| (main, index));
    let tables = tables.chain((0..users.users).map(|index| (users, index)));
    for (user, (written, index)) in roll.users.iter().zip(tables) {
        let Account {
            name,
            home,
            third_party,
            ..
        } = &user.account;
        let mut tell = |key: &str, value: Value| {
            settings.push(Setting {
                key: format!("user.{}.{key}", Value::from(name.as_str())),
                value: value.to_string(),
                origin: written.origin(&format!("user.{index}.{key}")),
            });
        };
        tell("home", home.as_str().into());
        tell("permissions", permissions(&user.account.permissions));
        let set = if user.password.is_some() {
            "(set)"
        } else {
            "(none)"
        };
        tell("password", set.into());
        if let Some(grant) = third_party {
            tell("third_party", third_party_of(grant));
        }
        // What has no line above is told as it stands.
        for (key, spot) in &written.keys {
            let own = key.strip_prefix(&format!("user.{index}."));
            let Some(own) = own.filter(|own| !TOLD_OF_USERS.contains(own) && !is_secret(own))
            else {
                continue;
            };
            settings.push(Setting {
                key: format!("user.{}.{own}", Value::from(name.as_str())),
                value: spot.value.clone(),
                origin: written.origin(key),
            });
        }
    }
    settings
}

/// What a file says, by key: `a.b` for tables, `user.0.home` for users.
#[derive(Debug, Default)]
struct Written {
    file: PathBuf,
    keys: Vec<(String, Spot)>,
    users: usize,
}

#[derive(Debug)]
struct Spot {
    line: usize,
    value: String,
}

impl Written {
    fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = read(file)?;
        let (table, _) = DeTable::parse_recoverable(&text);
        let mut written = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        written.note(&text, table.get_ref(), "");
        Ok(written)
    }

    fn note(&mut self, text: &str, table: &DeTable<'_>, within: &str) {
        for (name, value) in table {
            let key = match within {
                "" => name.get_ref().to_string(),
                _ => format!("{within}.{}", name.get_ref()),
            };
            match value.get_ref() {
                // A table of a user's, such as third_party, is one value.
                DeValue::Table(table) if within.is_empty() => self.note(text, table, &key),
                DeValue::Array(users) if key == "user" => {
                    self.users = users.len();
                    for (index, user) in users.iter().enumerate() {
                        if let DeValue::Table(user) = user.get_ref() {
                            self.note(text, user, &format!("user.{index}"));
                        }
                    }
                }
                _ => {
                    let before = text.get(..name.span().start).unwrap_or_default();
                    let spot = Spot {
                        line: before.matches('\n').count() + 1,
                        value: one_line(text.get(value.span()).unwrap_or_default()),
                    };
                    self.keys.push((key, spot));
                }
            }
        }
    }

    fn origin(&self, key: &str) -> Origin {
        let spot = self.keys.iter().find(|(written, _)| written == key);
        spot.map_or(Origin::Default, |(_, spot)| {
            Origin::File(self.file.clone(), spot.line)
        })
    }
}

fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The keys of a user that [`users_of`] tells one by one.
const TOLD_OF_USERS: [&str; 5] = ["name", "home", "permissions", "password", "third_party"];

fn is_secret(key: &str) -> bool {
    key.contains("password")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::rows::list;
    use super::*;

    /// The keys that a table takes, which the error about an unknown one lists.
    fn keys_of(table: &str) -> Vec<String> {
        let text = format!("root = \"/\"\n{table}\nno_such_key = 1\n");
        let error = Config::parse(&text, Path::new("t.toml")).unwrap_err();
        let error = error.to_string();
        let (_, listed) = error.split_once("expected ").unwrap();
        listed
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_key_of_the_configuration_has_a_row_or_is_told_as_written() {
        let told_as_written = [
            "anonymous.max_file_size",
            "anonymous.path",
            "anonymous.quota",
            "anonymous.rate",
            "anonymous.rate_per_transfer",
            "anonymous.sessions",
            "metrics.beyond_loopback",
        ];
        let rows = rows(&Config::quick_start("/"));
        let tables: Vec<String> = keys_of("")
            .into_iter()
            .filter(|key| !rows.iter().any(|(row, _)| row == key) && key != "user")
            .collect();
        assert!(tables.len() > 4, "{tables:?}");
        for table in tables {
            let keys = keys_of(&format!("[{table}]"));
            assert!(!keys.is_empty(), "{table}");
            for key in keys {
                let key = format!("{table}.{key}");
                assert!(
                    rows.iter().any(|(row, _)| *row == key)
                        || told_as_written.contains(&key.as_str()),
                    "{key} has no row in rows()"
                );
            }
        }
    }

    #[test]
    fn a_line_names_its_origin_and_reads_as_toml() {
        let listen: Vec<SocketAddr> = vec!["[::1]:21".parse().unwrap()];
        for (origin, expected) in [
            (Origin::Default, "default"),
            (Origin::File("/a.toml".into(), 7), "/a.toml:7"),
            (Origin::Flag("--listen"), "--listen"),
        ] {
            let setting = Setting {
                key: "listen".to_owned(),
                value: list(&listen).to_string(),
                origin,
            };
            let line = setting.to_string();
            assert_eq!(line, format!("listen = [\"[::1]:21\"]  # {expected}"));
            toml::from_str::<toml::Table>(&line).unwrap();
        }
    }
}
