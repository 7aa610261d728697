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
        ("SOCK localhost,5000", 504),
        ("EPRT |1|localhost|5000|", 501),
        ("EPRT |3|localhost|5000|", 522),
        ("PORT localhost,19,136", 501),
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

/// The user's own host, and a third host that is granted: no service of either is called.
//= security#S-1
//= type=test
#[test]
fn no_port_below_1024_is_called() {
    let site = Site::start(SITE1);
    site.put("there", "bytes");
    let mut user = site.user();
    for host in [USER, SITE2] {
        for port in [1, 21, 25, 1023] {
            let (h, high, low) = (host.replace('.', ","), port >> 8, port & 255);
            for command in [
                format!("PORT {h},{high},{low}"),
                format!("EPRT |1|{host}|{port}|"),
                format!("SOCK {host},{port}"),
            ] {
                user.ask(command, 504);
                user.ask("RETR there", 425);
            }
        }
        for command in [
            format!("PORT {},4,0", host.replace('.', ",")),
            format!("EPRT |1|{host}|1024|"),
            format!("SOCK {host},1024"),
        ] {
            user.send(&command);
            assert_eq!(user.reply().code / 100, 2, "{command}");
        }
    }
    assert_eq!(site.network.calls(), []);
}

/// RFC 959 section 3.2 would have port 20, which only root may use.
//= security#S-8
//= type=test
//= security#S-68
//= type=test
#[test]
fn calls_and_listeners_have_ports_of_the_configured_range() {
    let range = 41_000..=41_999;
    let site = Site::configured(SITE1, |config| config.data_sockets.ports = range.clone());
    site.put("there", "bytes");
    let mut user = site.user();
    let x = [user.lstn("R"), user.lstn("S"), user.pasv().port()];
    assert!(x.iter().all(|port| range.contains(port)), "{x:?}");
    // After PASV, SOCK would only say who may call.
    let mut user = site.user();
    let target = peer::listen(SITE2);
    for form in ["SOCK", "PORT", "EPRT"] {
        user.send(command(form, &target));
        let told = user.reply();
        user.ask("RETR there", 150);
        let stream = peer::accept(&target);
        let from = stream.peer_addr().unwrap().port();
        assert!(range.contains(&from), "{form}: {from}");
        assert!(form != "SOCK" || told.socket() == from, "{form}: {from}");
        assert_eq!(peer::receive_all(stream), b"bytes");
        user.expect(226);
    }
}

/// Without a grant, and for anonymous whatever is granted to users: third hosts are named in
/// vain, and LSTN is anybody's.
//= security#S-10
//= type=test
//= security#S-29
//= type=test
#[test]
fn third_hosts_are_for_those_to_whom_they_were_granted() {
    let site = Site::configured(SITE1, |config| {
        let mut anonymous = entry("anonymous", Permissions::read_only(), None).account;
        anonymous.anonymous = true;
        config.roll.anonymous = Some(anonymous);
    });
    for name in ["bob", "anonymous", "ftp"] {
        let mut user = site.user_of(name);
        for listen in ["LSTN R", "LSTN S", "PASV", "EPSV"] {
            user.send(listen);
            assert_eq!(user.reply().code / 100, 2, "{name} {listen}");
            for pin in ["SOCK 127.0.0.3,0", "SOCK 127.0.0.3,5000", "SOCK 8.8.8.8,0"] {
                user.ask(pin, 504);
            }
            user.ask("NOOP", 200);
        }
        for call in [
            "SOCK 8.8.8.8,5000",
            "PORT 8,8,8,8,19,136",
            "EPRT |1|8.8.8.8|5000|",
            "EPRT |1|127.0.0.3|5000|",
        ] {
            user.ask(call, 504);
        }
        // The user's own host is no third one.
        user.ask("EPRT |1|127.0.0.1|5000|", 200);
    }
    assert_eq!(site.network.calls(), []);
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
//= security#S-11
//= type=test
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
