//! What the configuration accepts, refuses and says.

use std::fs;

use super::*;
use crate::accounts::LoginBy;
use crate::accounts::Rates;
use thirdhost_proto::server::{Permission, VirtualPath};
use thirdhost_wire::Password;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("conf/thirdhostd.toml"))
}

/// The text is refused with exactly this.
fn refused(text: &str, expected: &str) {
    assert_eq!(
        parse(text).map(|_| ()).unwrap_err().to_string(),
        expected,
        "{text}"
    );
}

/// `line` behind a root is refused at `2:column`, and the rest of the message is `rest`.
fn refused_line(line: &str, column: usize, rest: &str) {
    refused(
        &format!("root = \"/\"\n{line}\n"),
        &format!("conf/thirdhostd.toml:2:{column}: {rest}"),
    );
}

#[test]
fn the_example_of_the_design_is_read_as_printed() {
    let text = EXAMPLE.replace("users = \"/etc/thirdhost/users.toml\"\n", "");
    let at = "conf/thirdhostd.toml:12:15: tls.certificate: ";
    refused(
        &text,
        &format!(
            "{at}conf/server.pem: I/O error: No such file or directory (os error 2); expected a \
             certificate chain in PEM, and its key"
        ),
    );

    let without_tls = text
        .replace("certificate = \"server.pem\"\n", "")
        .replace("key = \"server.key\"\n", "");
    let config = parse(&without_tls).unwrap();
    assert_eq!(config.listen, ["0.0.0.0:2121".parse().unwrap()]);
    assert_eq!(config.root, Path::new("/srv/ftp"));
    assert_eq!(
        (config.uploads, config.durability),
        (UploadPolicy::Whole, Durability::Process)
    );
    assert_eq!(config.data_sockets.ports, 49152..=65535);
    assert_eq!(
        config.data_sockets.public_address,
        Some("203.0.113.7".parse().unwrap())
    );
    assert_eq!(config.data_sockets.accept, Duration::from_secs(30));
    assert_eq!(config.data_sockets.unpinned, Unpinned::ControlHost);
    assert_eq!(config.tls.require, Require::Login);
    assert_eq!(
        (config.sessions.most, config.sessions.most_per_host),
        (10_000, 100)
    );
    assert_eq!(config.sessions.idle, Duration::from_secs(300));
    assert_eq!(config.partial, Duration::from_secs(72 * 3600));
    assert_eq!(config.drain, Duration::from_secs(30));
    assert!(config.roll.anonymous.is_none());

    let alice = &config.roll.users[0];
    assert_eq!(
        (&*alice.account.name, &*alice.account.home),
        ("alice", "alice")
    );
    assert_eq!(alice.account.permissions, Permissions::all());
    assert!(alice.password.is_some());
    let grant = alice.account.third_party.as_ref().unwrap();
    assert_eq!(grant.send_to, ["198.51.100.0/24".parse().unwrap()]);
    assert_eq!(
        grant.receive_from,
        ["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]
    );
}

#[test]
fn every_key_with_another_value_is_taken() {
    let config = parse(
        "listen = [\"127.0.0.1:0\", \"[::1]:2121\"]\nroot = \"files\"\nuploads = \"resumable\"\n\
         durability = \"power\"\nmdtm_set = true\npartial_hours = 1\ndrain_seconds = 0\n\
         [data]\nports = \"4000\"\naccept_seconds = 15\nlstn_unpinned = \"refuse\"\n\
         [tls]\nrequire = \"data\"\n\
         [limits]\nsessions = 1\nsessions_per_host = 2\nidle_seconds = 3\n\
         [anonymous]\nhome = \"./pub//x/\"\npermissions = [\"read\", \"write\"]\n\
         [[user]]\nname = \"bob\"\noperator = true\nthird_party = { privileged_ports = [20] }\n",
    )
    .unwrap();
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.root, Path::new("conf/files"));
    assert_eq!(
        (config.uploads, config.durability),
        (UploadPolicy::Resumable, Durability::Power)
    );
    assert_eq!(config.partial, Duration::from_secs(3600));
    assert_eq!(config.drain, Duration::ZERO);
    assert_eq!(config.data_sockets.ports, 4000..=4000);
    assert_eq!(config.data_sockets.accept, Duration::from_secs(15));
    assert_eq!(config.data_sockets.unpinned, Unpinned::Refuse);
    assert_eq!(config.tls.require, Require::Data);
    assert_eq!(
        (config.sessions.most, config.sessions.most_per_host),
        (1, 2)
    );
    assert_eq!(config.sessions.idle, Duration::from_secs(3));
    let anonymous = config.roll.anonymous.unwrap();
    assert_eq!(anonymous.home, "pub/x");
    assert!(
        anonymous
            .permissions
            .allow(Permission::Write, &VirtualPath::root())
    );
    assert!(
        !anonymous
            .permissions
            .allow(Permission::Append, &VirtualPath::root())
    );
    let bob = &config.roll.users[0];
    assert_eq!(
        (&*bob.account.home, bob.account.permissions.clone()),
        ("bob", Permissions::read_only())
    );
    assert!(bob.password.is_none());
    assert!(bob.account.operator && config.mdtm_set);
    assert_eq!(
        bob.account.third_party.as_ref().unwrap().privileged_ports,
        [20]
    );
}

