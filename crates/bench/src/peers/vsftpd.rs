//! vsftpd: anonymous, because its own users need PAM; `daemon`, because it wants a home that is.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use super::{Recipe, find};
use crate::failure::{Result, While};
use crate::stage::Stage;

pub(super) const NAME: &str = "vsftpd";

pub(super) fn recipe(stage: &Stage, at: SocketAddr) -> Result<Option<Recipe>> {
    let Some(program) = find(NAME) else {
        return Ok(None);
    };
    let directory = stage.of_peer(&format!("{NAME}-{at}"))?;
    let (host, port) = (at.ip(), at.port());
    let empty = stage.of_peer("vsftpd-empty")?;
    let config = directory.join("vsftpd.conf");
    let text = format!(
        "listen=YES\nlisten_address={host}\nlisten_port={port}\nbackground=NO\n\
         anonymous_enable=YES\nlocal_enable=NO\nno_anon_password=NO\nftp_username=daemon\n\
         anon_root={files}\nwrite_enable=YES\nanon_upload_enable=YES\n\
         anon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_umask=022\n\
         anon_world_readable_only=NO\nsecure_chroot_dir={empty}\nxferlog_enable=NO\n\
         max_clients=0\nmax_per_ip=0\nidle_session_timeout=3600\nuse_localtime=NO\n\
         ssl_enable=YES\nallow_anon_ssl=YES\nforce_local_logins_ssl=NO\n\
         force_local_data_ssl=NO\nssl_tlsv1=YES\nssl_sslv2=NO\nssl_sslv3=NO\n\
         ssl_ciphers=HIGH\nrequire_ssl_reuse=NO\nrsa_cert_file={certificate}\n\
         rsa_private_key_file={key}\npasv_promiscuous=YES\nport_promiscuous=YES\n",
        files = stage.files().display(),
        empty = empty.display(),
        certificate = stage.secret.certificate.display(),
        key = stage.secret.key.display(),
    );
    fs::write(&config, text).during(config.display())?;
    let mut command = Command::new(&program);
    command.arg(&config);
    Ok(Some(Recipe {
        name: NAME,
        version: version(&program),
        note: "anonymous: no password is hashed; no log; it has no MLSD",
        has_tls: true,
        forks: true,
        home: String::new(),
        user: "anonymous",
        password: "bench@",
        command,
        log: directory.join("log"),
    }))
}

/// It tells its version on stdin, whatever that is.
fn version(program: &std::path::Path) -> String {
    let shell = Command::new("sh")
        .arg("-c")
        .arg("\"$0\" -v 0>&1")
        .arg(program)
        .output();
    let told = shell.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&told).trim().to_owned()
}
