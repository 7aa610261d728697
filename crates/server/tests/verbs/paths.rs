//! Every verb that takes a path, with paths that lead where nobody may go. Spec S-47.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use thirdhost_proto::server::{Permission, Permissions, VirtualPath};
use thirdhost_wire::Verb;

use crate::support::{Site, User};

//= security#S-44
//= type=test
//= security#S-47
//= type=test
#[tokio::test]
async fn no_verb_reaches_out_of_the_home_or_into_the_stores_own_files() {
    let site = Site::start().await;
    let outside = site.above_home().join("secret.txt");
    let hidden = site.home().join(HIDDEN);
    let mut lines = 0;
    let mut user = site.user().await;
    for verb in Verb::ALL {
        for template in templates(*verb) {
            for name in names(site.above_home()) {
                prepare(&site, &outside, &hidden);
                let before = [look(&outside), look(&hidden)];
                let line = template.replace("{}", &name);
                try_line(&mut user, &line).await;
                assert_eq!([look(&outside), look(&hidden)], before, "{line}");
                let out = std::fs::read_dir(site.above_home()).unwrap().count();
                assert_eq!(out, 2, "{line} made something above the home");
                lines += 1;
            }
        }
    }
    assert!(lines > 200, "{lines}");
}

/// What is beyond the user's view, there or not, is told in the words for what is missing.
//= security#S-50
//= type=test
#[tokio::test]
async fn nothing_beyond_the_view_can_be_told_from_what_is_missing() {
    let site = Site::with(|config| {
        let mut carol = config.roll.users[0].clone();
        carol.account.name = "carol".to_owned();
        let open = VirtualPath::root().join(&"open".try_into().unwrap());
        let everything = Permission::ALL.into_iter().collect();
        carol.account.permissions = Permissions::default().beneath(open.unwrap(), everything);
        config.roll.users.push(carol);
    })
    .await;
    let outside = site.above_home().join("secret.txt");
    prepare(&site, &outside, &site.home().join(HIDDEN));
    std::fs::create_dir(site.home().join("closed")).unwrap();
    site.put("closed/there", b"x");
    let root = site.above_home().to_str().unwrap().to_owned();
    let (mut alice, mut carol) = (site.user().await, site.logged_in("carol").await);
    for template in [
        "RETR {}",
        "SIZE {}",
        "MDTM {}",
        "MLST {}",
        "STAT {}",
        "HASH {}",
        "XMD5 {}",
        "CWD {}",
        "LIST {}",
        "NLST {}",
        "MLSD {}",
        "RMD {}/x",
        "MFMT 20200102030405 {}",
        "SITE CHMOD 600 {}",
        "SITE UTIME 20200102030405 {}",
        "STOR {}/new",
        "MKD {}/new",
        "DELE {}/x",
        "RNFR {}/x",
    ] {
        let line = |name: &str| template.replace("{}", name);
        let missing = alice.fetch(&line("nothing")).await.1;
        assert!(missing.starts_with('5'), "{template}: {missing}");
        for name in ["out", "absolute", "outdir/secret.txt", "outdir/nothing"] {
            let told = alice.fetch(&line(name)).await.1;
            assert_eq!(told, missing, "{}", line(name));
            assert!(
                !told.contains(&root) && !told.contains("secret.txt"),
                "{told}"
            );
        }
        let there = carol.fetch(&line("/closed/there")).await.1;
        let missing = carol.fetch(&line("/closed/nothing")).await.1;
        assert!(there.starts_with("550"), "{template}: {there}");
        assert_eq!(there, missing, "{template}");
    }
}

/// The line is refused, or acts on a link itself and not on what is behind it.
async fn try_line(user: &mut User, line: &str) {
    user.check("CWD /", "250").await;
    if line.starts_with("RNTO") {
        user.check("RNFR f", "350").await;
    }
    let sends = ["RETR", "LIST", "NLST", "MLSD"]
        .iter()
        .any(|code| line.starts_with(code));
    let (bytes, reply) = if sends {
        user.fetch(line).await
    } else {
        (Vec::new(), user.send(line, b"overwritten").await)
    };
    let told = [&bytes[..], reply.as_bytes()].concat();
    let told = String::from_utf8_lossy(&told).to_lowercase();
    for secret in [SECRET, SECRET_MD5, "root:"] {
        assert!(!told.contains(secret), "{line}: {told}");
    }
    let link_itself = ["DELE out", "DELE absolute", "DELE outdir"].contains(&line);
    let renames_link = ["RNTO", "STOU"].iter().any(|verb| line.starts_with(verb));
    // Above the home is the home: what is made there is made in it.
    let made_at_home = line.ends_with("../secret.txt")
        && ["STOR", "APPE", "MKD"]
            .iter()
            .any(|verb| line.starts_with(verb));
    let harmless = link_itself || renames_link || made_at_home;
    assert!(harmless || reply.starts_with(['4', '5']), "{line}: {reply}");
}