#[test]
fn a_wrong_file_names_line_column_key_and_what_was_expected() {
    refused(
        "listen = []\n",
        "conf/thirdhostd.toml:1:1: root: missing; expected this key in this table",
    );
    refused_line(
        "lisen = []",
        1,
        "lisen: unknown key `lisen`; expected one of `listen`, `hosts`, `root`, `users`, \
         `uploads`, `durability`, `mdtm_set`, `partial_hours`, `drain_seconds`, `data`, `tls`, \
         `limits`, `log`, `metrics`, `user`, `anonymous`",
    );
    refused_line(
        "listen = []",
        10,
        "listen: the list is empty; expected at least one address",
    );
    refused_line(
        "listen = [\"127.0.0.1:0\", \"localhost:2121\"]",
        26,
        "listen: invalid value: string \"localhost:2121\"; expected an IP address and a port such \
         as \"127.0.0.1:2121\" or \"[::1]:2121\"",
    );
    refused_line(
        "uploads = \"atomic\"",
        11,
        "uploads: invalid value: string \"atomic\"; expected \"whole\" or \"resumable\"",
    );
    refused_line(
        "uploads = 1",
        11,
        "uploads: invalid type: integer `1`; expected \"whole\" or \"resumable\"",
    );
    refused_line(
        "durability = \"disk\"",
        14,
        "durability: invalid value: string \"disk\"; expected \"process\" or \"power\"",
    );
    refused_line(
        "partial_hours = 0",
        17,
        "partial_hours: invalid value: integer `0`; expected a whole number from 1 to 8760",
    );
    refused_line(
        "drain_seconds = -1",
        17,
        "drain_seconds: invalid value: integer `-1`; expected a whole number from 0 to 3600",
    );
    refused_line(
        "drain_seconds = \"30\"",
        17,
        "drain_seconds: invalid type: string \"30\"; expected a whole number from 0 to 3600",
    );
}

