//! thirdhostd, the binary of this workspace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, Place, ThirdParty, TlsEnd, VersionTold};
use crate::{USER, binaries, site};

#[derive(Debug)]
pub(super) struct Ours;

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "thirdhostd"
    }

    fn find(&self) -> Option<PathBuf> {
        binaries::path("thirdhostd").ok()
    }

    fn version(&self) -> VersionTold {
        VersionTold::Output {
            argument: "--version",
            mark: "thirdhostd ",
        }
    }

    fn tls(&self) -> TlsEnd {
        TlsEnd::Either
    }

    fn prepare(&self, program: &Path, place: &Place) -> io::Result<Command> {
        let (address, root) = (place.address, place.root.display());
        let password = site::password()?;
        let mut text = format!("listen = [\"{address}\"]\nroot = \"{root}\"\n");
        if let Some(files) = &place.certificate {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            text.push_str(&format!(
                "[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
            ));
            if place.third_party == ThirdParty::Allowed {
                // The others cannot prove who they are, and have no SITE PEERCERT.
                text.push_str("peer_verify = \"none\"\n");
            }
        }
        text.push_str(&format!(
            "[[user]]\nname = \"{USER}\"\npassword = \"{}\"\nhome = \".\"\n\
             permissions = [\"read\", \"write\", \"append\", \"delete\", \"rename\", \"mkdir\"]\n",
            password.as_str()
        ));
        if place.third_party == ThirdParty::Allowed {
            text.push_str(
                "third_party = { send_to = [\"127.0.0.0/8\"], receive_from = [\"127.0.0.0/8\"] }\n",
            );
        }
        let configuration = place.directory.join("thirdhostd.toml");
        fs::write(&configuration, text)?;
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(configuration)
            .env_remove("RUST_LOG");
        Ok(command)
    }
}