fn names(above_home: &Path) -> Vec<String> {
    let above = above_home.to_str().unwrap();
    [
        "../secret.txt",
        "../../etc/passwd",
        "d/../../secret.txt",
        "/etc/passwd",
        &format!("{above}/secret.txt"),
        "out",
        "absolute",
        "outdir/secret.txt",
        HIDDEN,
        &format!("d/../{HIDDEN}"),
        ".ThirdHost-partial.f",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What is there before each line, whatever the one before has done.
fn prepare(site: &Site, outside: &Path, hidden: &Path) {
    let home = site.home();
    // The session holds the home open: it is emptied, not replaced.
    for entry in std::fs::read_dir(&home).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            std::fs::remove_dir_all(entry.path()).unwrap();
        } else {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    std::fs::create_dir(home.join("d")).unwrap();
    for file in [outside, hidden] {
        std::fs::write(file, SECRET).unwrap();
    }
    site.put("f", b"x");
    for (link, target) in [
        ("out", PathBuf::from("../secret.txt")),
        ("absolute", outside.to_owned()),
        ("outdir", PathBuf::from("..")),
    ] {
        symlink(target, home.join(link)).unwrap();
    }
}

/// All that a verb could have changed.
fn look(file: &Path) -> (Vec<u8>, u32, i64, i64, u64) {
    let metadata = std::fs::metadata(file).unwrap();
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    let bytes = std::fs::read(file).unwrap();
    (bytes, metadata.mode(), seconds, nanoseconds, metadata.ino())
}

/// The lines with which a verb takes a path. A new verb has to be put into one of the groups.
fn templates(verb: Verb) -> Vec<String> {
    use Verb as V;
    let code = verb.code();
    match verb {
        V::Cwd | V::Retr | V::Stor | V::Stou | V::Appe | V::Rnfr | V::Rnto | V::Dele => {
            vec![format!("{code} {{}}")]
        }
        V::Rmd | V::Mkd | V::List | V::Nlst | V::Mlst | V::Mlsd | V::Size | V::Mdtm | V::Stat => {
            vec![format!("{code} {{}}")]
        }
        V::Hash => vec!["HASH {}".to_owned()],
        V::Xcrc | V::Xmd5 | V::Xsha | V::Xsha1 | V::Xsha256 | V::Xsha512 => vec![
            format!("{code} {{}}"),
            format!("{code} \"{{}}\""),
            format!("{code} {{}} 0 1"),
        ],
        V::Mfmt | V::Mfct => vec![format!("{code} 20200102030405 {{}}")],
        V::Mff => vec!["MFF Modify=20200102030405;UNIX.mode=0777; {}".to_owned()],
        V::Site => [
            "SITE CHMOD 777 {}",
            "SITE UTIME 20200102030405 {}",
            "SITE UTIME {} 20200102030405 20200102030405 20200102030405 UTC",
            "SITE SYMLINK {} link",
        ]
        .map(str::to_owned)
        .to_vec(),
        V::Eret => vec!["ERET P 0 1 {}".to_owned()],
        V::Esto => vec!["ESTO A 0 {}".to_owned()],
        V::Smnt => vec!["SMNT {}".to_owned()],
        V::User | V::Pass | V::Acct | V::Cdup | V::Rein | V::Quit | V::Host | V::Lang => vec![],
        V::Port | V::Eprt | V::Pasv | V::Epsv | V::Lstn | V::Sock | V::Type | V::Stru => vec![],
        V::Mode | V::Allo | V::Rest | V::Abor | V::Pwd | V::Syst | V::Help | V::Feat => vec![],
        V::Opts | V::Noop | V::Actv | V::Adat | V::Algs | V::Auth | V::Avbl | V::Ccc => vec![],
        V::Cepr | V::Clnt | V::Conf | V::Cpsv | V::Csid | V::Dcau | V::Enc | V::Esta => vec![],
        V::Estp | V::Lprt | V::Lpsv | V::Mic | V::Pbsz | V::Pret | V::Prot | V::Rang => vec![],
        V::Sbuf | V::Spas | V::Spor | V::Sscn => vec![],
    }
}

const HIDDEN: &str = ".thirdhost-partial.f";
const SECRET: &str = "nobody may read this";
const SECRET_MD5: &str = "4664ebfb0afdbd89c487dc0cfdc5becc";