#[test]
fn a_wrong_table_names_line_column_key_and_what_was_expected() {
    let ports = "expected a range of ports from 1024 on such as \"49152-65535\"";
    for range in [
        "",
        "x",
        "80-90",
        "5000-4000",
        "1024-65536",
        "1024-2048-4096",
        "-",
    ] {
        refused_line(
            &format!("data = {{ ports = \"{range}\" }}"),
            18,
            &format!("data.ports: invalid value: string \"{range}\"; {ports}"),
        );
    }
    refused(
        "root = \"/\"\n[data]\naccept_seconds = 14\n",
        "conf/thirdhostd.toml:3:18: data.accept_seconds: invalid value: integer `14`; expected a \
         whole number from 15 to 3600",
    );
    refused(
        "root = \"/\"\n[data]\npublic_address = \"0.0.0.0\"\n",
        "conf/thirdhostd.toml:3:18: data.public_address: invalid value: string \"0.0.0.0\"; \
         expected the IP address of one host",
    );
    refused(
        "root = \"/\"\n[data]\nlstn_unpinned = true\n",
        "conf/thirdhostd.toml:3:17: data.lstn_unpinned: invalid type: boolean `true`; expected \
         \"control-host\", \"any\" or \"refuse\"",
    );
    refused(
        "root = \"/\"\n[tls]\nrequire = \"all\"\n",
        "conf/thirdhostd.toml:3:11: tls.require: invalid value: string \"all\"; expected \
         \"nothing\", \"login\" or \"data\"",
    );
    refused(
        "root = \"/\"\n[tls]\nkey = \"server.key\"\n",
        "conf/thirdhostd.toml:3:7: tls.key: expected tls.certificate beside it",
    );
    refused(
        "root = \"/\"\n[tls]\ncertificate = \"server.pem\"\n",
        "conf/thirdhostd.toml:3:15: tls.certificate: expected tls.key beside it",
    );
    refused(
        "root = \"/\"\n[tls]\nimplicit_listen = [\"0.0.0.0:990\"]\n",
        "conf/thirdhostd.toml:3:19: tls.implicit_listen: implicit TLS without one; expected \
         tls.certificate and tls.key",
    );
    refused(
        "root = \"/\"\n[tls]\nsession_reuse = \"always\"\n",
        "conf/thirdhostd.toml:3:17: tls.session_reuse: invalid value: string \"always\"; expected \
         \"off\", \"prefer\" or \"require\"",
    );
    refused(
        "root = \"/\"\n[limits]\nsesions = 5\n",
        "conf/thirdhostd.toml:3:1: limits.sesions: unknown key `sesions`; expected one of \
         `sessions`, `sessions_per_host`, `idle_seconds`, `free_space`",
    );
    refused(
        "root = \"/\"\n[limits]\nsessions = 0\n",
        "conf/thirdhostd.toml:3:12: limits.sessions: invalid value: integer `0`; expected a whole \
         number from 1 to 1000000",
    );
    refused(
        "root = \"/\"\n[anonymous]\nthird_party = {}\n",
        "conf/thirdhostd.toml:3:1: anonymous.third_party: unknown key `third_party`; expected \
         one of `home`, `permissions`, `path`, `sessions`, `rate`, `rate_per_transfer`, \
         `quota`, `max_file_size`",
    );
}

#[test]
fn a_wrong_user_names_line_column_key_and_what_was_expected() {
    let check = |lines: &str, line: usize, column: usize, rest: &str| {
        refused(
            &format!("root = \"/\"\n[[user]]\n{lines}\n"),
            &format!("conf/thirdhostd.toml:{line}:{column}: user{rest}"),
        );
    };
    check(
        "home = \"x\"",
        2,
        1,
        ".name: missing; expected this key in this table",
    );
    let name = "expected a name of 1 to 64 bytes without \"/\" or control characters, other than \
                \".\", \"..\", \"anonymous\" and \"ftp\"";
    for word in ["", "a/b", "..", "FTP", "Anonymous"] {
        let rest = format!(".name: invalid value: string \"{word}\"; {name}");
        check(&format!("name = \"{word}\""), 3, 8, &rest);
    }
    let twice = "name = \"a\"\n[[user]]\nname = \"b\"\n[[user]]\nname = \"a\"";
    let known = ".name: there is a user of this name already; expected each name once";
    check(twice, 7, 8, known);
    let hash = ".password: not an argon2id hash; expected a string that begins with $argon2id$, as \
                `thirdhostd user set` writes it";
    check("name = \"a\"\npassword = \"hunter2\"", 4, 12, hash);
    let quoted = ".password: no string; expected an argon2id hash in quotes";
    check("name = \"a\"\npassword = 12345", 4, 12, quoted);
    for home in ["/alice", "../x", "a/../../x", &"x".repeat(256)] {
        let rest = format!(
            ".home: invalid value: string \"{home}\"; expected a directory beneath the root such \
             as \"alice\", without \"..\""
        );
        check(&format!("name = \"a\"\nhome = \"{home}\""), 4, 8, &rest);
    }
    let word = ".permissions: invalid value: string \"list\"; expected one of read, write, \
                append, delete, rename, mkdir";
    check(
        "name = \"a\"\npermissions = [\"read\", \"list\"]",
        4,
        24,
        word,
    );
    for network in ["10.0.0.1/8", "10.0.0.0/33", "host", "::ffff:10.0.0.0/104"] {
        let rest = format!(
            ".third_party.send_to: invalid value: string \"{network}\"; expected a network such \
             as \"198.51.100.0/24\" or \"2001:db8::/32\", no bits set behind its length"
        );
        check(
            &format!("name = \"a\"\nthird_party = {{ send_to = [\"{network}\"] }}"),
            4,
            28,
            &rest,
        );
    }
    let port = ".third_party.privileged_ports: invalid value: integer `1024`; expected a whole \
                number from 1 to 1023";
    check(
        "name = \"a\"\nthird_party.privileged_ports = [1024]",
        4,
        33,
        port,
    );
}

