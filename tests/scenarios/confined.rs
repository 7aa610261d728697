//! Two servers that are confined to their files and system calls, and all that they do together.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::fs;

use crate::support::secret::{Server, User, said};
use crate::support::site::{SITE1, SITE2};

//= security#S-74
//= type=test
#[test]
fn two_confined_servers_exchange_trees_under_tls_and_prove_them() {
    let (one, two) = (Server::start(SITE1, ""), Server::start(SITE2, ""));
    for server in [&one, &two] {
        server.daemon.until_logged("confined by Landlock");
        server.daemon.until_logged("confined by seccomp");
    }
    let user = User::new();
    let octets: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    fs::create_dir_all(one.root.path().join("tree/deep")).unwrap();
    for name in ["a", "b", "deep/c"] {
        fs::write(one.root.path().join("tree").join(name), &octets).unwrap();
    }
    for schemes in [["ftpes", "ftpes"], ["ftps", "ftpes"], ["ftp", "ftp"]] {
        let [from, to] = [(&one, schemes[0]), (&two, schemes[1])]
            .map(|(server, scheme)| server.place(scheme, "tree"));
        let copy = [
            "cp",
            "-r",
            "--accept-new",
            "--no-relay",
            "--verify",
            "hash",
            &from,
            &to,
        ];
        let done = user.run(&copy);
        assert!(done.status.success(), "{schemes:?}: {}", said(&done));
        for name in ["a", "b", "deep/c"] {
            let copied = fs::read(two.root.path().join("tree").join(name)).unwrap();
            assert!(copied == octets, "{schemes:?} {name}");
        }
        let place = two.place(schemes[1], "tree");
        assert!(user.run(&["ls", &place]).status.success());
        fs::remove_dir_all(two.root.path().join("tree")).unwrap();
        // The certificate and the users are read anew, and the next round goes on with them.
        for server in [&one, &two] {
            server.daemon.signal("HUP");
            server.daemon.until_logged("users reloaded");
        }
    }
}
