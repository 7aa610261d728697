//! Which peers a session may meet: third-party use is decided here and nowhere else.
//!
//! | the peer | a call | a caller |
//! |---|---|---|
//! | unspecified, multicast, broadcast | never | never |
//! | where this server listens for users | never | as below |
//! | any, port below 1024 | only if `privileged_ports` lists the port | as below |
//! | the host of the control connection | yes | yes |
//! | an address of this server | only if a list holds it, alone | the same |
//! | loopback, link-local, private … | only if a list names a part of that range | the same |
//! | any other host | only if a list names it | the same |
//!
//! To a third host `third_party.ports` bounds the ports that are called, `third_party.paths` the
//! files, and `third_party.tls` wants TLS.
//!
//! The list is `third_party.send_to` or `third_party.receive_from`, as the bytes go. A caller's
//! port is not judged: a server that calls in the classic way does so from port 20.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use thirdhost_proto::server::{Directions, VirtualPath};
use thirdhost_sockets::{Denied, Initiative, Network, PeerQuestion, Policy};
use thirdhost_wire::{AddressClass, Direction, HostSocket, PORT_UNPRIVILEGED, address_class};

use crate::accounts::{CurrentGrant, ThirdPartyGrant};
use crate::limits::{TARGET_USERS_MAX, THIRD_HOSTS_PER_MINUTE};

/// The policy of one session: whom its user may meet over data connections (design D12).
#[derive(Clone, Debug)]
pub struct ThirdPartyPolicy {
    control_peer: IpAddr,
    own: Vec<IpAddr>,
    listening: Vec<SocketAddr>,
    network: Option<Arc<dyn Network>>,
    grant: Grant,
}

/// Where a policy has its grant from.
#[derive(Clone, Debug)]
enum Grant {
    Fixed(Option<ThirdPartyGrant>),
    Current(CurrentGrant),
}

impl ThirdPartyPolicy {
    /// A policy for a session with `control_peer`. `own` are this server's addresses: our end of
    /// the control connection, the public address, and what we listen on.
    #[must_use]
    pub fn new(
        control_peer: IpAddr,
        own: impl IntoIterator<Item = IpAddr>,
        grant: Option<ThirdPartyGrant>,
    ) -> Self {
        Self {
            control_peer: control_peer.to_canonical(),
            own: own
                .into_iter()
                .map(|address| address.to_canonical())
                .collect(),
            listening: Vec::new(),
            network: None,
            grant: Grant::Fixed(grant),
        }
    }

    /// The same policy with a grant that is asked for anew at every question, so that a session
    /// follows the configuration (spec S-15).
    #[must_use]
    pub fn following(self, grant: CurrentGrant) -> Self {
        Self {
            grant: Grant::Current(grant),
            ..self
        }
    }

    /// The same policy that takes every address the system has for our own, not only those that
    /// were named: who listens on all addresses has not named any (spec S-3).
    #[must_use]
    pub fn knowing_own(self, network: Arc<dyn Network>) -> Self {
        Self {
            network: Some(network),
            ..self
        }
    }

    /// The same policy that lets nobody make the server call `listening`, where it waits for
    /// control connections itself, not even from the host of the control connection: that may be
    /// this machine, and so may everybody be who comes through a proxy on it.
    #[must_use]
    pub fn listening_on(self, listening: Vec<SocketAddr>) -> Self {
        Self { listening, ..self }
    }

    /// Which ways bytes may go over a connection we open to `peer`: what PORT, EPRT and an
    /// active SOCK are answered by.
    #[must_use]
    pub fn may_call(&self, peer: HostSocket) -> Directions {
        self.directions(Initiative::Call, peer)
    }

    /// Which ways bytes may go over a connection that `host` opens, from whatever port: what a
    /// SOCK that pins a listener is answered by.
    #[must_use]
    pub fn may_accept(&self, host: IpAddr) -> Directions {
        HostSocket::new(host, PORT_UNPRIVILEGED).map_or(Directions::default(), |peer| {
            self.directions(Initiative::Accept, peer)
        })
    }

    /// Whether `host` is a third host: any but the host of the control connection.
    /// Only those count for [`TargetRate`].
    #[must_use]
    pub fn is_third_party(&self, host: IpAddr) -> bool {
        host.to_canonical() != self.control_peer
    }

