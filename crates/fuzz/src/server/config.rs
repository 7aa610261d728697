//! Any configuration file: no panic; an error has a place within the text; what is read needs no
//! restart to become itself.

use std::path::Path;

use thirdhost_server::config::Config;

pub(crate) fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    // Files named in it would be read, and some of those never end.
    if text.contains('\\') || OUTSIDE.iter().any(|place| text.contains(place)) {
        return;
    }
    match Config::parse(text, Path::new(NOWHERE)) {
        Ok(config) => {
            let again = Config::parse(text, Path::new(NOWHERE)).expect("it was read before");
            assert_eq!(config.needs_restart(&again), [""; 0]);
            for setting in config.explain(None).into_iter().flatten() {
                assert!(!setting.to_string().contains("$argon2"), "{setting}");
            }
            assert!(config.warnings().iter().all(|warning| !warning.is_empty()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

const NOWHERE: &str = "/nowhere/thirdhostd.toml";

const OUTSIDE: [&str; 4] = ["..", "dev", "proc", "sys"];
