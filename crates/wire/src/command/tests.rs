//! Commands: known lines, their inverse, and no line that panics.

use proptest::prelude::*;

use super::*;
use crate::{HashAlgorithm, SockHost};

//= rfc438#a
//= type=test
//# syntax: LSTN <direction> CRLF
//# where <direction> is either "S" for send or "R" for receive.
#[test]
fn lstn_takes_a_direction_and_perhaps_a_protocol() {
    let lstn = |direction, protocol| Command::Lstn {
        direction,
        protocol,
    };
    check("LSTN S", lstn(Direction::Send, None));
    check("LSTN R", lstn(Direction::Receive, None));
    check(
        "LSTN R 1",
        lstn(Direction::Receive, Some(NetworkProtocol::Ipv4)),
    );
    check(
        "LSTN S 2",
        lstn(Direction::Send, Some(NetworkProtocol::Ipv6)),
    );
    check(
        "LSTN R 3",
        lstn(Direction::Receive, Some(NetworkProtocol::Other(3))),
    );
    same("lstn r", "LSTN R");
    same("LSTN  S  2 ", "LSTN S 2");
    for line in [
        "LSTN",
        "LSTN ",
        "LSTN X",
        "LSTN SR",
        "LSTN R S",
        "LSTN R 1 2",
        "LSTN R -1",
    ] {
        refused(line);
    }
    refused("LSTN R 4294967296");
}

//= rfc438#example.2
//= type=test
//# SOCK SITE2,X CRLF
#[test]
fn sock_takes_a_host_and_a_socket() {
    let sock = |host, socket| Command::Sock(SockArgument { host, socket });
    let address = |text: &str| SockHost::Address(text.parse().unwrap());
    check("SOCK 50123", sock(SockHost::Peer, 50123));
    check("SOCK 0", sock(SockHost::Peer, 0));
    check("SOCK 192.0.2.9,50123", sock(address("192.0.2.9"), 50123));
    check("SOCK 192.0.2.9,0", sock(address("192.0.2.9"), 0));
    check("SOCK [2001:db8::1],21", sock(address("2001:db8::1"), 21));
    check(
        "SOCK SITE2,65535",
        sock(SockHost::Other("SITE2".to_owned()), 65535),
    );
    check("SOCK 69,3", sock(SockHost::Other("69".to_owned()), 3));
    same("sock 192.0.2.9, 50123", "SOCK 192.0.2.9,50123");
    same("SOCK 2001:DB8:0::1,21", "SOCK [2001:db8::1],21");
    same("SOCK [::ffff:192.0.2.9],21", "SOCK 192.0.2.9,21");
    same("SOCK ::ffff:192.0.2.9,00021", "SOCK 192.0.2.9,21");
    same("SOCK 192.0.2.9,0000000021", "SOCK 192.0.2.9,21");
    for argument in [
        "",
        ",",
        "192.0.2.9",
        "192.0.2.9,",
        ",21",
        "-1",
        "+1",
        "65536",
        "4294967295",
        "4294967296",
        "00000000021",
        "192.0.2.9,65536",
        "192.0.2.9,21,22",
        "192.0.2,21",
        "192.0.02.9,21",
        "1.2.3.4.5,21",
        "256.0.2.9,21",
        "[192.0.2.9],21",
        "[::1,21",
        "::1],21",
        "[fe80::1%eth0],21",
        "fe80::1%1,21",
        "::g,21",
        "a b,21",
        "a/b,21",
        "é,21",
        "host 21",
        "host,21 x",
    ] {
        refused(&format!("SOCK {argument}"));
    }
    let longest = "a".repeat(255);
    let of_that_name = sock(SockHost::Other(longest.clone()), 21);
    check(&format!("SOCK {longest},21"), of_that_name);
    refused(&format!("SOCK {},21", "a".repeat(256)));
}