#[test]
fn what_is_no_toml_names_line_column_and_key() {
    for (text, at) in [
        ("root = /srv\n", "conf/thirdhostd.toml:1:8: root: "),
        ("root = \"/\"\nlisten = [\n", "conf/thirdhostd.toml:2:"),
        (
            "root = \"/\"\n\nroot = \"/\"\n",
            "conf/thirdhostd.toml:3:1: root: ",
        ),
        ("root = \"\u{e9}\"  x\n", "conf/thirdhostd.toml:1:"),
    ] {
        let error = parse(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(at), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn files_that_are_not_there_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("thirdhostd.toml");
    let load = || Config::load(&file).map(|_| ()).unwrap_err().to_string();
    let named = file.display();
    assert_eq!(load(), format!("{named}: cannot be read"));

    fs::write(&file, "uploads = \"whole\"\nroot = \"nowhere\"\n").unwrap();
    let expected = "root: no such directory; expected an existing directory";
    assert_eq!(load(), format!("{named}:2:8: {expected}"));

    fs::write(&file, "root = \".\"\nusers = \"u.toml\"\n").unwrap();
    let users = directory.path().join("u.toml");
    let expected = format!("{named}:2:9: users: {}: cannot be read: ", users.display());
    assert!(load().starts_with(&expected), "{}", load());
    assert!(load().ends_with("; expected a file of users"), "{}", load());

    fs::write(&users, "[[user]]\nnam = \"a\"\n").unwrap();
    let expected = format!(
        "{}:2:1: user.nam: unknown key `nam`; expected one of ",
        users.display()
    );
    assert!(load().starts_with(&expected), "{}", load());
}

#[test]
fn a_user_set_in_the_users_file_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    let password = |text: &str| Password::try_from(text).unwrap();
    let change = |name: &str, text: &str| set_user(&users, name, &password(text)).unwrap();

    assert_eq!(change("alice", "one"), Change::Added);
    let added = fs::read_to_string(&users).unwrap();
    let edited =
        format!("# ours\n{added}home = \"a\" # not the default\n\n[[user]]\nname = \"bob\"\n");
    fs::write(&users, &edited).unwrap();
    assert_eq!(change("bob", "two"), Change::Changed);
    assert_eq!(change("alice", "three"), Change::Changed);

    let text = fs::read_to_string(&users).unwrap();
    assert!(text.starts_with("# ours\n"), "{text}");
    assert!(text.contains("home = \"a\" # not the default\n"), "{text}");
    assert!(!text.contains("three"), "{text}");

    let file = directory.path().join("thirdhostd.toml");
    fs::write(&file, "root = \".\"\nusers = \"users.toml\"\n").unwrap();
    let config = Config::load(&file).unwrap();
    let matches = |name: &str, text: &str| {
        let user = config
            .roll
            .users
            .iter()
            .find(|user| user.account.name == name)
            .unwrap();
        user.password.as_ref().unwrap().matches(&password(text))
    };
    assert!(matches("alice", "three") && matches("bob", "two"));
    assert!(!matches("alice", "one"));
    assert_eq!(config.roll.users[0].account.home, "a");
}

#[cfg(unix)]
#[test]
fn the_users_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    fs::write(&users, "").unwrap();
    fs::set_permissions(&users, fs::Permissions::from_mode(0o644)).unwrap();
    set_user(&users, "alice", &Password::try_from("one").unwrap()).unwrap();
    assert_eq!(
        fs::metadata(&users).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "no temporary stays"
    );
}

