//! Programs that people use: curl, Python's ftplib, lftp.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use super::require;
use super::site::{Site, pattern};

#[tokio::test(flavor = "multi_thread")]
async fn curl_sends_fetches_and_lists_explicit_and_implicit() {
    if !require("curl") {
        return;
    }
    let site = Site::start("");
    let octets = pattern(3_000_000);
    let local = site.directory.path().join("local");
    std::fs::write(&local, &octets).unwrap();
    for (scheme, server) in [("ftp", site.explicit), ("ftps", site.implicit)] {
        let name = format!("by {scheme}");
        let url = format!("{scheme}://{server}/by%20{scheme}");
        run(
            "curl",
            &[
                "-sS",
                "-T",
                path(&local),
                "--ssl-reqd",
                "-k",
                "-u",
                "alice:secret",
                &url,
            ],
        )
        .await;
        assert!(site.holds(&name, &octets), "{name}");
        let fetched = site.directory.path().join("fetched");
        run(
            "curl",
            &[
                "-sS",
                "-o",
                path(&fetched),
                "--ssl-reqd",
                "-k",
                "-u",
                "alice:secret",
                &url,
            ],
        )
        .await;
        assert!(std::fs::read(&fetched).unwrap() == octets, "{name}");
        // From the middle on, and the same over TLS 1.2.
        let tail = run(
            "curl",
            &[
                "-sS",
                "-C",
                "2999990",
                "--tls-max",
                "1.2",
                "--ssl-reqd",
                "-k",
                "-u",
                "alice:secret",
                &url,
            ],
        )
        .await;
        assert_eq!(tail.stdout, octets[2_999_990..]);
        let list = format!("{scheme}://{server}/");
        let listed = run(
            "curl",
            &["-sS", "--ssl-reqd", "-k", "-u", "alice:secret", &list],
        )
        .await;
        assert!(String::from_utf8_lossy(&listed.stdout).contains(&name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ftplib_works_under_prot_p() {
    if !require("python3") {
        return;
    }
    let site = Site::start("");
    let script = r#"
import ftplib, io, ssl, sys
context = ssl._create_unverified_context()
ftp = ftplib.FTP_TLS(context=context)
ftp.connect("127.0.0.1", int(sys.argv[1]))
ftp.login("alice", "secret")
ftp.prot_p()
octets = bytes(range(256)) * 4000
assert ftp.storbinary("STOR f", io.BytesIO(octets)).startswith("226")
got = bytearray()
assert ftp.retrbinary("RETR f", got.extend).startswith("226")
assert got == octets, "other octets came back"
assert ftp.nlst() == ["f"]
assert dict(ftp.mlsd())["f"]["size"] == "1024000"
try:
    ftp.ccc()
    raise AssertionError("CCC was taken")
except ftplib.error_perm as error:
    assert str(error).startswith("534"), error
ftp.quit()
"#;
    run(
        "python3",
        &["-c", script, &site.explicit.port().to_string()],
    )
    .await;
    assert_eq!(std::fs::metadata(site.file("f")).unwrap().len(), 1_024_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn lftp_works_with_protected_data() {
    if !require("lftp") {
        return;
    }
    let site = Site::start("");
    let octets = pattern(1_000_000);
    let local = site.directory.path().join("local");
    std::fs::write(&local, &octets).unwrap();
    let fetched = site.directory.path().join("fetched");
    for (scheme, server) in [("ftp", site.explicit), ("ftps", site.implicit)] {
        let script = format!(
            "set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; \
             set ftp:ssl-protect-list yes; set cmd:fail-exit yes; \
             open -u alice,secret {scheme}://{server}; put {local} -o {scheme}; ls; \
             get {scheme} -o {fetched}; bye",
            local = path(&local),
            fetched = path(&fetched),
        );
        run("lftp", &["--norc", "-c", &script]).await;
        assert!(site.holds(scheme, &octets), "{scheme}");
        assert!(std::fs::read(&fetched).unwrap() == octets, "{scheme}");
        std::fs::remove_file(&fetched).unwrap();
    }
}

/// Lftp sends no PEERCERT: the operator has to allow a peer that proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn lftp_copies_between_two_servers_where_the_operators_allow_it() {
    if !require("lftp") {
        return;
    }
    for (verify, succeeds) in [("none", true), ("ca", false)] {
        let tls = format!("peer_verify = \"{verify}\"");
        let (source, destination) = (Site::start(&tls), Site::at("127.0.0.2", &tls));
        let octets = pattern(500_000);
        source.put("f", &octets);
        let script = format!(
            "set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; \
             set ftp:ssl-protect-fxp yes; set ftp:use-fxp yes; set ftp:fxp-force yes; \
             set net:max-retries 1; set net:timeout 5; set xfer:clobber yes; \
             get ftp://alice:secret@{}/f -o ftp://alice:secret@{}/f; bye",
            source.explicit, destination.explicit,
        );
        let Some(output) = output("lftp", &["--norc", "-c", &script]).await else {
            return;
        };
        assert_eq!(
            destination.holds("f", &octets),
            succeeds,
            "{verify}: {output:?}"
        );
        if !succeeds {
            assert!(!destination.file("f").exists());
        }
    }
}

/// Runs a program, which has to succeed.
async fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    output
}

async fn output(program: &str, arguments: &[&str]) -> Option<Output> {
    let run = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    run.await.ok()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
