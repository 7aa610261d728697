//! Nobody is called whom policy does not admit: RFC 2577 section 3, spec S-1 to S-15.

use std::net::TcpListener;

use thirdhost_proto::server::Permissions;
use thirdhost_server::accounts::ThirdPartyGrant;

use crate::support::peer;
use crate::support::site::{SITE1, SITE2, STRANGER, Site, USER, entry};
use crate::support::user::User;

//= spec#T-17
//= security#S-1
//= type=test
//= security#S-14
//= type=test
#[test]
fn sock_takes_no_number_that_is_no_port_and_no_host_that_is_none() {
    let site = Site::start(SITE1);
    let mut user = site.user();
    for (command, code) in [
        ("SOCK 127.0.0.3,1023", 504),
        ("SOCK 127.0.0.3,1", 504),
        ("SOCK 127.0.0.3,0", 504),
        ("SOCK 0", 504),
        ("SOCK 127.0.0.3,65536", 501),
        ("SOCK 127.0.0.3,4294967296", 501),
        ("SOCK 127.0.0.3,18446744073709551617", 501),
        ("SOCK 127.0.0.3,-1", 501),
        ("SOCK -5000", 501),
        ("SOCK 127.0.0.3,", 501),
        ("SOCK", 501),
        ("SOCK ", 501),
        ("SOCK ,5000", 501),
        ("SOCK 127.0.0.3", 501),
        ("SOCK SITE2,5000", 504),
        ("SOCK 69,5000", 504),
        ("SOCK 255.255.255.255,5000", 504),
        ("SOCK 224.0.0.1,5000", 504),
        ("SOCK [::1],5000", 522),
        ("SOCK 198.51.100.2,5000", 504),
    ] {
        user.ask(command, code);
        user.ask("NOOP", 200);
    }
    site.until_only(1, 0);
    // Spec A-12 leaves the code open between the two.
    for command in ["SOCK 0.0.0.0,5000", "SOCK [::],5000", "SOCK 127.1,5000"] {
        user.send(command);
        let reply = user.reply();
        assert!(
            [501, 504, 522].contains(&reply.code),
            "{command}: {}",
            reply.raw
        );
    }
    assert_eq!(site.network.calls(), []);
    // A caller's socket may be any, but its host is judged all the same.
    let x = user.lstn("R");
    for (command, code) in [
        ("SOCK 127.0.0.3,20", 255),
        ("SOCK 127.0.0.3,65536", 501),
        ("SOCK 198.51.100.2,5000", 504),
        ("SOCK 0.0.0.0,0", 504),
        ("SOCK [::1],5000", 522),
    ] {
        let reply = user.ask(command, code);
        assert!(code != 255 || reply.socket() == x);
    }
    assert!(user.ask("STAT", 211).raw.contains("127.0.0.3:20"));
}

/// Every command that names a target, every kind of target, three kinds of user.
//= spec#T-17
//= spec#T-18
//= security#S-2
//= type=test
//= security#S-4
//= type=test
#[test]
fn no_packet_leaves_for_a_host_that_the_user_may_not_call() {
    let listeners = [SITE1, SITE2, STRANGER, USER].map(peer::listen);
    let [own, granted, foreign, control] = &listeners;
    // name of the user, whom, whether it is called
    let matrix = [
        ("bob", own, false),
        ("bob", granted, false),
        ("bob", foreign, false),
        ("bob", control, true),
        ("dave", own, false),
        ("dave", granted, true),
        ("dave", foreign, false),
        ("dave", control, true),
    ];
    for (name, target, allowed) in matrix {
        for form in ["SOCK", "PORT", "EPRT"] {
            let site = Site::configured(SITE1, |config| {
                config.roll.users.push(dave(ThirdPartyGrant {
                    send_to: vec!["127.0.0.3/32".parse().unwrap()],
                    ..ThirdPartyGrant::default()
                }));
            });
            site.put("there", "bytes");
            let mut user = site.user_of(name);
            let case = format!("{name} {form} {:?}", target.local_addr());
            user.send(command(form, target));
            if allowed {
                is_called(&site, &mut user, target, &case);
            } else {
                is_not_called(&site, &mut user, target, &case);
            }
        }
    }
}