//= rfc438#example.1
//= type=test
//# LSTN R CRLF
//= rfc438#example.3
//= type=test
//# SOCK SITE1,Y CRLF
//= rfc438#example.4
//= type=test
//# RETR PROG1.PL1                   APPE PROG2.Pl1 CRLF
#[test]
fn the_example_of_rfc_438_is_spoken() {
    let site = |name: &str, socket| SockArgument {
        host: SockHost::Other(name.to_owned()),
        socket,
    };
    let name = |name: &str| Pathname::try_from(name).unwrap();
    check(
        "LSTN R",
        Command::Lstn {
            direction: Direction::Receive,
            protocol: None,
        },
    );
    check("SOCK SITE2,40002", Command::Sock(site("SITE2", 40002)));
    check("SOCK SITE1,51003", Command::Sock(site("SITE1", 51003)));
    check("RETR PROG1.PL1", Command::Retr(name("PROG1.PL1")));
    check("APPE PROG2.Pl1", Command::Appe(name("PROG2.Pl1")));
}

#[test]
fn the_scenario_of_rfc_959_section_7_is_spoken() {
    let name = |name: &str| Pathname::try_from(name).unwrap();
    check("USER Doe", Command::User(Text::try_from("Doe").unwrap()));
    check(
        "PASS mumble",
        Command::Pass(Password::try_from("mumble").unwrap()),
    );
    check("RETR test.pl1", Command::Retr(name("test.pl1")));
    check("TYPE I", Command::Type(RepresentationType::Image));
    check("STOR >udd>cn>fd", Command::Stor(name(">udd>cn>fd")));
    check("QUIT", Command::Quit);
}

#[test]
fn commands_without_an_argument_take_none() {
    for (code, command) in [
        ("CDUP", Command::Cdup),
        ("REIN", Command::Rein),
        ("QUIT", Command::Quit),
        ("PASV", Command::Pasv),
        ("ABOR", Command::Abor),
        ("PWD", Command::Pwd),
        ("SYST", Command::Syst),
        ("FEAT", Command::Feat),
        ("NOOP", Command::Noop),
    ] {
        check(code, command);
        same(&code.to_lowercase(), code);
        same(&format!("{code} "), code);
        refused(&format!("{code} x"));
    }
}

#[test]
fn pathnames_keep_every_space_but_the_first() {
    type Make = fn(Pathname) -> Command;
    let required: [(&str, Make); 11] = [
        ("CWD", Command::Cwd),
        ("RETR", Command::Retr),
        ("STOR", Command::Stor),
        ("APPE", Command::Appe),
        ("RNFR", Command::Rnfr),
        ("RNTO", Command::Rnto),
        ("DELE", Command::Dele),
        ("RMD", Command::Rmd),
        ("MKD", Command::Mkd),
        ("SIZE", Command::Size),
        ("MDTM", Command::Mdtm),
    ];
    let optional: [(&str, Make); 6] = [
        ("STOU", |name| Command::Stou(Some(name))),
        ("LIST", |name| Command::List(Some(name))),
        ("NLST", |name| Command::Nlst(Some(name))),
        ("MLST", |name| Command::Mlst(Some(name))),
        ("MLSD", |name| Command::Mlsd(Some(name))),
        ("STAT", |name| Command::Stat(Some(name))),
    ];
    for (code, make) in required.iter().chain(&optional) {
        for name in [
            "a",
            "/a b/c",
            "  foo",
            " ",
            "a ",
            "-la",
            "é\u{1f600}",
            "20200101000000 a",
        ] {
            check(
                &format!("{code} {name}"),
                make(Pathname::try_from(name).unwrap()),
            );
        }
        let not_utf8 = [code.as_bytes(), b" a\xff"].concat();
        let verb = code.parse().unwrap();
        assert_eq!(Command::parse(&not_utf8), Err(CommandError::NotUtf8(verb)));
        refused(&format!("{code} a\rDELE b"));
    }
    for (code, _) in required {
        refused(code);
        refused(&format!("{code} "));
    }
    for (code, _) in optional {
        same(code, code);
        same(&format!("{code} "), code);
    }
}

#[test]
fn x_forms_become_their_plain_verbs() {
    same("XCWD a", "CWD a");
    same("xcup", "CDUP");
    same("XMKD a", "MKD a");
    same("XRMD a", "RMD a");
    same("XPWD", "PWD");
}

