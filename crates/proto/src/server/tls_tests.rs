//! Sessions under TLS told line by line: AUTH, PBSZ, PROT, SSCN, CPSV, SITE PEERCERT.

use super::tests::{NOW, ask, check, drain, log_in, peer, replies, session, tell};
use super::*;

/// Logged in under TLS, at PROT P.
pub(super) fn protected(clear_transfers: ClearTransfers) -> ServerPi {
    let mut pi = begun(TlsOffer::Explicit, clear_transfers);
    start_tls(&mut pi);
    check(&mut pi, "PBSZ 0", "200 PBSZ=0");
    check(&mut pi, "PROT P", "200");
    log_in(&mut pi, Permissions::all());
    pi
}

fn begun(tls: TlsOffer, clear_transfers: ClearTransfers) -> ServerPi {
    let settings = Settings {
        peer: peer(),
        unpinned: Unpinned::ControlHost,
        clear_login: ClearLogin::Anonymous,
        users_differ: false,
        clear_transfers,
        tls,
        mdtm_sets: false,
        hosts: Hosts::default(),
        limits: Limits::default(),
    };
    let mut pi = ServerPi::new(NOW, settings);
    drain(&mut pi);
    pi
}

fn start_tls(pi: &mut ServerPi) {
    tell(pi, "AUTH TLS");
    let effects = drain(pi);
    let [Effect::Reply(reply), Effect::StartTls] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(reply.code().number(), 234);
    assert!(!pi.wants_commands());
    pi.handle_event(
        NOW,
        Event::Protected {
            tls: true,
            indicated: None,
        },
    );
    assert!(pi.wants_commands());
}

/// The protection of the transfer that `line` begins; it then completes.
fn protection(pi: &mut ServerPi, line: &str) -> Protection {
    tell(pi, line);
    let effects = drain(pi);
    let [Effect::Transfer(transfer)] = &effects[..] else {
        panic!("{line}: {effects:?}")
    };
    let outcome = Outcome::Completed {
        bytes: 0,
        kept: false,
    };
    pi.handle_event(NOW, Event::Opened(Opened::default()));
    pi.handle_event(NOW, Event::Finished(outcome));
    drain(pi);
    transfer.protection
}

const PIN: &str = "SITE PEERCERT SHA256 \
                   0707070707070707070707070707070707070707070707070707070707070707";

const fn tls(role: TlsRole, pinned: bool) -> Protection {
    Protection::Tls {
        role,
        peer: if pinned { Some([7; 32]) } else { None },
    }
}

#[test]
fn without_a_certificate_the_security_commands_are_502() {
    let mut pi = session(Unpinned::ControlHost);
    log_in(&mut pi, Permissions::all());
    for line in ["AUTH TLS", "PBSZ 0", "PROT P", "CCC", "SSCN ON", "CPSV"] {
        check(&mut pi, line, "502");
    }
    check(&mut pi, PIN, "503");
    tell(&mut pi, "FEAT");
    let [Effect::Reply(features)] = &drain(&mut pi)[..] else {
        panic!("one reply")
    };
    assert!(!features.to_string().contains("TLS"), "{features}");
}

#[test]
fn with_a_certificate_feat_tells_of_tls() {
    let mut pi = begun(TlsOffer::Explicit, ClearTransfers::Allowed);
    tell(&mut pi, "FEAT");
    let [Effect::Reply(features)] = &drain(&mut pi)[..] else {
        panic!("one reply")
    };
    let features = features.to_string();
    for line in ["AUTH TLS", "CPSV", "PBSZ", "PROT", "SITE PEERCERT", "SSCN"] {
        assert!(features.contains(&format!("\n {line}")), "{features}");
    }
}