    /// Whether there may be a data connection with `host` that is under TLS, or will be, as
    /// `protected` says, and that moves what is at any of `paths`, or nothing of ours. Asked
    /// besides everything else.
    ///
    /// # Errors
    /// Which of the user's rules is against it.
    pub fn admit_files(
        &self,
        host: IpAddr,
        paths: &[VirtualPath],
        protected: bool,
    ) -> Result<(), Denied> {
        let host = host.to_canonical();
        if !self.is_third_party(host) {
            return Ok(());
        }
        let grant = self.grant();
        let granted = |path| grant.paths.iter().any(|prefix| prefix.holds(path));
        let rule = if grant.tls && !protected {
            "third_party.tls"
        } else if !grant.paths.is_empty() && !paths.iter().all(granted) {
            "third_party.paths"
        } else {
            return Ok(());
        };
        Err(Denied::File { host, rule })
    }

    fn directions(&self, initiative: Initiative, peer: HostSocket) -> Directions {
        let admits = |direction| {
            self.admit(&PeerQuestion {
                initiative,
                peer,
                direction: Some(direction),
            })
            .is_ok()
        };
        Directions {
            send: admits(Direction::Send),
            receive: admits(Direction::Receive),
        }
    }

    // SECURITY: this is the whole of the bounce rule (RFC 2577 section 3, spec S-1 to S-3).
    fn judge(&self, question: &PeerQuestion, direction: Option<Direction>) -> Result<(), Denied> {
        let peer = question.peer;
        let host = peer.host();
        let class = address_class(host);
        if class.is_never_allowed() {
            return Err(Denied::NeverAllowed { host, class });
        }
        if question.initiative == Initiative::Call && self.is_own_listener(peer, class) {
            return Err(Denied::OwnListener { peer });
        }
        let grant = self.grant();
        let calls = question.initiative == Initiative::Call;
        if calls
            && peer.port() < PORT_UNPRIVILEGED
            && !grant.privileged_ports.contains(&peer.port())
        {
            return Err(Denied::PrivilegedPort { peer });
        }
        if host == self.control_peer {
            return Ok(());
        }
        let in_range = |ports: &RangeInclusive<u16>| ports.contains(&peer.port());
        if calls && !grant.ports.as_ref().is_none_or(in_range) {
            return Err(Denied::Port { peer });
        }
        let networks = match direction {
            Some(Direction::Send) => grant.send_to.as_slice(),
            Some(Direction::Receive) => grant.receive_from.as_slice(),
            None => &[],
        };
        if self.is_own(host, class) {
            let listed = networks.contains(&IpNet::from(host));
            return listed
                .then_some(())
                .ok_or(Denied::OwnAddress { host, direction });
        }
        if class.needs_explicit_rule() {
            let listed = networks
                .iter()
                .any(|net| net.contains(&host) && lies_within(net, class));
            return listed.then_some(()).ok_or(Denied::SpecialRange {
                host,
                class,
                direction,
            });
        }
        let listed = networks.iter().any(|network| network.contains(&host));
        listed
            .then_some(())
            .ok_or(Denied::NotGranted { peer, direction })
    }

    /// Loopback has a rule of its own: on most systems all of it can be bound.
    fn is_own(&self, host: IpAddr, class: AddressClass) -> bool {
        let network = self.network.as_ref();
        self.own.contains(&host)
            || (class != AddressClass::Loopback
                && network.is_some_and(|network| network.is_local(host)))
    }

    /// Who listens on all addresses listens on every one that this machine has.
    fn is_own_listener(&self, peer: HostSocket, class: AddressClass) -> bool {
        let host = peer.host();
        self.listening.iter().any(|listening| {
            let at = listening.ip().to_canonical();
            let is_there = at == host
                || at.is_unspecified()
                    && (class == AddressClass::Loopback || self.is_own(host, class));
            listening.port() == peer.port() && is_there
        })
    }

    fn grant(&self) -> ThirdPartyGrant {
        let grant = match &self.grant {
            Grant::Fixed(grant) => grant.clone(),
            Grant::Current(grant) => grant.now(),
        };
        grant.unwrap_or_default()
    }
}

