//! curl lists, receives, sends, resumes, appends and tidies up.

use std::fs;
use std::process::Command;

use super::{Host, ODD_NAME, finished, output, require};

#[test]
fn curl_lists_and_receives() {
    if !require("curl") {
        return;
    }
    let host = Host::start();
    host.put("there", "some bytes");
    host.put(ODD_NAME, "odd");
    fs::create_dir(host.path("directory")).unwrap();
    let long = output(curl(&host).arg(host.url()));
    assert_eq!(long.lines().count(), 3, "{long}");
    assert!(long.contains("there") && long.contains(ODD_NAME), "{long}");
    assert!(long.lines().any(|line| line.starts_with('d')), "{long}");
    let mut names: Vec<_> = output(curl(&host).arg("--list-only").arg(host.url()))
        .lines()
        .map(str::to_owned)
        .collect();
    names.sort();
    assert_eq!(names, ["directory", ODD_NAME, "there"]);
    assert_eq!(output(curl(&host).arg(host.url() + "there")), "some bytes");
    assert_eq!(
        output(curl(&host).args(["-r", "5-8"]).arg(host.url() + "there")),
        "byte"
    );
    let head = output(curl(&host).arg("-I").arg(host.url() + "there"));
    assert!(head.contains("Content-Length: 10"), "{head}");
    let missing = finished(curl(&host).arg(host.url() + "missing"));
    assert_eq!(missing.status.code(), Some(78), "{missing:?}");
}

#[test]
fn curl_receives_in_every_way_there_is_to_connect() {
    if !require("curl") {
        return;
    }
    let host = Host::start();
    host.put("there", "some bytes");
    for way in [
        &["--ftp-pasv"][..],
        &["--disable-epsv"],
        &["-P", "-"],
        &["-P", "-", "--disable-eprt"],
        &["--ftp-method", "nocwd"],
        &["--ftp-method", "singlecwd"],
        &["--ftp-skip-pasv-ip", "--disable-epsv"],
    ] {
        let got = output(curl(&host).args(way).arg(host.url() + "there"));
        assert_eq!(got, "some bytes", "{way:?}");
    }
}

#[test]
fn curl_sends_and_appends() {
    if !require("curl") {
        return;
    }
    let host = Host::start();
    let file = host.own("file");
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 253) as u8).collect();
    fs::write(&file, &large).unwrap();
    output(curl(&host).arg("-T").arg(&file).arg(host.url() + "sent"));
    assert!(host.read("sent") == large);
    fs::write(&file, "and more").unwrap();
    output(
        curl(&host)
            .arg("--append")
            .arg("-T")
            .arg(&file)
            .arg(host.url() + "sent"),
    );
    assert!(host.read("sent") == [&large[..], b"and more"].concat());
    let made = ["--ftp-create-dirs", "-P", "-", "-T"];
    output(curl(&host).args(made).arg(&file).arg(host.url() + "a/b/c"));
    assert_eq!(host.read("a/b/c"), b"and more");
}

#[test]
fn curl_goes_on_where_it_stopped() {
    if !require("curl") {
        return;
    }
    let host = Host::start();
    let large: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 253) as u8).collect();
    host.put("there", &large);
    let file = host.own("file");
    fs::write(&file, &large[..123_456]).unwrap();
    output(
        curl(&host)
            .args(["-C", "-", "-o"])
            .arg(&file)
            .arg(host.url() + "there"),
    );
    assert!(fs::read(&file).unwrap() == large);
    host.put("there", &large[..654_321]);
    output(
        curl(&host)
            .args(["-C", "-", "-T"])
            .arg(&file)
            .arg(host.url() + "there"),
    );
    assert!(host.read("there") == large);
}

#[test]
fn curl_takes_names_with_spaces_and_umlauts() {
    if !require("curl") {
        return;
    }
    let host = Host::start();
    let file = host.own("file");
    fs::write(&file, "odd bytes").unwrap();
    let url = host.url() + &escaped(ODD_NAME);
    output(curl(&host).arg("-T").arg(&file).arg(&url));
    assert_eq!(host.read(ODD_NAME), b"odd bytes");
    assert_eq!(output(curl(&host).arg(&url)), "odd bytes");
}

#[test]
fn curl_deletes_makes_and_renames_with_quoted_commands() {
    if !require("curl") {
        return;
    }
    let host = Host::start();
    host.put("doomed", "x");
    host.put("old", "kept");
    let quoted = ["DELE doomed", "MKD made", "RNFR old", "RNTO made/new"];
    let quoted = quoted.iter().flat_map(|command| ["-Q", command]);
    output(curl(&host).args(quoted).arg(host.url()));
    assert!(!host.path("doomed").exists() && !host.path("old").exists());
    assert_eq!(host.read("made/new"), b"kept");
    // After the transfer, and in the directory it ended in.
    output(
        curl(&host)
            .args(["-Q", "-DELE new"])
            .arg(host.url() + "made/"),
    );
    assert!(!host.path("made/new").exists());
    let refused = finished(curl(&host).args(["-Q", "DELE missing"]).arg(host.url()));
    assert_eq!(refused.status.code(), Some(21), "{refused:?}");
}

fn curl(host: &Host) -> Command {
    let mut command = Command::new("curl");
    command
        .args([
            "-q",
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--user",
            "alice:secret",
        ])
        .current_dir(host.scratch.path());
    command
}

fn escaped(name: &str) -> String {
    name.bytes().map(|octet| format!("%{octet:02X}")).collect()
}
