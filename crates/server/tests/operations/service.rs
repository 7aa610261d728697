//! The service manager: sockets handed over, and what it is told; and the units in `dist/`.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use crate::daemon::{Daemon, PATIENCE, Site, User, thirdhostd};

#[test]
fn control_listeners_are_taken_over_from_the_service_manager() {
    let site = Site::new("", "");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // What systemd does between fork and exec; the descriptor comes in as stdin.
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "exec env LISTEN_FDS=1 LISTEN_PID=$$ \"$0\" \"$@\" 3<&0 0</dev/null",
        ])
        .arg(thirdhostd().get_program())
        .arg("--config")
        .arg(site.configuration())
        .stdin(Stdio::from(OwnedFd::from(listener)));
    let server = Daemon::start_with_stdin(command);
    assert_eq!(server.address, address);
    User::connect(address).command("QUIT", "221");
}

#[test]
fn the_service_manager_hears_of_start_reload_and_stop() {
    let site = Site::new("", "");
    let path = site.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = || {
        let mut message = [0; 256];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut command = thirdhostd();
    command
        .env("NOTIFY_SOCKET", &path)
        .arg("--config")
        .arg(site.configuration());
    let mut server = Daemon::start(command);
    assert_eq!(hear().trim_end(), "READY=1");
    server.signal("HUP");
    let reloading = hear();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(hear().trim_end(), "READY=1");
    server.signal("TERM");
    assert_eq!(hear().trim_end(), "STOPPING=1");
    assert_eq!(server.wait(), Some(0));
}

//= security#S-74
//= type=test
#[test]
fn the_unit_is_hardened_to_an_exposure_of_two_at_most() {
    let unit = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../dist/systemd/thirdhostd.service"
    );
    let checked = Command::new("systemd-analyze")
        .args([
            "security",
            "--offline=true",
            "--no-pager",
            "--threshold=20",
            unit,
        ])
        .output();
    match checked {
        Ok(checked) => assert!(checked.status.success(), "{checked:?}"),
        Err(_) if std::env::var_os("THIRDHOST_REQUIRE_PEERS").is_none() => {
            eprintln!("left out: systemd-analyze is not here");
        }
        Err(error) => panic!("systemd-analyze: {error}"),
    }
}

#[test]
fn the_unit_leaves_the_server_the_calls_by_which_it_confines_itself() {
    let unit = include_str!("../../../../dist/systemd/thirdhostd.service");
    let lines = unit
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="));
    let allowed: Vec<_> = lines.filter(|line| !line.starts_with('~')).collect();
    let allowed: Vec<_> = allowed.iter().flat_map(|line| line.split(' ')).collect();
    for call in [
        "landlock_create_ruleset",
        "landlock_add_rule",
        "landlock_restrict_self",
        "seccomp",
    ] {
        assert!(allowed.contains(&call), "{call}: {allowed:?}");
    }
}
