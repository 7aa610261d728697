//! The verbs beyond RFC 959, each with its replies by state. Spec sections 3 to 6.

use super::tests::{check, drain, log_in, logged_in, peer, session, tell};
use super::*;

#[test]
fn circumstances_are_told_before_the_login() {
    for (line, reply) in [
        ("HOST ftp.example.org", "220"),
        ("LANG", "200"),
        ("LANG en-GB", "200"),
        ("LANG fr", "504"),
        ("CLNT lftp", "200"),
        (
            "CSID Name=WinSCP; Version=6;",
            "200 Name=thirdhostd; CaseSensitive=1;",
        ),
        ("CEPR ON", "200"),
        ("PRET RETR f", "530"),
        ("ALGS STATUS64", "530"),
    ] {
        check(&mut session(Unpinned::ControlHost), line, reply);
    }
    for (line, reply) in [
        ("HOST ftp.example.org", "503"),
        ("PRET RETR f", "200"),
        ("ALGS STATUS64", "202"),
        ("SMNT /", "502"),
        ("LPRT 4,4,132,235,1,2,2,24,131", "502"),
        ("LPSV", "502"),
        ("ACTV", "502"),
        ("MFCT 20200101000000 f", "502"),
    ] {
        check(&mut logged_in(), line, reply);
    }
}

#[test]
fn host_is_one_of_the_names_listed_or_our_address() {
    let hosts = Hosts {
        address: Some("192.0.2.1".parse().unwrap()),
        names: vec!["ftp.example.org".parse().unwrap()],
    };
    for (name, ours) in [
        ("FTP.example.org", true),
        ("192.0.2.1", true),
        ("www.example.org", false),
        ("192.0.2.2", false),
        ("[2001:db8::1]", false),
    ] {
        assert_eq!(hosts.serve(&name.parse().unwrap()), ours, "{name}");
    }
    assert!(Hosts::default().serve(&"any.example".parse().unwrap()));
}

#[test]
fn clnt_between_user_and_pass_keeps_the_user_and_host_does_not() {
    for (line, kept) in [("CLNT lftp", true), ("HOST example.org", false)] {
        let mut pi = session(Unpinned::ControlHost);
        check(&mut pi, "USER alice", "331");
        tell(&mut pi, line);
        drain(&mut pi);
        tell(&mut pi, "PASS secret");
        let asked = matches!(drain(&mut pi).as_slice(), [Effect::Authenticate { .. }]);
        assert_eq!(asked, kept, "{line}");
    }
}

#[test]
fn cepr_makes_229_tell_the_address_until_rein() {
    let mut pi = logged_in();
    let plain = "229 Entering Extended Passive Mode (|||40002|)";
    check(&mut pi, "EPSV", plain);
    check(&mut pi, "CEPR ON", "200");
    let full = format!("229 Entering Extended Passive Mode (|1|{}|40002|)", peer());
    check(&mut pi, "EPSV", &full);
    check(&mut pi, "CEPR OFF", "200");
    check(&mut pi, "EPSV", plain);
    check(&mut pi, "CEPR ON", "200");
    tell(&mut pi, "REIN");
    drain(&mut pi);
    log_in(&mut pi, Permissions::all());
    check(&mut pi, "EPSV", plain);
}

#[test]
fn pret_keeps_the_restart_point() {
    let mut pi = logged_in();
    for (line, reply) in [("TYPE I", "200"), ("REST 5", "350"), ("PRET RETR f", "200")] {
        check(&mut pi, line, reply);
    }
    assert!(pi.restart.is_some());
}