/// The operator is root, as a rule, and the server is not. Left out where nobody else can own it.
#[cfg(unix)]
#[test]
fn the_users_file_stays_its_owners() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    fs::write(&users, "").unwrap();
    let ours = fs::metadata(&users).unwrap().uid();
    for (owner, group, mode, expected) in [
        (65_534, 65_534, 0o644, 0o600),
        (65_534, 65_534, 0o640, 0o640),
        (ours, 65_534, 0o640, 0o640),
    ] {
        if chown(&users, Some(owner), Some(group)).is_err() {
            return println!("left out: only root gives files away");
        }
        fs::set_permissions(&users, fs::Permissions::from_mode(mode)).unwrap();
        set_user(&users, "alice", &Password::try_from("one").unwrap()).unwrap();
        let now = fs::metadata(&users).unwrap();
        assert_eq!((now.uid(), now.gid()), (owner, group));
        assert_eq!(now.mode() & 0o777, expected, "{mode:o}");
    }
}

#[test]
fn a_users_file_that_is_wrong_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users.toml");
    let check = |text: &str, name: &str, expected: &str| {
        fs::write(&users, text).unwrap();
        let error = set_user(&users, name, &Password::try_from("one").unwrap()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fs::read_to_string(&users).unwrap(), text);
    };
    check(
        "",
        "a/b",
        "that is no user name; expected a name of 1 to 64 bytes",
    );
    check(
        "root = \"/\"\n",
        "alice",
        ":1:1: root: unknown key `root`; expected `user`",
    );
    check(
        "user = [{ name = \"alice\" }]\n",
        "alice",
        "not written as [[user]] tables",
    );
}

#[test]
fn the_quick_start_is_read_only_on_loopback() {
    let config = Config::quick_start("/tmp");
    assert_eq!(config.listen, ["127.0.0.1:2121".parse().unwrap()]);
    assert!(config.roll.users.is_empty());
    let anonymous = config.roll.anonymous.as_ref().unwrap();
    assert_eq!(anonymous.permissions, Permissions::read_only());
    assert_eq!(anonymous.home, "");
    assert!(anonymous.third_party.is_none());
    assert!(config.warnings().is_empty());
}

/// Whoever starts it in the directory of the configuration names no directory at all.
#[test]
fn an_xferlog_beside_the_file_can_be_opened() {
    let warned = |xferlog: &str| {
        let text = format!("root = \".\"\n[anonymous]\n[log]\nxferlog = {xferlog:?}\n");
        let config = Config::parse(&text, "thirdhostd.toml".as_ref()).unwrap();
        let warnings = config.warnings();
        warnings.iter().any(|said| said.contains("log.xferlog"))
    };
    assert!(!warned("xferlog"));
    assert!(!warned("./xferlog"));
    assert!(warned("nodir/xferlog"));
}