#[test]
fn names_and_passwords_are_taken_as_they_are() {
    let text = |text: &str| Text::try_from(text).unwrap();
    check("USER alice", Command::User(text("alice")));
    check("USER  a b ", Command::User(text(" a b ")));
    check(
        "PASS  p w ",
        Command::Pass(Password::try_from(" p w ").unwrap()),
    );
    check("PASS ", Command::Pass(Password::default()));
    same("PASS", "PASS ");
    check("ACCT x", Command::Acct(text("x")));
    check("HELP", Command::Help(None));
    check("HELP RETR", Command::Help(Some(text("RETR"))));
    same("HELP  RETR ", "HELP RETR");
    refused("USER");
    refused("USER ");
    for line in [
        &b"USER \xff"[..],
        b"PASS \xff",
        b"ACCT \xff",
        b"USER a\rb",
        b"PASS a\rb",
    ] {
        assert!(matches!(
            Command::parse(line),
            Err(CommandError::Argument { .. })
        ));
    }
}

#[test]
fn port_takes_six_numbers() {
    let socket = |text: &str| HostSocket::try_from(text.parse::<std::net::SocketAddr>().unwrap());
    check(
        "PORT 10,0,0,1,4,0",
        Command::Port(socket("10.0.0.1:1024").unwrap()),
    );
    check(
        "PORT 0,0,0,0,255,255",
        Command::Port(socket("0.0.0.0:65535").unwrap()),
    );
    same("PORT  010,000,0,1,0,1 ", "PORT 10,0,0,1,0,1");
    for argument in [
        "",
        "10,0,0,1,0,0",
        "10,0,0,1,4",
        "10,0,0,1,4,0,0",
        "256,0,0,1,4,0",
        "10,0,0,1,4,-1",
        "10,0,0,1,4,",
        ",10,0,0,1,4",
        "10, 0,0,1,4,0",
        "10.0.0.1,4,0",
        "0010,0,0,1,4,0",
    ] {
        refused(&format!("PORT {argument}"));
    }
    let v6 = Command::Port(socket("[2001:db8::1]:1024").unwrap());
    assert_eq!(v6.to_string(), "EPRT |2|2001:db8::1|1024|");
}

#[test]
fn eprt_takes_protocol_address_and_port() {
    let socket = |text: &str| {
        Command::Eprt(EprtArgument::Socket(
            text.parse::<std::net::SocketAddr>()
                .unwrap()
                .try_into()
                .unwrap(),
        ))
    };
    check("EPRT |1|132.235.1.2|6275|", socket("132.235.1.2:6275"));
    check(
        "EPRT |2|1080::8:800:200c:417a|5282|",
        socket("[1080::8:800:200c:417a]:5282"),
    );
    check(
        "EPRT |3|-|1|",
        Command::Eprt(EprtArgument::UnknownProtocol(3)),
    );
    same(
        "EPRT |2|1080:0:0:0:8:800:200C:417A|5282|",
        "EPRT |2|1080::8:800:200c:417a|5282|",
    );
    same("eprt !1!10.0.0.1!21!", "EPRT |1|10.0.0.1|21|");
    same("EPRT |2|::ffff:10.0.0.1|21|", "EPRT |1|10.0.0.1|21|");
    same("EPRT |0|anything|9|", "EPRT |0|-|1|");
    for argument in [
        "",
        "|",
        "|1|10.0.0.1|21",
        "1|10.0.0.1|21|",
        "|1|10.0.0.1|21||",
        "|1|10.0.0.1|0|",
        "|1|10.0.0.1|65536|",
        "|1|::1|21|",
        "|2|10.0.0.1|21|",
        "|2|fe80::1%1|21|",
        "|2|[::1]|21|",
        "||10.0.0.1|21|",
        "|1||21|",
        "|3||21|",
        "|3|x|y|",
        "|1|10.0.0.1||",
        "|-1|10.0.0.1|21|",
        "|4294967296|x|1|",
        "|1|10.1|21|",
        "|1|010.0.0.1|21|",
    ] {
        refused(&format!("EPRT {argument}"));
    }
}

#[test]
fn epsv_takes_a_protocol_or_all() {
    let protocol = |protocol| Command::Epsv(EpsvArgument::Protocol(protocol));
    check("EPSV", Command::Epsv(EpsvArgument::Default));
    check("EPSV 1", protocol(NetworkProtocol::Ipv4));
    check("EPSV 2", protocol(NetworkProtocol::Ipv6));
    check("EPSV 7", protocol(NetworkProtocol::Other(7)));
    check("EPSV ALL", Command::Epsv(EpsvArgument::All));
    same("epsv all", "EPSV ALL");
    same("EPSV ", "EPSV");
    for argument in ["x", "-1", "1 2", "ALL 1", "|1|", "4294967296"] {
        refused(&format!("EPSV {argument}"));
    }
}

