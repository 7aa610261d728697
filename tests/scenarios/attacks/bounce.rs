//! Every command that names a host, every kind of target, every kind of grant: nobody is called
//! whom the grant does not name. RFC 2577 sections 3 and 4, spec S-1 to S-4.

use std::net::{IpAddr, SocketAddr};

use thirdhost_proto::server::Permissions;
use thirdhost_server::accounts::ThirdPartyGrant;

use crate::support::peer;
use crate::support::site::{SITE1, Site, USER, entry};
use crate::support::user::User;

/// What a user was granted.
const GRANTS: [(&str, &[&str]); 5] = [
    ("nothing", &[]),
    ("everywhere", &["0.0.0.0/0", "::/0"]),
    ("one", &["198.51.100.7/32", "2001:db8::7/128"]),
    ("loopback", &["127.0.0.0/8", "::1/128"]),
    ("itself", &["127.0.0.2/32"]),
];

/// Whom the commands name, and by which of the grants it may be called: the judge is this table.
const TARGETS: [(&str, &[&str]); 33] = [
    // Any host of the Internet, and one that is granted by name.
    ("8.8.8.8", &["everywhere"]),
    ("198.51.100.7", &["everywhere", "one"]),
    ("198.51.100.8", &["everywhere"]),
    // The control connection's own host, which needs no grant, and the server itself.
    ("127.0.0.1", ALL),
    ("127.0.0.2", &["itself"]),
    ("127.0.0.3", &["loopback"]),
    ("127.255.255.254", &["loopback"]),
    // Private, shared, link-local, among them what clouds tell secrets at.
    ("10.0.0.1", &[]),
    ("172.16.0.1", &[]),
    ("192.168.1.1", &[]),
    ("100.64.0.1", &[]),
    ("169.254.169.254", &[]),
    ("169.254.0.1", &[]),
    // No hosts at all.
    ("0.0.0.0", &[]),
    ("0.0.0.1", &[]),
    ("224.0.0.1", &[]),
    ("239.255.255.250", &[]),
    ("240.0.0.1", &["everywhere"]),
    ("255.255.255.255", &[]),
    ("::", &[]),
    ("::1", &["loopback"]),
    ("fe80::1", &[]),
    ("fc00::1", &[]),
    ("fd00:ec2::254", &[]),
    ("ff02::1", &[]),
    ("2001:4860:4860::8888", &["everywhere"]),
    ("2001:db8::7", &["everywhere", "one"]),
    // IPv4 in the clothes of IPv6.
    ("::ffff:8.8.8.8", &["everywhere"]),
    ("::ffff:127.0.0.1", ALL),
    ("::ffff:127.0.0.2", &["itself"]),
    ("::ffff:169.254.169.254", &[]),
    ("::ffff:0.0.0.0", &[]),
    ("::ffff:224.0.0.1", &[]),
];

const ALL: &[&str] = &["nothing", "everywhere", "one", "loopback", "itself"];

/// LSTN stands for LSTN and the SOCK that says who may call.
const FORMS: [&str; 4] = ["PORT", "EPRT", "SOCK", "LSTN"];

const PORTS: [u16; 6] = [1, 22, 80, 1023, 5000, 65535];

