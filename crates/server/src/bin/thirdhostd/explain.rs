//! `thirdhostd explain`: what the server would run with, and where each value comes from.

use std::error::Error;
use std::io::{self, Write};

use thirdhost_server::config::Origin;

use crate::args::Source;

/// Prints the effective configuration.
pub(crate) fn explain(source: &Source) -> Result<(), Box<dyn Error>> {
    let config = super::resolve(source.clone())?;
    let mut text = String::new();
    for mut setting in config.explain(source.config.as_deref())? {
        match setting.key.as_str() {
            "listen" if !source.listen.is_empty() => setting.origin = Origin::Flag("--listen"),
            "root" if source.root.is_some() => setting.origin = Origin::Flag("--root"),
            _ => {}
        }
        text.push_str(&format!("{setting}\n"));
    }
    // Whoever stops reading has read enough.
    io::stdout().write_all(text.as_bytes()).ok();
    Ok(())
}