#[test]
fn transfer_parameters_are_the_ones_we_speak() {
    check("TYPE A", Command::Type(RepresentationType::Ascii));
    check("TYPE I", Command::Type(RepresentationType::Image));
    check("STRU F", Command::Stru(Structure::File));
    check("STRU R", Command::Stru(Structure::Record));
    check("MODE S", Command::Mode(TransmissionMode::Stream));
    check("MODE B", Command::Mode(TransmissionMode::Block));
    for (line, plain) in [
        ("type a n", "TYPE A"),
        ("TYPE A  T ", "TYPE A"),
        ("TYPE L 8", "TYPE I"),
        ("mode b", "MODE B"),
    ] {
        same(line, plain);
    }
    for line in [
        "TYPE A C",
        "TYPE E",
        "TYPE E N",
        "TYPE E C",
        "TYPE L 36",
        "TYPE X",
        "STRU P",
        "STRU X",
        "MODE C",
        "MODE Z",
        "MODE E",
        "MODE X",
    ] {
        let found = Command::parse(line.as_bytes());
        assert!(
            matches!(found, Err(CommandError::NotSupported { .. })),
            "{line}: {found:?}"
        );
    }
    for line in [
        "TYPE",
        "TYPE L",
        "TYPE L 0",
        "TYPE L 256",
        "TYPE L x",
        "TYPE A X",
        "TYPE I N",
        "TYPE AN",
        "TYPE A N T",
        "TYPE 8",
        "STRU",
        "STRU FR",
        "STRU F F",
        "MODE",
        "MODE SB",
        "MODE S S",
        "MODE é",
    ] {
        refused(line);
    }
}

#[test]
fn rest_takes_an_offset_or_a_marker() {
    let marker = |text: &str| Command::Rest(RestartPoint::Marker(Text::try_from(text).unwrap()));
    check("REST 0", Command::Rest(RestartPoint::Offset(0)));
    check(
        "REST 18446744073709551615",
        Command::Rest(RestartPoint::Offset(u64::MAX)),
    );
    check("REST o12c1", marker("o12c1"));
    check("REST -1", marker("-1"));
    let longest = "~".repeat(255);
    check(&format!("REST {longest}"), marker(&longest));
    for line in [
        "REST",
        "REST ",
        "REST 18446744073709551616",
        "REST a b",
        "REST é",
        "REST a\t",
    ] {
        refused(line);
    }
    refused(&format!("REST {longest}~"));
}

#[test]
fn allo_and_opts_take_words() {
    let text = |text: &str| Text::try_from(text).unwrap();
    check(
        "ALLO 5",
        Command::Allo {
            bytes: 5,
            record: None,
        },
    );
    check(
        "ALLO 5 R 80",
        Command::Allo {
            bytes: 5,
            record: Some(80),
        },
    );
    same("allo 05 r 080", "ALLO 5 R 80");
    for line in [
        "ALLO",
        "ALLO x",
        "ALLO 5 80",
        "ALLO 5 R",
        "ALLO 5 R 8 0",
        "ALLO -5",
    ] {
        refused(line);
    }
    check(
        "OPTS MLST",
        Command::Opts {
            command: text("MLST"),
            options: None,
        },
    );
    let options = Some(text("type; size;"));
    check(
        "OPTS MLST type; size;",
        Command::Opts {
            command: text("MLST"),
            options,
        },
    );
    same("OPTS  UTF8  ON ", "OPTS UTF8 ON");
    refused("OPTS");
    refused("OPTS ");
}

#[test]
fn auth_takes_a_mechanism() {
    check("AUTH TLS", Command::Auth(AuthMechanism::Tls));
    check("AUTH SSL", Command::Auth(AuthMechanism::Ssl));
    same("auth tls-c ", "AUTH TLS");
    same("AUTH TLS-P", "AUTH SSL");
    let other = Text::try_from("KERBEROS_V4").unwrap();
    check(
        "AUTH KERBEROS_V4",
        Command::Auth(AuthMechanism::Other(other)),
    );
    for argument in ["", " ", "TLS 1", "\u{e4}"] {
        refused(&format!("AUTH {argument}"));
    }
}