#[test]
fn a_certificate_and_its_key_are_read_beside_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let names = vec!["localhost".to_owned()];
    let pair = crate::tls::self_signed(names.clone(), std::time::SystemTime::now()).unwrap();
    let other = crate::tls::self_signed(names, std::time::SystemTime::now()).unwrap();
    let file = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    file("server.pem", &pair.certificate);
    file("server.key", &pair.key);
    file("other.key", &other.key);
    let text = "root = \".\"\nlisten = [\"0.0.0.0:0\"]\n[[user]]\nname = \"alice\"\n[tls]\n\
                implicit_listen = [\"0.0.0.0:990\"]\nsession_reuse = \"require\"\n\
                peer_verify = \"none\"\ncertificate = \"server.pem\"\nkey = \"server.key\"\n";
    let place = directory.path().join("thirdhostd.toml");
    let config = Config::parse(text, &place).unwrap();
    assert!(config.tls.certificate.is_some());
    assert_eq!(config.tls.implicit_listen, ["0.0.0.0:990".parse().unwrap()]);
    assert_eq!(config.tls.session_reuse, SessionReuse::Require);
    assert_eq!(config.tls.peer_verify, PeerVerify::None);
    let warnings = config.warnings().join("\n");
    assert!(
        warnings.contains("nothing proves which host it is"),
        "{warnings}"
    );
    assert!(!warnings.contains("will be refused"), "{warnings}");
    #[cfg(unix)]
    assert!(
        warnings.contains("server.key is a private key"),
        "{warnings}"
    );
    // Somebody else's key.
    let mixed = text.replace("server.key", "other.key");
    let error = Config::parse(&mixed, &place).unwrap_err().to_string();
    assert!(
        error.contains("certificate and key cannot be used"),
        "{error}"
    );
}

#[test]
fn clear_text_is_allowed_only_on_loopback_or_when_written() {
    use thirdhost_proto::server::ClearTransfers::{Allowed, Refused, WithoutTls};
    let check = |require: Require, peer: &str, password: bool, transfer| {
        let peer = peer.parse().unwrap();
        assert_eq!(
            require.password_allowed_in_clear(peer),
            password,
            "{require:?} {peer}"
        );
        assert_eq!(
            require.clear_transfers(peer),
            transfer,
            "{require:?} {peer}"
        );
    };
    for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        for require in [Require::Nothing, Require::Login, Require::Data] {
            check(require, loopback, true, Allowed);
        }
    }
    for elsewhere in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        check(Require::Nothing, elsewhere, true, Allowed);
        check(Require::Login, elsewhere, false, WithoutTls);
        check(Require::Data, elsewhere, false, Refused);
    }
}

#[test]
fn what_deserves_a_second_look_is_said() {
    let check = |text: &str, expected: &str| {
        let warnings = parse(text).unwrap().warnings();
        assert!(
            warnings.iter().any(|warning| warning.contains(expected)),
            "{warnings:?}"
        );
    };
    let user = "root = \".\"\n[[user]]\nname = \"alice\"\n";
    let beyond = format!("listen = [\"127.0.0.1:0\", \"0.0.0.0:2121\"]\n{user}");
    check(
        &beyond,
        "0.0.0.0:2121 is not loopback: password logins from other hosts will be refused",
    );
    check(
        &format!("{beyond}[tls]\nrequire = \"nothing\""),
        "passwords and files travel in clear",
    );
    check(
        &format!("{beyond}[tls]\nrequire = \"data\""),
        "password logins and transfers",
    );
    check(user, "user \"alice\" has no password");
    check(user, "the home of user \"alice\" is no directory");
    check("root = \"/\"", "nobody can log in");
    check(
        "root = \"/\"\n[data]\nlstn_unpinned = \"any\"",
        "lstn_unpinned",
    );
    let hash = |name: &str, m: u32| {
        let output = "A".repeat(43);
        let phc = format!("$argon2id$v=19$m={m},t=1,p=1$c29tZXNhbHQ${output}");
        format!("[[user]]\nname = \"{name}\"\npassword = \"{phc}\"\n")
    };
    let two = format!("root = \".\"\n{}{}", hash("a", 8), hash("b", 16));
    check(&two, "some password hashes are cheaper");
    let same = format!("root = \".\"\n{}{}", hash("a", 8), hash("b", 8));
    let warnings = parse(&same).unwrap().warnings();
    assert!(
        !warnings.iter().any(|warning| warning.contains("cheaper")),
        "{warnings:?}"
    );
    let no_passwords = "listen = [\"0.0.0.0:0\"]\nroot = \".\"\n[anonymous]\n";
    assert!(parse(no_passwords).unwrap().warnings().is_empty());
}