/// A host wrapped in another form of address is still that host.
//= spec#T-17
//= security#S-2
//= type=test
#[test]
fn no_form_of_an_address_leads_past_policy() {
    let site = Site::start(SITE1);
    let target = peer::listen(SITE2);
    let port = target.local_addr().unwrap().port();
    let mut bob = site.user_of("bob");
    for host in ["127.0.0.3", "[::ffff:127.0.0.3]", "[::ffff:7f00:3]"] {
        bob.ask(format!("SOCK {host},{port}"), 504);
        if let Some(host) = host.strip_prefix('[') {
            bob.ask(
                format!("EPRT |2|{}|{port}|", host.trim_end_matches(']')),
                504,
            );
        }
    }
    for host in ["[64:ff9b::7f00:3]", "[2002:7f00:3::]"] {
        bob.ask(format!("SOCK {host},{port}"), 522);
    }
    for host in [
        "127.3",
        "0177.0.0.3",
        "0x7f000003",
        "2130706435",
        "127.0.0.3%lo",
    ] {
        bob.send(format!("SOCK {host},{port}"));
        let reply = bob.reply();
        assert!([501, 504].contains(&reply.code), "{host}: {}", reply.raw);
        bob.ask("NOOP", 200);
    }
    bob.ask("RETR there", 425);
    assert_eq!(site.network.calls(), []);
    assert!(peer::accept_now(&target).is_none());
}

/// The grant has a direction: to send there is not to receive from there.
//= spec#T-18
#[test]
fn a_grant_to_send_is_no_grant_to_receive() {
    let site = Site::configured(SITE1, |config| {
        config.roll.users.push(dave(ThirdPartyGrant {
            send_to: vec!["127.0.0.3/32".parse().unwrap()],
            ..ThirdPartyGrant::default()
        }));
    });
    let target = peer::listen(SITE2);
    let mut user = site.user_of("dave");
    for form in ["SOCK", "PORT", "EPRT"] {
        user.send(command(form, &target));
        assert_eq!(user.reply().code / 100, 2, "{form}");
        user.ask("STOR stored", 504);
    }
    user.lstn("R");
    user.sock_host(peer::ip(SITE2), 0);
    user.ask("STOR stored", 504);
    assert_eq!(site.network.calls(), []);
    assert!(peer::accept_now(&target).is_none());
    site.until_only(1, 0);
}

fn is_called(site: &Site, user: &mut User, target: &TcpListener, case: &str) {
    assert_eq!(user.reply().code / 100, 2, "{case}");
    assert_eq!(
        site.network.calls(),
        [],
        "{case}: called before the transfer command"
    );
    user.ask("RETR there", 150);
    assert_eq!(peer::receive_all(peer::accept(target)), b"bytes", "{case}");
    user.expect(226);
    assert_eq!(site.network.calls().len(), 1, "{case}");
}

/// What is refused is refused before anything is asked of the network, so that the answer tells
/// nothing about the target (spec S-5).
fn is_not_called(site: &Site, user: &mut User, target: &TcpListener, case: &str) {
    assert_eq!(user.reply().code, 504, "{case}");
    user.ask("RETR there", 425);
    assert_eq!(site.network.calls(), [], "{case}");
    assert!(peer::accept_now(target).is_none(), "{case}");
}

fn command(form: &str, target: &TcpListener) -> String {
    let address = target.local_addr().unwrap();
    let (host, port) = (address.ip(), address.port());
    match form {
        "SOCK" => format!("SOCK {host},{port}"),
        "EPRT" => format!("EPRT |1|{host}|{port}|"),
        _ => {
            let host = host.to_string().replace('.', ",");
            format!("PORT {host},{},{}", port >> 8, port & 255)
        }
    }
}

fn dave(grant: ThirdPartyGrant) -> thirdhost_server::accounts::User {
    entry("dave", Permissions::all(), Some(grant))
}