//= security#S-32
//= type=test
#[test]
fn auth_prot_and_pbsz_keep_their_order() {
    let mut pi = begun(TlsOffer::Explicit, ClearTransfers::Allowed);
    check(&mut pi, "PBSZ 0", "503");
    check(&mut pi, "PROT P", "503");
    check(&mut pi, "CCC", "533");
    check(&mut pi, "AUTH GSSAPI", "504");
    check(&mut pi, "AUTH", "501");
    start_tls(&mut pi);
    check(&mut pi, "AUTH TLS", "503");
    check(&mut pi, "PROT P", "503");
    check(&mut pi, "PBSZ 0", "200 PBSZ=0");
    for (line, code) in [
        ("PROT S", "536"),
        ("PROT E", "536"),
        ("PROT X", "504"),
        ("PROT P", "200"),
        ("PROT C", "200"),
        ("CCC", "534"),
    ] {
        check(&mut pi, line, code);
    }
}

#[test]
fn where_users_differ_the_shell_says_what_user_is_answered() {
    let identity = Identity {
        name: "alice".to_owned(),
        permissions: Permissions::all(),
        operator: false,
        clear_transfers: Some(ClearTransfers::Refused),
    };
    for (introduced, code, then) in [
        (Introduced::Password, "331", "Authenticate"),
        (Introduced::TlsFirst, "530 Send AUTH TLS first", "503"),
        (Introduced::Known(identity), "232", "202"),
    ] {
        let mut pi = begun(TlsOffer::Explicit, ClearTransfers::Allowed);
        pi.settings.users_differ = true;
        check(&mut pi, "USER anonymous", "331");
        tell(&mut pi, "USER alice");
        let effects = drain(&mut pi);
        assert!(
            matches!(&effects[..], [Effect::Introduce { user }] if user.as_str() == "alice"),
            "{effects:?}"
        );
        // What comes before the answer waits for it.
        tell(&mut pi, "PASS secret");
        pi.handle_event(NOW, Event::Introduced(introduced));
        let said = replies(&mut pi);
        assert!(said[0].starts_with(code), "{said:?}");
        assert!(said[1].starts_with(then), "{said:?}");
        if code == "232" {
            // The user's own rule, in place of the server's.
            check(&mut pi, "EPSV", "229");
            check(&mut pi, "RETR f", "521");
        }
    }
}

#[test]
fn host_names_the_server_that_the_handshake_named() {
    let mut pi = begun(TlsOffer::Explicit, ClearTransfers::Allowed);
    check(&mut pi, "HOST a.example", "220");
    tell(&mut pi, "AUTH TLS");
    drain(&mut pi);
    let indicated = "b.example".parse().ok();
    pi.handle_event(
        NOW,
        Event::Protected {
            tls: true,
            indicated,
        },
    );
    check(&mut pi, "HOST a.example", "504");
    check(&mut pi, "HOST B.example", "220");
}

//= security#S-34
//= type=test
#[test]
fn a_password_is_taken_under_tls_alone() {
    let mut pi = begun(TlsOffer::Explicit, ClearTransfers::WithoutTls);
    check(&mut pi, "USER alice", "530 Send AUTH TLS first");
    check(&mut pi, "PASS secret", "503");
    check(&mut pi, "USER anonymous", "331");
    start_tls(&mut pi);
    // AUTH flushes the user name too (RFC 4217 section 4.3).
    check(&mut pi, "PASS x", "503");
    check(&mut pi, "USER alice", "331");
}

//= security#S-30
//= type=test
#[test]
fn what_is_queued_behind_auth_ends_the_session() {
    let mut pi = begun(TlsOffer::Explicit, ClearTransfers::Allowed);
    check(&mut pi, "USER anonymous", "331");
    tell(&mut pi, "PASS x");
    tell(&mut pi, "AUTH TLS");
    tell(&mut pi, "USER mallory");
    drain(&mut pi);
    pi.handle_event(NOW, Event::Authenticated(None));
    let said = replies(&mut pi);
    assert!(said[1].starts_with("421"), "{said:?}");
    assert_eq!(said.last().unwrap(), "Close");
}

