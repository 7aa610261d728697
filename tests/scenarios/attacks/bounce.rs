//! Every command that names a host, every kind of target, every kind of grant: nobody is called
//! whom the grant does not name. RFC 2577 sections 3 and 4, spec S-1 to S-4.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use thirdhost_proto::server::Permissions;
use thirdhost_server::accounts::ThirdPartyGrant;

use crate::support::peer;
use crate::support::site::{SITE1, Site, USER, entry};
use crate::support::user::User;

/// What a user of that name was granted.
struct Grant {
    name: &'static str,
    /// One of [`NETWORKS`].
    networks: &'static str,
    sends: bool,
    receives: bool,
    /// Ports below 1024 that may be called.
    services: &'static [u16],
    ports: Option<RangeInclusive<u16>>,
}

const PLAIN: Grant = Grant {
    name: "",
    networks: "everywhere",
    sends: true,
    receives: true,
    services: &[],
    ports: None,
};

const GRANTS: [Grant; 9] = [
    plain("nothing"),
    plain("everywhere"),
    plain("one"),
    plain("loopback"),
    plain("itself"),
    Grant {
        name: "to-take",
        sends: false,
        ..PLAIN
    },
    Grant {
        name: "to-give",
        receives: false,
        ..PLAIN
    },
    Grant {
        name: "services",
        services: &[22, 1023],
        ..PLAIN
    },
    Grant {
        name: "range",
        ports: Some(5000..=6000),
        services: &[80],
        ..PLAIN
    },
];

const fn plain(name: &'static str) -> Grant {
    Grant {
        name,
        networks: name,
        ..PLAIN
    }
}

const NETWORKS: [(&str, &[&str]); 5] = [
    ("nothing", &[]),
    ("everywhere", &["0.0.0.0/0", "::/0"]),
    ("one", &["198.51.100.7/32", "2001:db8::7/128"]),
    ("loopback", &["127.0.0.0/8", "::1/128"]),
    ("itself", &["127.0.0.2/32"]),
];

/// Whom the commands name, and by which networks it may be called: the judge is this table.
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
    for grant in &GRANTS {
        let mut user = site.user_of(grant.name);
        for (host, granted_by) in TARGETS {
            for (port, form) in PORTS
                .iter()
                .flat_map(|port| FORMS.map(|form| (*port, form)))
            {
                let attempt = Attempt {
                    form,
                    target: SocketAddr::new(peer::ip(host), port),
                    grant,
                    granted_by,
                };
                attempt.make(&site, &mut user);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 9 * 33 * 24);
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
    grant: &'static Grant,
    granted_by: &'static [&'static str],
}

impl Attempt {
    /// The command, then the transfers that would dial.
    fn make(&self, site: &Site, user: &mut User) {
        if self.form == "LSTN" {
            user.lstn("S");
            self.name_it(site, user);
            user.ask("ABOR", 226);
            return;
        }
        let Grant {
            sends, receives, ..
        } = *self.grant;
        for (transfer, is_granted) in [("RETR there", sends), ("STOR new", receives)] {
            let is_taken = self.name_it(site, user);
            let case = format!("{self}: {transfer}");
            let before = site.network.calls().len();
            user.send(transfer);
            let mut code = user.reply().code;
            if code == 150 {
                code = user.reply().code;
            }
            let called = site.network.calls().split_off(before);
            let named = self.target.ip().to_canonical();
            assert!(
                called.iter().all(|(_, to)| to.ip() == named),
                "{case}: {called:?}"
            );
            let is_called = is_taken && (is_granted || self.is_control_peer());
            assert_eq!(called.is_empty(), !is_called, "{case}: {called:?}");
            assert_eq!(
                code,
                if is_taken && !is_called { 504 } else { 425 },
                "{case}"
            );
        }
    }

    /// Whether the command was taken, as it has to be; nobody is called by it.
    fn name_it(&self, site: &Site, user: &mut User) -> bool {
        let before = site.network.calls().len();
        user.send(line(self.form, self.target));
        let reply = user.reply();
        let is_taken = reply.code / 100 == 2;
        assert_eq!(is_taken, self.should_be_taken(), "{self}: {}", reply.raw);
        let refusals = [501, 504, 522];
        assert!(
            is_taken || refusals.contains(&reply.code),
            "{self}: {}",
            reply.raw
        );
        let after = site.network.calls().len();
        assert_eq!(after, before, "{self}: called too early");
        is_taken
    }

    /// Who is waited for may call from any port: a pin calls nobody. From IPv4 nobody is reached
    /// who has no such address; one that is dressed up as IPv6 counts as what it is.
    fn should_be_taken(&self) -> bool {
        let port = self.target.port();
        let is_service = port < 1024 && !self.grant.services.contains(&port);
        let in_range = |ports: &RangeInclusive<u16>| ports.contains(&port);
        let is_beyond = !self.is_control_peer() && !self.grant.ports.as_ref().is_none_or(in_range);
        let is_callable = self.form == "LSTN" || !is_service && !is_beyond;
        let is_granted = self.granted_by.contains(&self.grant.networks);
        let is_ipv4 = self.target.ip().to_canonical().is_ipv4();
        let is_said = self.form != "PORT" || self.target.is_ipv4();
        is_granted && is_ipv4 && is_said && is_callable
    }

    fn is_control_peer(&self) -> bool {
        self.granted_by == ALL
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            form,
            target,
            grant,
            ..
        } = self;
        write!(f, "{} by {form} {target}", grant.name)
    }
}

/// A server whose network reaches nobody, and remembers who was to be called.
fn site() -> Site {
    at(SITE1)
}

fn at(host: &str) -> Site {
    let site = Site::configured(host, |config| {
        config.roll.users.extend(GRANTS.map(|grant| {
            let networks = NETWORKS.iter().find(|(name, _)| *name == grant.networks);
            let networks = networks.into_iter().flat_map(|(_, networks)| *networks);
            let networks: Vec<_> = networks.map(|net| net.parse().unwrap()).collect();
            let given = |is_given| {
                if is_given {
                    networks.clone()
                } else {
                    Vec::new()
                }
            };
            let third_party = ThirdPartyGrant {
                send_to: given(grant.sends),
                receive_from: given(grant.receives),
                privileged_ports: grant.services.to_vec(),
                ports: grant.ports,
                ..ThirdPartyGrant::default()
            };
            entry(grant.name, Permissions::all(), Some(third_party))
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