impl Policy for ThirdPartyPolicy {
    /// Without a direction, a peer is admitted that is admitted in one of the two; the direction
    /// is judged when the transfer command has told it.
    fn admit(&self, question: &PeerQuestion) -> Result<(), Denied> {
        if question.direction.is_some() {
            return self.judge(question, question.direction);
        }
        self.judge(question, Some(Direction::Send))
            .or_else(|_| self.judge(question, Some(Direction::Receive)))
            .or_else(|_| self.judge(question, None))
    }
}

/// How many third hosts each user named of late (spec S-6). One for the whole server.
///
/// Hosts are counted, not ports: a tree of files that moves between two hosts takes a new port
/// for each file and is one target.
#[derive(Debug, Default)]
pub struct TargetRate {
    users: Mutex<HashMap<String, VecDeque<Target>>>,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    host: IpAddr,
    named: Duration,
}

impl TargetRate {
    /// Counts that `user` names the third host `host` at `now` (the clock's time). `false`: too
    /// many others within the last minute; the command is answered 425 and nothing is counted.
    #[must_use]
    pub fn note(&self, user: &str, host: IpAddr, now: Duration) -> bool {
        let host = host.to_canonical();
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if !users.contains_key(user) {
            make_room(&mut users);
        }
        let targets = users.entry(user.to_owned()).or_default();
        targets.retain(|target| now.saturating_sub(target.named) < MINUTE);
        let known = targets.iter().position(|target| target.host == host);
        if known.is_none() && targets.len() >= THIRD_HOSTS_PER_MINUTE {
            return false;
        }
        if let Some(known) = known {
            targets.remove(known);
        }
        targets.push_back(Target { host, named: now });
        true
    }
}

fn make_room(users: &mut HashMap<String, VecDeque<Target>>) {
    if users.len() < TARGET_USERS_MAX {
        return;
    }
    let last = |targets: &VecDeque<Target>| targets.back().map(|target| target.named);
    let oldest = users.iter().min_by_key(|(_, targets)| last(targets));
    if let Some(user) = oldest.map(|(user, _)| user.clone()) {
        users.remove(&user);
    }
}