#[test]
fn auth_and_rein_put_everything_back() {
    let mut pi = protected(ClearTransfers::WithoutTls);
    check(&mut pi, "TYPE I", "200");
    check(&mut pi, "LSTN R", "255");
    check(&mut pi, PIN, "200");
    check(&mut pi, "SSCN ON", "200 SSCN:CLIENT METHOD");
    tell(&mut pi, "REIN");
    let said = replies(&mut pi);
    assert_eq!(said, ["Release", "220 Ready for a new user.", "EndTls"]);
    assert!(!pi.wants_commands());
    pi.handle_event(
        NOW,
        Event::Protected {
            tls: false,
            indicated: None,
        },
    );
    check(&mut pi, "USER alice", "530");
    check(&mut pi, "PBSZ 0", "503");
    start_tls(&mut pi);
    check(&mut pi, "PROT P", "503");
    log_in(&mut pi, Permissions::all());
    assert_eq!(pi.parameters, TransferParameters::default());
    check(&mut pi, "SSCN", "200 SSCN:SERVER METHOD");
}

#[test]
fn an_implicit_session_is_private_from_the_beginning_and_stays_so() {
    let mut pi = begun(TlsOffer::Implicit, ClearTransfers::WithoutTls);
    check(&mut pi, "AUTH TLS", "503");
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "EPSV", "229");
    let made = protection(&mut pi, "RETR f");
    assert_eq!(made, tls(TlsRole::Server, false));
    check(&mut pi, "REIN", "220");
    check(&mut pi, "PROT C", "534");
    log_in(&mut pi, Permissions::all());
}

//= security#S-39
//= type=test
#[test]
fn under_tls_files_travel_in_clear_only_where_the_operator_said_so() {
    for (clear, prot, transfer) in [
        (ClearTransfers::Allowed, "200", None),
        (ClearTransfers::WithoutTls, "534", Some("521")),
        (ClearTransfers::Refused, "534", Some("521")),
    ] {
        let mut pi = begun(TlsOffer::Explicit, clear);
        start_tls(&mut pi);
        check(&mut pi, "PBSZ 0", "200");
        log_in(&mut pi, Permissions::all());
        check(&mut pi, "EPSV", "229");
        match transfer {
            None => assert_eq!(protection(&mut pi, "RETR f"), Protection::Clear),
            Some(code) => {
                let said = ask(&mut pi, "RETR f");
                assert!(said[0].starts_with(code), "{said:?}");
            }
        }
        check(&mut pi, "PROT P", "200");
        check(&mut pi, "PROT C", prot);
    }
}

#[test]
fn sscn_and_cpsv_make_us_the_tls_client_and_listings_do_not() {
    let mut pi = protected(ClearTransfers::WithoutTls);
    check(&mut pi, "EPSV", "229");
    assert_eq!(protection(&mut pi, "RETR f"), tls(TlsRole::Server, false));
    check(&mut pi, "SSCN", "200 SSCN:SERVER METHOD");
    check(&mut pi, "SSCN ON", "200 SSCN:CLIENT METHOD");
    check(&mut pi, "LSTN R", "255");
    assert_eq!(protection(&mut pi, "STOR f"), tls(TlsRole::Client, false));
    check(&mut pi, "PORT 203,0,113,5,156,66", "200");
    assert_eq!(protection(&mut pi, "RETR f"), tls(TlsRole::Client, false));
    assert_eq!(protection(&mut pi, "NLST"), tls(TlsRole::Server, false));
    check(&mut pi, "SSCN OFF", "200 SSCN:SERVER METHOD");
    check(&mut pi, "CPSV", "227");
    assert_eq!(protection(&mut pi, "RETR f"), tls(TlsRole::Client, false));
    // CPSV is for one transfer.
    check(&mut pi, "PASV", "227");
    assert_eq!(protection(&mut pi, "RETR f"), tls(TlsRole::Server, false));
    check(&mut pi, "PROT C", "534");
}