#[test]
fn pbsz_takes_a_number_of_octets() {
    check("PBSZ 0", Command::Pbsz(0));
    check("PBSZ 4294967295", Command::Pbsz(4_294_967_295));
    same("pbsz 00", "PBSZ 0");
    for argument in ["", "x", "-1", "4294967296", "0 0"] {
        refused(&format!("PBSZ {argument}"));
    }
}

#[test]
fn prot_takes_a_level() {
    check("PROT C", Command::Prot(ProtectionLevel::Clear));
    check("PROT S", Command::Prot(ProtectionLevel::Safe));
    check("PROT E", Command::Prot(ProtectionLevel::Confidential));
    check("PROT P", Command::Prot(ProtectionLevel::Private));
    same("prot p", "PROT P");
    for argument in ["", "PP", "P P", "1"] {
        refused(&format!("PROT {argument}"));
    }
    assert!(matches!(
        Command::parse(b"PROT X"),
        Err(CommandError::NotSupported {
            verb: Verb::Prot,
            ..
        })
    ));
}

#[test]
fn sscn_is_asked_or_set() {
    check("SSCN", Command::Sscn(None));
    check("SSCN ON", Command::Sscn(Some(true)));
    check("SSCN OFF", Command::Sscn(Some(false)));
    same("sscn on", "SSCN ON");
    refused("SSCN 1");
    refused("SSCN ON ON");
}

#[test]
fn ccc_and_cpsv_take_nothing() {
    check("CCC", Command::Ccc);
    check("CPSV", Command::Cpsv);
    check("ESTA", Command::Esta);
    check("ESTP", Command::Estp);
    refused("CCC 1");
    refused("CPSV 1");
}

#[test]
fn site_peercert_takes_a_fingerprint() {
    let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
    let mut sha256: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    sha256[31] = 0xff;
    check(
        &format!("SITE PEERCERT SHA256 {digits}"),
        Command::Site(SiteCommand::PeerCert { sha256 }),
    );
    same(
        &format!("site peercert sha256 {}", digits.to_uppercase()),
        &format!("SITE PEERCERT SHA256 {digits}"),
    );
    refused("SITE");
    refused("SITE PEERCERT");
    refused("SITE PEERCERT SHA256");
    refused(&format!("SITE PEERCERT {digits}"));
    refused(&format!("SITE PEERCERT SHA1 {digits}"));
    refused(&format!("SITE PEERCERT SHA256 {digits}0"));
    refused(&format!("SITE PEERCERT SHA256 {digits} x"));
    refused(&format!(
        "SITE PEERCERT SHA256 {}",
        digits.replace('0', "g")
    ));
    refused(&format!("SITE PEERCERT SHA256 {}", &digits[2..]));
}

#[test]
fn a_session_s_circumstances_are_told() {
    let text = |text: &str| Text::try_from(text).unwrap();
    for host in ["ftp.example.org", "192.0.2.1", "[2001:db8::1]"] {
        check(
            &format!("HOST {host}"),
            Command::Host(host.parse().unwrap()),
        );
    }
    same("host  FTP.Example.Org ", "HOST ftp.example.org");
    check("LANG", Command::Lang(None));
    check("LANG fr-CA", Command::Lang(Some(text("fr-CA"))));
    check("CLNT lftp 4.9", Command::Clnt(text("lftp 4.9")));
    let identity = "Name=WinSCP; Version=6.3;";
    check(&format!("CSID {identity}"), Command::Csid(text(identity)));
    check("CEPR ON", Command::Cepr(true));
    check("CEPR OFF", Command::Cepr(false));
    same("cepr on", "CEPR ON");
    check("PRET RETR a b", Command::Pret(text("RETR a b")));
    check("PRET MLSD", Command::Pret(text("MLSD")));
    check("ALGS STATUS64", Command::Algs(text("STATUS64")));
    same("algs enable64", "ALGS ENABLE64");
    for line in [
        "HOST",
        "HOST a b",
        "HOST ftp.example.org:21",
        "HOST 2001:db8::1",
        "LANG en_US",
        "LANG abcdefghi",
        "LANG en fr",
        "CLNT",
        "CSID",
        "CSID WinSCP",
        "CSID Version=1;",
        "CSID Name=x;y;",
        "CEPR",
        "CEPR maybe",
        "PRET",
        "ALGS",
        "ALGS x",
    ] {
        refused(line);
    }
    let found = Command::parse(b"PRET NONSENSE a");
    assert!(
        matches!(found, Err(CommandError::NotSupported { .. })),
        "{found:?}"
    );
}