//= security#S-1
//= type=test
//= security#S-2
//= type=test
//= security#S-3
//= type=test
//= security#S-4
//= type=test
#[test]
fn no_command_makes_the_server_call_whom_the_grant_does_not_name() {
    let site = site();
    let mut cases = 0;
    for (grant, _) in GRANTS {
        let mut user = site.user_of(grant);
        for (host, granted_by) in TARGETS {
            for (port, form) in PORTS
                .iter()
                .flat_map(|port| FORMS.map(|form| (*port, form)))
            {
                let attempt = Attempt {
                    form,
                    target: SocketAddr::new(peer::ip(host), port),
                    is_granted: granted_by.contains(&grant),
                };
                attempt.make(&site, &mut user);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 5 * 33 * 24);
}

/// Neither as the user's own host nor as one that is granted: the server does not talk to itself
/// on a control connection, where it would be taken for a user at this machine.
//= security#S-3
//= type=test
#[test]
fn nobody_makes_the_server_call_where_it_listens_itself() {
    for (server, user, name) in [
        (SITE1, SITE1, "nothing"),
        (SITE1, SITE1, "itself"),
        (SITE1, USER, "itself"),
        ("0.0.0.0", USER, "nothing"),
        ("0.0.0.0", USER, "loopback"),
    ] {
        let site = at(server);
        let control = site.address.port();
        let callee = if server == SITE1 { SITE1 } else { USER };
        let mut user = User::greeted(user, SocketAddr::new(peer::ip(callee), control));
        user.log_in(name);
        for form in ["PORT", "EPRT", "SOCK"] {
            user.ask(line(form, SocketAddr::new(peer::ip(callee), control)), 504);
            user.ask("RETR there", 425);
        }
        assert_eq!(site.network.calls(), [], "{server} {name}");
    }
}

struct Attempt {
    form: &'static str,
    target: SocketAddr,
    is_granted: bool,
}

impl Attempt {
    /// The command, then the transfer that would dial.
    fn make(&self, site: &Site, user: &mut User) {
        let Self { form, target, .. } = *self;
        let case = format!("{form} {target}, granted: {}", self.is_granted);
        let before = site.network.calls().len();
        if form == "LSTN" {
            user.lstn("S");
        }
        user.send(line(form, target));
        let reply = user.reply();
        let is_taken = reply.code / 100 == 2;
        assert_eq!(is_taken, self.should_be_taken(), "{case}: {}", reply.raw);
        let refusals = [501, 504, 522];
        assert!(
            is_taken || refusals.contains(&reply.code),
            "{case}: {}",
            reply.raw
        );
        assert_eq!(
            site.network.calls().len(),
            before,
            "{case}: called too early"
        );
        if form == "LSTN" {
            user.ask("ABOR", 226);
            return;
        }
        user.send("RETR there");
        let mut code = user.reply().code;
        if code == 150 {
            code = user.reply().code;
        }
        assert_eq!(code, 425, "{case}");
        let called = site.network.calls().split_off(before);
        let named = target.ip().to_canonical();
        assert!(
            called.iter().all(|(_, to)| to.ip() == named),
            "{case}: {called:?}"
        );
        assert_eq!(called.is_empty(), !is_taken, "{case}: {called:?}");
    }

    /// Who is waited for may call from any port: a pin calls nobody. From IPv4 nobody is reached
    /// who has no such address; one that is dressed up as IPv6 counts as what it is.
    fn should_be_taken(&self) -> bool {
        let calls_a_service = self.form != "LSTN" && self.target.port() < 1024;
        let is_ipv4 = self.target.ip().to_canonical().is_ipv4();
        let is_said = self.form != "PORT" || self.target.is_ipv4();
        self.is_granted && is_ipv4 && is_said && !calls_a_service
    }
}

/// A server whose network reaches nobody, and remembers who was to be called.
fn site() -> Site {
    at(SITE1)
}

fn at(host: &str) -> Site {
    let site = Site::configured(host, |config| {
        config.roll.users.extend(GRANTS.map(|(name, networks)| {
            let networks: Vec<_> = networks.iter().map(|net| net.parse().unwrap()).collect();
            let grant = ThirdPartyGrant {
                send_to: networks.clone(),
                receive_from: networks,
                ..ThirdPartyGrant::default()
            };
            entry(name, Permissions::all(), Some(grant))
        }));
    });
    site.put("there", "bytes");
    site.network.cut();
    site
}

/// PORT has no room for IPv6, and is tried with it all the same.
fn line(form: &str, target: SocketAddr) -> String {
    let port = target.port();
    match (form, target.ip()) {
        ("EPRT", IpAddr::V4(host)) => format!("EPRT |1|{host}|{port}|"),
        ("EPRT", IpAddr::V6(host)) => format!("EPRT |2|{host}|{port}|"),
        ("PORT", IpAddr::V4(host)) => {
            let host = host.to_string().replace('.', ",");
            format!("PORT {host},{},{}", port >> 8, port & 255)
        }
        ("PORT", IpAddr::V6(host)) => format!("PORT {host},{},{}", port >> 8, port & 255),
        (_, IpAddr::V4(host)) => format!("SOCK {host},{port}"),
        (_, IpAddr::V6(host)) => format!("SOCK [{host}],{port}"),
    }
}