#[test]
fn cpsv_wants_prot_p() {
    let mut pi = begun(TlsOffer::Explicit, ClearTransfers::Allowed);
    start_tls(&mut pi);
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "CPSV", "503");
    check(&mut pi, "PBSZ 0", "200");
    check(&mut pi, "PROT P", "200");
    check(&mut pi, "CPSV", "227");
    // Whoever sends CPSV means TLS: going back to clear text is no way to get the file.
    check(&mut pi, "PROT C", "200");
    let said = ask(&mut pi, "RETR f");
    assert!(said[0].starts_with("521"), "{said:?}");
}

#[test]
fn the_certificate_named_by_peercert_lasts_as_long_as_the_plan() {
    let pinned = tls(TlsRole::Server, true);
    let anyone = tls(TlsRole::Server, false);
    let mut pi = protected(ClearTransfers::WithoutTls);
    // Behind the arrangement, for every transfer of it.
    check(&mut pi, "LSTN R", "255");
    check(&mut pi, PIN, "200");
    check(&mut pi, "SOCK 198.51.100.2,40002", "255");
    assert_eq!(protection(&mut pi, "STOR f"), pinned);
    assert_eq!(protection(&mut pi, "STOR g"), pinned);
    // A new arrangement is another peer's.
    check(&mut pi, "EPSV", "229");
    assert_eq!(protection(&mut pi, "STOR f"), anyone);
    // Before the arrangement, for the next one alone.
    check(&mut pi, PIN, "200");
    check(&mut pi, "EPSV", "229");
    assert_eq!(protection(&mut pi, "STOR f"), pinned);
    check(&mut pi, "EPSV", "229");
    assert_eq!(protection(&mut pi, "STOR f"), anyone);
    // PASV keeps what SOCK pinned, and the certificate with it.
    check(&mut pi, "SOCK 198.51.100.2,40002", "255");
    check(&mut pi, PIN, "200");
    check(&mut pi, "PASV", "227");
    assert_eq!(protection(&mut pi, "STOR f"), pinned);
    // A new user does not inherit it.
    check(&mut pi, PIN, "200");
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "EPSV", "229");
    assert_eq!(protection(&mut pi, "STOR f"), anyone);
}

#[test]
fn peercert_never_falls_back_to_clear_text() {
    let mut pi = protected(ClearTransfers::Allowed);
    check(&mut pi, "LSTN R", "255");
    check(&mut pi, PIN, "200");
    check(&mut pi, "PROT C", "200");
    let said = ask(&mut pi, "STOR f");
    assert!(said[0].starts_with("521"), "{said:?}");
}

#[test]
fn a_change_of_protection_closes_an_open_connection() {
    for line in ["PROT C", PIN] {
        let mut pi = protected(ClearTransfers::Allowed);
        check(&mut pi, "MODE B", "200");
        check(&mut pi, "LSTN R", "255");
        tell(&mut pi, "STOR f");
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        let kept = Outcome::Completed {
            bytes: 1,
            kept: true,
        };
        pi.handle_event(NOW, Event::Finished(kept));
        drain(&mut pi);
        tell(&mut pi, line);
        assert_eq!(replies(&mut pi)[0], "Disconnect", "{line}");
    }
}

#[test]
fn a_tls_failure_on_the_data_connection_is_522_and_releases_the_plan() {
    for failure in [
        TlsFailure::Handshake,
        TlsFailure::Peer,
        TlsFailure::NotResumed,
    ] {
        let mut pi = protected(ClearTransfers::WithoutTls);
        check(&mut pi, "LSTN R", "255");
        tell(&mut pi, "STOR f");
        pi.handle_event(NOW, Event::Opened(Opened::default()));
        drain(&mut pi);
        pi.handle_event(NOW, Event::Finished(Outcome::TlsFailed(failure)));
        let said = replies(&mut pi);
        assert_eq!(said[0], "Release");
        assert!(said[1].starts_with("522"), "{said:?}");
    }
}