#[test]
fn mfmt_and_mff_name_what_a_file_is_to_be() {
    let name = |name: &str| Pathname::try_from(name).unwrap();
    for time in ["20200102030405", "20200102030405.25"] {
        let modified = time.parse().unwrap();
        let name = name(" a b");
        check(
            &format!("MFMT {time}  a b"),
            Command::Mfmt { modified, name },
        );
    }
    let facts = "Modify=20200102030405;UNIX.mode=0644; a b";
    let line = FactsLine::parse(facts.as_bytes()).unwrap();
    check(&format!("MFF {facts}"), Command::Mff(line));
    same("MFF x=1 f", "MFF x=1; f");
    check("MFF  f", Command::Mff(FactsLine::parse(b" f").unwrap()));
    for line in [
        "MFMT",
        "MFMT 20200102030405",
        "MFMT 20200102030405 ",
        "MFMT 202001020304 f",
        "MFMT yesterday f",
        "MFF",
        "MFF f",
        "MFF x=1;",
        "MFF x; f",
    ] {
        refused(line);
    }
    let not_utf8 = Command::parse(b"MFF x=1; \xff");
    assert_eq!(not_utf8, Err(CommandError::NotUtf8(Verb::Mff)));
}

#[test]
fn site_has_its_subcommands() {
    let name = |name: &str| Pathname::try_from(name).unwrap();
    let site = |line: &str, site| check(line, Command::Site(site));
    let chmod = |mode, file| SiteCommand::Chmod {
        mode,
        name: name(file),
    };
    site("SITE CHMOD 644 a b", chmod(0o644, "a b"));
    site("SITE CHMOD 4755  a", chmod(0o4755, " a"));
    same("site  chmod 0644 f", "SITE CHMOD 644 f");
    site("SITE HELP", SiteCommand::Help(None));
    site(
        "SITE HELP x",
        SiteCommand::Help(Some(Text::try_from("x").unwrap())),
    );
    site("SITE IDLE", SiteCommand::Idle(None));
    site("SITE IDLE 60", SiteCommand::Idle(Some(60)));
    site("SITE SYMLINK", SiteCommand::Symlink);
    same("SITE SYMLINK a b", "SITE SYMLINK");
    site("SITE WHO", SiteCommand::Who);
    let modified = "20200102030405".parse().unwrap();
    let utime = SiteCommand::Utime {
        modified,
        name: name("a b"),
    };
    site("SITE UTIME 20200102030405 a b", utime);
    same("SITE UTIME 202001020304 a", "SITE UTIME 20200102030400 a");
    same(
        "SITE UTIME a b 20010101000000 20200102030405 20020101000000 utc",
        "SITE UTIME 20200102030405 a b",
    );
    for line in [
        "SITE",
        "SITE CHMOD",
        "SITE CHMOD 644",
        "SITE CHMOD 689 f",
        "SITE CHMOD 10644 f",
        "SITE CHMOD u+x f",
        "SITE IDLE x",
        "SITE WHO x",
        "SITE UTIME f",
        "SITE UTIME 20200102030405",
        "SITE UTIME f 20200102030405 20200102030405 UTC",
        "SITE UTIME f 20200102030405 20200102030405 20200102030405 CET",
        "SITE UTIME f x 20200102030405 20200102030405 UTC",
    ] {
        refused(line);
    }
    for line in [&b"SITE EXEC ls"[..], b"SITE x"] {
        assert_eq!(Command::parse(line), Err(CommandError::UnknownSubcommand));
    }
}