/// Whether all of a network is of one class: only then does it name that range (spec S-3).
/// A network that begins and ends in a special range lies within it, since each range is as
/// large as its alignment.
fn lies_within(network: &IpNet, class: AddressClass) -> bool {
    address_class(network.network()) == class && address_class(network.broadcast()) == class
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;

    use futures_util::future::BoxFuture;
    use thirdhost_sockets::{Connection, Held, Listener};
    use thirdhost_wire::Direction::{Receive, Send};

    use super::*;

    const CONTROL: &str = "192.0.2.1";
    const OWN: &str = "203.0.113.7";

    fn nets(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn policy(send_to: &[&str], receive_from: &[&str]) -> ThirdPartyPolicy {
        let grant = ThirdPartyGrant {
            send_to: nets(send_to),
            receive_from: nets(receive_from),
            ..ThirdPartyGrant::default()
        };
        let own = [OWN, "::ffff:198.51.100.77"].map(|own| own.parse().unwrap());
        ThirdPartyPolicy::new(CONTROL.parse().unwrap(), own, Some(grant))
    }

    fn peer(host: &str, port: u16) -> HostSocket {
        HostSocket::new(host.parse().unwrap(), port).unwrap()
    }

    /// A system whose only address is [`UNNAMED`].
    #[derive(Debug)]
    struct System;

    impl Network for System {
        fn listen(&self, _: SocketAddr, _: u32) -> io::Result<Box<dyn Listener>> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn hold(&self, _: SocketAddr) -> io::Result<Box<dyn Held>> {
            Err(io::ErrorKind::AddrNotAvailable.into())
        }

        fn is_local(&self, host: IpAddr) -> bool {
            host == UNNAMED.parse::<IpAddr>().unwrap()
        }

        fn call(
            &self,
            _: Option<SocketAddr>,
            _: SocketAddr,
        ) -> BoxFuture<'static, io::Result<Box<dyn Connection>>> {
            Box::pin(std::future::ready(Err(io::ErrorKind::Unsupported.into())))
        }
    }

    //= security#S-11
    //= type=test
    #[test]
    fn a_grant_may_bound_ports_and_files_and_want_tls() {
        let path = |path: &str| {
            let name = thirdhost_wire::Pathname::try_from(path).unwrap();
            VirtualPath::root().join(&name).unwrap()
        };
        let grant = ThirdPartyGrant {
            send_to: nets(&["198.51.100.0/24"]),
            ports: Some(50_000..=50_009),
            paths: vec![path("/out"), path("/both")],
            tls: true,
            ..ThirdPartyGrant::default()
        };
        let policy = ThirdPartyPolicy::new(CONTROL.parse().unwrap(), [], Some(grant));
        for (host, port, initiative, expected) in [
            ("198.51.100.2", 50_000, Initiative::Call, true),
            ("198.51.100.2", 50_009, Initiative::Call, true),
            ("198.51.100.2", 50_010, Initiative::Call, false),
            ("198.51.100.2", 50_010, Initiative::Accept, true),
            (CONTROL, 50_010, Initiative::Call, true),
        ] {
            let question = PeerQuestion {
                initiative,
                peer: peer(host, port),
                direction: Some(Send),
            };
            let admitted = policy.admit(&question).is_ok();
            assert_eq!(admitted, expected, "{host} {port} {initiative:?}");
        }
        for (host, file, protected, expected) in [
            ("198.51.100.2", "/out/f", true, true),
            ("198.51.100.2", "/both", true, true),
            ("198.51.100.2", "/outer/f", true, false),
            ("198.51.100.2", "/f", true, false),
            ("198.51.100.2", "/out/f", false, false),
            (CONTROL, "/f", false, true),
        ] {
            let admitted = policy.admit_files(host.parse().unwrap(), &[path(file)], protected);
            assert_eq!(admitted.is_ok(), expected, "{host} {file} {admitted:?}");
        }
        let third = "198.51.100.2".parse().unwrap();
        let both = [path("/out/f"), path("/f")];
        assert!(policy.admit_files(third, &both, true).is_err());
        assert!(policy.admit_files(third, &[], true).is_ok());
        assert!(policy.admit_files(third, &[], false).is_err());
    }

    /// Who listens on all addresses has named none.
    //= security#S-3
    //= type=test
    #[test]
    fn an_address_the_system_has_is_our_own_though_nobody_named_it() {
        let question = PeerQuestion {
            initiative: Initiative::Call,
            peer: peer(UNNAMED, 5000),
            direction: Some(Send),
        };
        let open = policy(&["0.0.0.0/0"], &[]);
        assert_eq!(rule(open.admit(&question)), "yes");
        let knowing = open.knowing_own(Arc::new(System));
        assert_eq!(rule(knowing.admit(&question)), "own");
        let listed = policy(&["8.8.4.4/32"], &[]).knowing_own(Arc::new(System));
        assert_eq!(rule(listed.admit(&question)), "yes");
    }

    const UNNAMED: &str = "8.8.4.4";

    fn rule(denied: Result<(), Denied>) -> &'static str {
        match denied {
            Ok(()) => "yes",
            Err(Denied::NeverAllowed { .. }) => "never",
            Err(Denied::PrivilegedPort { .. }) => "port",
            Err(Denied::OwnAddress { .. }) => "own",
            Err(Denied::SpecialRange { .. }) => "range",
            Err(Denied::NotGranted { .. }) => "grant",
            Err(_) => "another rule",
        }
    }

    /// Both ways of opening, both ways of the bytes, both lists: a list counts for its own
    /// direction alone.
    fn check(networks: &[&str], host: &str, without: &str, with: &str) {
        let peer = peer(host, 5000);
        let nothing = policy(&[], &[]);
        for initiative in [Initiative::Call, Initiative::Accept] {
            for direction in [Send, Receive] {
                let question = PeerQuestion {
                    initiative,
                    peer,
                    direction: Some(direction),
                };
                let context = format!("{question:?} {networks:?}");
                let listed = match direction {
                    Send => policy(networks, &[]),
                    Receive => policy(&[], networks),
                };
                let other = match direction {
                    Send => policy(&[], networks),
                    Receive => policy(networks, &[]),
                };
                assert_eq!(rule(nothing.admit(&question)), without, "{context}");
                assert_eq!(rule(listed.admit(&question)), with, "{context}");
                assert_eq!(rule(other.admit(&question)), without, "{context}");
                let either = PeerQuestion {
                    direction: None,
                    ..question
                };
                assert_eq!(rule(listed.admit(&either)), with, "{context}");
            }
        }
    }

    const NEITHER: Directions = Directions {
        send: false,
        receive: false,
    };
    const EVERYWHERE: &[&str] = &["0.0.0.0/0", "::/0"];

    //= security#S-2
    //= type=test
    #[test]
    fn no_setting_admits_what_is_no_host() {
        for host in [
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            check(EVERYWHERE, host, "never", "never");
            let alone = IpNet::from(host.parse::<IpAddr>().unwrap()).to_string();
            check(&[&alone], host, "never", "never");
        }
    }

    //= security#S-2
    //= type=test
    #[test]
    fn the_host_of_the_control_connection_needs_no_grant() {
        check(&[], CONTROL, "yes", "yes");
        check(&[], "::ffff:192.0.2.1", "yes", "yes");
        let local = ThirdPartyPolicy::new("127.0.0.1".parse().unwrap(), [], None);
        assert_eq!(local.may_call(peer("127.0.0.1", 5000)), Directions::BOTH);
        assert_eq!(local.may_call(peer("127.0.0.2", 5000)), NEITHER);
    }

    #[test]
    fn a_third_host_needs_a_network_that_holds_it() {
        for host in ["198.51.100.2", "2001:db8::1"] {
            check(EVERYWHERE, host, "grant", "yes");
        }
        check(&["198.51.100.0/24"], "198.51.100.2", "grant", "yes");
        check(&["198.51.100.0/24"], "::ffff:198.51.100.2", "grant", "yes");
        check(&["198.51.100.0/24"], "198.51.101.2", "grant", "grant");
        check(&["::/0"], "198.51.100.2", "grant", "grant");
        check(&["0.0.0.0/0"], "2001:db8::1", "grant", "grant");
    }

    //= security#S-3
    //= type=test
    #[test]
    fn a_special_range_has_to_be_named_itself() {
        for (host, range, half) in [
            ("127.0.0.3", "127.0.0.0/8", "127.0.0.2/31"),
            ("::1", "::1/128", "::1/128"),
            ("169.254.169.254", "169.254.0.0/16", "169.254.169.254/32"),
            ("fe80::1", "fe80::/10", "fe80::/64"),
            ("fd00:ec2::254", "fc00::/7", "fd00::/8"),
            ("10.1.2.3", "10.0.0.0/8", "10.1.0.0/16"),
            ("172.16.0.9", "172.16.0.0/12", "172.16.0.0/24"),
            ("192.168.1.1", "192.168.0.0/16", "192.168.1.1/32"),
            ("100.64.0.1", "100.64.0.0/10", "100.64.0.0/16"),
            ("64:ff9b::a00:1", "64:ff9b::a00:0/104", "64:ff9b::a00:1/128"),
        ] {
            check(EVERYWHERE, host, "range", "range");
            check(&[range], host, "range", "yes");
            check(&[half], host, "range", "yes");
        }
        // One bit too wide is "everywhere", not the range.
        for (host, wider) in [
            ("127.0.0.3", "126.0.0.0/7"),
            ("10.1.2.3", "10.0.0.0/7"),
            ("172.16.0.9", "172.0.0.0/11"),
            ("192.168.1.1", "192.168.0.0/15"),
            ("100.64.0.1", "100.0.0.0/9"),
            ("fd00::1", "fc00::/6"),
            ("::1", "::/127"),
        ] {
            check(&[wider], host, "range", "range");
        }
        check(&["10.0.0.0/8"], "192.168.1.1", "range", "range");
    }

    //= security#S-3
    //= type=test
    #[test]
    fn our_own_addresses_have_to_be_listed_alone() {
        for host in [OWN, "198.51.100.77", "::ffff:203.0.113.7"] {
            check(EVERYWHERE, host, "own", "own");
        }
        check(&["203.0.113.6/31"], OWN, "own", "own");
        check(&["203.0.113.7/32"], OWN, "own", "yes");
    }

    //= security#S-3
    //= type=test
    #[test]
    fn where_the_server_listens_itself_nobody_is_called_whatever_was_granted() {
        let granted = ["0.0.0.0/0", "203.0.113.7/32"];
        let everything = policy(&granted, &granted);
        let check = |listening: &[&str], host: &str, port: u16, may: bool| {
            let listening = listening.iter().map(|at| at.parse().unwrap()).collect();
            let policy = everything.clone().listening_on(listening);
            let found = policy.may_call(peer(host, port)).send;
            assert_eq!(found, may, "{host}:{port}");
            assert!(policy.may_accept(host.parse().unwrap()).send, "{host}");
        };
        let named = ["203.0.113.7:2121", "192.0.2.1:990"];
        check(&named, OWN, 2121, false);
        check(&named, OWN, 2122, true);
        check(&named, CONTROL, 2121, true);
        let control_is_own = ["192.0.2.1:2121"];
        check(&control_is_own, CONTROL, 2121, false);
        check(&["[::]:2121"], OWN, 2121, false);
        check(&["0.0.0.0:2121"], OWN, 2121, false);
        check(&["0.0.0.0:2121"], CONTROL, 2121, true);
        check(&["0.0.0.0:2121"], OWN, 2122, true);
    }

    //= security#S-1
    //= type=test
    #[test]
    fn calls_to_privileged_ports_need_the_port_listed() {
        let mut policy = policy(EVERYWHERE, EVERYWHERE);
        for host in [CONTROL, "198.51.100.2"] {
            for port in [1, 21, 25, 1023] {
                let call = PeerQuestion {
                    initiative: Initiative::Call,
                    peer: peer(host, port),
                    direction: Some(Send),
                };
                assert_eq!(rule(policy.admit(&call)), "port", "{call:?}");
                assert_eq!(policy.may_call(call.peer), NEITHER);
                let caller = PeerQuestion {
                    initiative: Initiative::Accept,
                    ..call
                };
                assert_eq!(rule(policy.admit(&caller)), "yes", "{caller:?}");
            }
            assert!(policy.may_call(peer(host, 1024)).allow(Send));
        }
        let Grant::Fixed(Some(grant)) = &mut policy.grant else {
            panic!("a policy made with new has its grant fixed");
        };
        grant.privileged_ports.push(21);
        assert!(policy.may_call(peer("198.51.100.2", 21)).allow(Receive));
        assert_eq!(policy.may_call(peer("198.51.100.2", 20)), NEITHER);
        assert_eq!(policy.may_call(peer("10.0.0.1", 21)), NEITHER);
    }

    //= security#S-11
    //= type=test
    #[test]
    fn directions_say_which_way_is_open() {
        let policy = policy(&["198.51.100.0/24"], &[]);
        let send = Directions {
            send: true,
            receive: false,
        };
        assert_eq!(policy.may_call(peer("198.51.100.2", 5000)), send);
        assert_eq!(policy.may_accept("198.51.100.2".parse().unwrap()), send);
        assert_eq!(policy.may_accept("198.51.101.2".parse().unwrap()), NEITHER);
        assert!(policy.is_third_party("198.51.100.2".parse().unwrap()));
        assert!(!policy.is_third_party("::ffff:192.0.2.1".parse().unwrap()));
    }

    //= security#S-6
    //= type=test
    #[test]
    fn a_user_may_name_so_many_third_hosts_in_a_minute() {
        let rate = TargetRate::default();
        let host = |number: usize| IpAddr::from([198, 51, 100, u8::try_from(number).unwrap()]);
        let at = Duration::from_secs;
        for number in 0..THIRD_HOSTS_PER_MINUTE {
            assert!(rate.note("alice", host(number), at(100)));
        }
        assert!(rate.note("alice", host(0), at(130)), "not a new one");
        assert!(!rate.note("alice", host(200), at(130)));
        assert!(rate.note("bob", host(200), at(130)), "another user");
        assert!(!rate.note("alice", host(200), at(159)));
        assert!(
            rate.note("alice", host(200), at(160)),
            "a minute has passed"
        );
        assert!(rate.note("alice", host(0), at(189)), "still known");
    }

    #[test]
    fn the_table_of_targets_is_bounded() {
        let rate = TargetRate::default();
        let host: IpAddr = "198.51.100.2".parse().unwrap();
        for number in 0..=TARGET_USERS_MAX {
            assert!(rate.note(
                &number.to_string(),
                host,
                Duration::from_millis(number as u64)
            ));
        }
        let users = rate.users.lock().unwrap();
        assert_eq!(users.len(), TARGET_USERS_MAX);
        assert!(!users.contains_key("0") && users.contains_key("1"));
    }
}