#[test]
fn certificates_and_names_that_make_no_sense_are_refused() {
    refused(
        "root = \"/\"\n[tls]\nstrict_sni = true\n",
        "conf/thirdhostd.toml:3:14: tls.strict_sni: no name is ours; expected hosts beside it",
    );
    refused(
        "root = \"/\"\n[[user]]\nname = \"a\"\nlogin = \"both\"\n",
        "conf/thirdhostd.toml:4:9: user.login: \"both\" without certificates; expected some \
         beside it",
    );
    refused(
        "root = \"/\"\n[[user]]\nname = \"a\"\ncertificates = [\"MD5:00\"]\n",
        "conf/thirdhostd.toml:4:17: user.certificates: invalid value: string \"MD5:00\"; expected \
         the SHA-256 of a certificate such as \"SHA256:\" and 64 hexadecimal digits, with or \
         without colons",
    );
}

#[test]
fn a_user_may_have_certificates_and_a_rule_about_clear_text() {
    let plain = "ab".repeat(32);
    let colons = vec!["AB"; 32].join(":");
    let text = format!(
        "root = \"/\"\n[[user]]\nname = \"a\"\nrequire = \"data\"\nlogin = \"both\"\n\
         certificates = [\"{plain}\", \"SHA256:{plain}\", \"sha256:{colons}\"]\n"
    );
    let config = parse(&text).unwrap();
    let admission = &config.roll.users[0].account.admission;
    assert_eq!(admission.certificates, [[0xab; 32]; 3]);
    assert_eq!(admission.login, LoginBy::Both);
    assert_eq!(admission.require, Some(Require::Data));
    let warnings = config.warnings().join("\n");
    assert!(warnings.contains("has certificates"), "{warnings}");
    assert!(!warnings.contains("cannot log in"), "{warnings}");
}

#[test]
fn permissions_may_differ_beneath_prefixes() {
    let config = parse(
        "root = \"/\"\n[anonymous]\n[[anonymous.path]]\nprefix = \"/incoming/\"\n\
         permissions = [\"write\"]\n[[user]]\nname = \"bob\"\npermissions = []\n\
         [[user.path]]\nprefix = \"/a\"\npermissions = [\"read\"]\n\
         [[user.path]]\nprefix = \"/a/./b\"\npermissions = []\n",
    )
    .unwrap();
    let path = |name: &str| VirtualPath::root().join(&name.try_into().unwrap()).unwrap();
    let anonymous = config.roll.anonymous.unwrap().permissions;
    let bob = &config.roll.users[0].account.permissions;
    let (read, write) = (Permission::Read, Permission::Write);
    for (permissions, permission, at, expected) in [
        (&anonymous, read, "/f", true),
        (&anonymous, write, "/f", false),
        (&anonymous, read, "/incoming/f", false),
        (&anonymous, write, "/incoming/f", true),
        (bob, read, "/f", false),
        (bob, read, "/a/f", true),
        (bob, read, "/a/b/f", false),
    ] {
        assert_eq!(permissions.allow(permission, &path(at)), expected, "{at}");
    }
}

#[test]
fn a_wrong_prefix_is_told_with_its_place() {
    let expected = "expected a path from the user's own root such as \"/incoming\", \
                    without \"..\"";
    for prefix in ["incoming", "/", "", "/a/../b", "/a\\u0007"] {
        let text = format!(
            "root = \"/\"\n[[user]]\nname = \"bob\"\n[[user.path]]\nprefix = \"{prefix}\"\n\
             permissions = []\n"
        );
        let error = parse(&text).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.starts_with("conf/thirdhostd.toml:5:10: user.path.prefix: ")
                && error.ends_with(expected),
            "{error}"
        );
    }
    refused(
        "root = \"/\"\n[[user]]\nname = \"bob\"\n[[user.path]]\nprefix = \"/a\"\n\
         permissions = []\n[[user.path]]\nprefix = \"/a/\"\npermissions = []\n",
        "conf/thirdhostd.toml:8:10: user.path.prefix: this prefix is there already; expected \
         each prefix once",
    );
    refused(
        "root = \"/\"\n[anonymous]\n[[anonymous.path]]\nprefix = \"/a\"\n",
        "conf/thirdhostd.toml:3:1: anonymous.path.permissions: missing; expected this key in \
         this table",
    );
}