#[test]
fn a_file_of_parts_is_opened_joined_asked_about_closed_and_dropped() {
    let parts = |line: &str, parts| check(line, Command::Site(SiteCommand::Parts(parts)));
    let key = PartsKey(0x00f1_e2d3_c4b5_a697);
    let open = |octets, name| PartsCommand::Open {
        octets,
        name: Pathname::try_from(name).unwrap(),
    };
    parts("SITE PARTS OPEN 8388608 a b", open(8 << 20, "a b"));
    parts(
        "SITE PARTS OPEN 18446744073709551615  a",
        open(u64::MAX, " a"),
    );
    parts("SITE PARTS JOIN 00f1e2d3c4b5a697", PartsCommand::Join(key));
    parts("SITE PARTS SIZE 00f1e2d3c4b5a697", PartsCommand::Size(key));
    parts("SITE PARTS CLOSE", PartsCommand::Close(None));
    let hash = FileHash::new(HashAlgorithm::Crc32, "0A1B2C3D").unwrap();
    assert_eq!(hash.digest(), "0a1b2c3d");
    parts(
        "SITE PARTS CLOSE CRC32 0a1b2c3d",
        PartsCommand::Close(Some(hash)),
    );
    parts("SITE PARTS DROP", PartsCommand::Drop);
    same(
        "site parts join 00F1E2D3C4B5A697",
        "SITE PARTS JOIN 00f1e2d3c4b5a697",
    );
    let long = format!("SITE PARTS CLOSE SHA-512 {}", "0".repeat(129));
    for line in [
        "SITE PARTS",
        "SITE PARTS WHAT",
        "SITE PARTS OPEN",
        "SITE PARTS OPEN 5",
        "SITE PARTS OPEN 0 f",
        "SITE PARTS OPEN -1 f",
        "SITE PARTS OPEN 18446744073709551616 f",
        "SITE PARTS JOIN",
        "SITE PARTS JOIN 00f1e2d3c4b5a69",
        "SITE PARTS JOIN 00f1e2d3c4b5a6977",
        "SITE PARTS JOIN +0f1e2d3c4b5a697",
        "SITE PARTS JOIN 00f1e2d3c4b5a69x",
        "SITE PARTS SIZE f",
        "SITE PARTS CLOSE SHA-256",
        "SITE PARTS CLOSE SHA-3 00",
        "SITE PARTS CLOSE SHA-256 0x",
        "SITE PARTS CLOSE SHA-256 00 00",
        "SITE PARTS DROP it",
        &long,
    ] {
        refused(line);
    }
}

#[test]
fn hashes_and_ranges_are_asked_for() {
    let name = |name: &str| Pathname::try_from(name).unwrap();
    check("HASH  a b", Command::Hash(name(" a b")));
    refused("HASH");
    use ChecksumCommand::{Xcrc, Xmd5, Xsha, Xsha1, Xsha256, Xsha512};
    for (code, command, algorithm) in [
        ("XCRC", Xcrc, HashAlgorithm::Crc32),
        ("XMD5", Xmd5, HashAlgorithm::Md5),
        ("XSHA", Xsha, HashAlgorithm::Sha1),
        ("XSHA1", Xsha1, HashAlgorithm::Sha1),
        ("XSHA256", Xsha256, HashAlgorithm::Sha256),
        ("XSHA512", Xsha512, HashAlgorithm::Sha512),
    ] {
        let argument = "\"a b\" 0 99";
        let checksum = Command::Checksum(command, name(argument));
        check(&format!("{code} {argument}"), checksum);
        refused(code);
        assert_eq!(command.algorithm(), algorithm, "{code}");
    }
    check("RANG 1 0", Command::Rang(None));
    check("RANG 0 0", Command::Rang(ByteRange::new(0, 0)));
    check(
        "RANG 5 18446744073709551614",
        Command::Rang(ByteRange::new(5, u64::MAX - 1)),
    );
    same("rang  05  7 ", "RANG 5 7");
    for argument in [
        "",
        "1",
        "2 1",
        "0 18446744073709551615",
        "-1 5",
        "a b",
        "1 2 3",
    ] {
        refused(&format!("RANG {argument}"));
    }
}

#[test]
fn other_lines_are_no_commands() {
    let check = |line: &[u8], error| assert_eq!(Command::parse(line), Err(error), "{line:?}");
    check(b"", CommandError::Unknown);
    check(b" RETR a", CommandError::Unknown);
    check(b"RETRX a", CommandError::Unknown);
    check(b"\xff\xfe", CommandError::Unknown);
    check(b"GET / HTTP/1.1", CommandError::OtherProtocol);
    check(b"NOOP\r", CommandError::Unknown);
    check(b"RETR a\nDELE b", CommandError::ForbiddenOctet);
    check(b"RETR a\0", CommandError::ForbiddenOctet);
    check(b"actv a", CommandError::NotImplemented(Verb::Actv));
    check(b"ADAT AAAA", CommandError::NotImplemented(Verb::Adat));
    check(b"ESTO", CommandError::NotImplemented(Verb::Esto));
}

//= security#S-62
//= type=test
#[test]
fn errors_never_quote_the_argument() {
    let error = Command::parse(b"PORT 227,1,1,1,1,1,1")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("PORT: "), "{error}");
    assert!(!error.contains("227"), "{error}");
}

//= security#S-70
//= type=test
#[test]
fn logs_hold_no_secret_and_no_control_character() {
    let shown = |line: &str| Command::parse(line.as_bytes()).unwrap().to_string();
    assert_eq!(shown("PASS hunter2"), "PASS ****");
    assert_eq!(shown("PASS"), "PASS ****");
    assert_eq!(shown("ACCT hunter2"), "ACCT ****");
    assert_eq!(shown("RETR a\u{1b}[2Jé"), "RETR a\\u{1b}[2Jé");
    assert!(!format!("{:?}", Command::parse(b"PASS hunter2")).contains("hunter2"));
}

//= security#S-61
//= type=test
#[test]
fn no_value_breaks_out_of_its_line() {
    let host = SockHost::Other("a,1\r\nDELE b".to_owned());
    let mut octets = Vec::new();
    Command::Sock(SockArgument { host, socket: 21 }).encode(&mut octets);
    assert_eq!(octets, b"SOCK a?1??DELE?b,21\r\n");
}

proptest! {
    //= security#S-75
    //= type=test
    #[test]
    fn no_line_panics_and_every_command_survives_the_wire(
        code in prop::sample::select(Verb::ALL),
        argument in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let line = [code.code().as_bytes(), b" ", &argument].concat();
        if let Ok(command) = Command::parse(&line) {
            survives(&command)?;
        }
        let _ = Command::parse(&argument);
    }

    #[test]
    fn likely_lines_survive_the_wire(
        code in prop::sample::select(Verb::ALL),
        argument in "[|,.: \\[\\]0-9a-fA-LR-S%]{0,24}|(\\|[12]\\|[0-9.:a-f]{3,9}\\|[0-9]{1,5}\\|)",
    ) {
        if let Ok(command) = Command::parse(format!("{code} {argument}").as_bytes()) {
            survives(&command)?;
        }
    }
}

fn survives(command: &Command) -> Result<(), TestCaseError> {
    let mut octets = Vec::new();
    command.encode(&mut octets);
    let line = octets.strip_suffix(b"\r\n").unwrap();
    prop_assert!(
        !line
            .iter()
            .any(|octet| matches!(octet, b'\r' | b'\n' | 0 | 0xff))
    );
    let found = Command::parse(line);
    prop_assert_eq!(found.as_ref(), Ok(command));
    Ok(())
}

/// The line is the command, and the command is the line.
#[track_caller]
fn check(line: &str, command: Command) {
    assert_eq!(
        Command::parse(line.as_bytes()).as_ref(),
        Ok(&command),
        "{line}"
    );
    let mut octets = Vec::new();
    command.encode(&mut octets);
    assert_eq!(octets, format!("{line}\r\n").as_bytes());
    let code = line.split(' ').next();
    assert_eq!(code, Some(command.verb().code()));
}

/// Both lines are the same command, and it is written as the second.
#[track_caller]
fn same(line: &str, plain: &str) {
    check(plain, Command::parse(line.as_bytes()).unwrap());
}

/// The line has a known code and a wrong argument.
#[track_caller]
fn refused(line: &str) {
    let found = Command::parse(line.as_bytes());
    assert!(
        matches!(found, Err(CommandError::Argument { .. })),
        "{line}: {found:?}"
    );
}