#[test]
fn a_user_may_be_bounded() {
    let config = parse(
        "root = \"/\"\n[anonymous]\nsessions = 50\n[[user]]\nname = \"bob\"\nsessions = 2\n\
         quota = \"10G\"\nmax_file_size = \"1500\"\n\
         rate = { send = \"10M\" }\nrate_per_transfer = { send = \"2M\", receive = \"1K\" }\n\
         [[user]]\nname = \"eve\"\n",
    )
    .unwrap();
    let bounds = |user: usize| &config.roll.users[user].account.bounds;
    assert_eq!(bounds(0).sessions, Some(2));
    assert_eq!(*bounds(1), Bounds::default());
    let rate = |octets| std::num::NonZeroU64::new(octets);
    assert_eq!(
        bounds(0).rate,
        Rates {
            send: rate(10 << 20),
            receive: None
        }
    );
    assert_eq!(bounds(0).quota, Some(10 << 30));
    assert_eq!(bounds(0).max_file_size, Some(1500));
    refused(
        "root = \"/\"\n[[user]]\nname = \"bob\"\nquota = \"10 G\"\n",
        "conf/thirdhostd.toml:4:9: user.quota: invalid value: string \"10 G\"; expected bytes such \
         as \"500M\" or \"10G\" (K, M, G, T: powers of 1024)",
    );
    let alone = Rates {
        send: rate(2 << 20),
        receive: rate(1024),
    };
    assert_eq!(bounds(0).rate_per_transfer, alone);
    refused(
        "root = \"/\"\n[[user]]\nname = \"bob\"\nrate = { send = \"1023\" }\n",
        "conf/thirdhostd.toml:4:17: user.rate.send: invalid value: string \"1023\"; expected bytes \
         a second such as \"500K\" or \"10M\", at least \"1K\" (K, M, G, T: powers of 1024)",
    );
    assert_eq!(config.roll.anonymous.unwrap().bounds.sessions, Some(50));
    refused(
        "root = \"/\"\n[[user]]\nname = \"bob\"\nsessions = 0\n",
        "conf/thirdhostd.toml:4:12: user.sessions: invalid value: integer `0`; expected a whole \
         number from 1 to 1000000",
    );
}

/// The design's section 4.
const EXAMPLE: &str = r#"listen = ["0.0.0.0:2121"]
root = "/srv/ftp"                      # every home lies beneath it
users = "/etc/thirdhost/users.toml"
uploads = "whole"                      # or "resumable"
durability = "process"                 # or "power"

[data]
ports = "49152-65535"
public_address = "203.0.113.7"         # what 227 and 255 tell, behind NAT
accept_seconds = 30

[tls]
certificate = "server.pem"
key = "server.key"
require = "login"                      # "nothing" | "login" | "data"; D15

[limits]
sessions = 10000
sessions_per_host = 100
idle_seconds = 300

[[user]]
name = "alice"
password = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
home = "alice"                         # beneath root
permissions = ["read", "write", "append", "delete", "rename", "mkdir"]     # "read" includes listing
third_party = { send_to = ["198.51.100.0/24"], receive_from = ["0.0.0.0/0", "::/0"] }
"#;

#[test]
fn the_names_of_the_server_are_listed_for_host() {
    let config = parse("root = \"/\"\nhosts = [\"FTP.example.org\", \"[::1]\"]\n").unwrap();
    let names: Vec<String> = config.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["ftp.example.org", "[::1]"]);
    refused_line(
        "hosts = [\"a:21\"]",
        10,
        "hosts: invalid value: string \"a:21\"; expected a domain name, or an address as in a URL",
    );
}
