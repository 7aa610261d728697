//! LIST and NLST of patterns. Spec Q-20, S-54.

use crate::support::Site;

async fn names(user: &mut crate::support::User, line: &str) -> Vec<String> {
    let (bytes, reply) = user.fetch(line).await;
    assert!(reply.starts_with("226"), "{line}: {reply}");
    let text = String::from_utf8(bytes).unwrap();
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn patterns_list_what_they_match() {
    let site = Site::start().await;
    for name in ["a.txt", "b.txt", "c.c", ".hidden.txt", "star*", "{x}"] {
        site.put(name, b"x");
    }
    std::fs::create_dir(site.home().join("d")).unwrap();
    site.put("d/e.txt", b"x");
    let mut user = site.user().await;
    for (line, expected) in [
        ("NLST *.txt", &["a.txt", "b.txt"][..]),
        ("NLST -la *.txt", &["a.txt", "b.txt"]),
        ("NLST .*", &[".hidden.txt"]),
        ("NLST ?.[a-c]", &["c.c"]),
        ("NLST d/*", &["d/e.txt"]),
        ("NLST /d/*.txt", &["/d/e.txt"]),
        ("NLST star*", &["star*"]),
        ("NLST {*", &["{x}"]),
        ("NLST *.none", &[]),
        ("NLST d/../*.c", &["d/../c.c"]),
    ] {
        assert_eq!(names(&mut user, line).await, expected, "{line}");
    }
    let long = names(&mut user, "LIST -l ?.txt").await;
    assert_eq!(long.len(), 2, "{long:?}");
    assert!(
        long[0].starts_with("-rw") && long[0].ends_with(" a.txt"),
        "{long:?}"
    );
    for line in [
        "MLSD *",
        "RETR *.txt",
        "NLST x/*",
        "NLST */e.txt",
        "NLST ~",
        "NLST ~root",
        "LIST ~/*",
    ] {
        let (_, reply) = user.fetch(line).await;
        assert!(reply.starts_with("55"), "{line}: {reply}");
    }
}

//= security#S-54
//= type=test
#[tokio::test]
async fn wide_patterns_cost_nothing() {
    let site = Site::start().await;
    site.put(&"a".repeat(200), b"x");
    let mut user = site.user().await;
    let many = "*a".repeat(40);
    for pattern in [many.as_str(), "{{*/..,..},..}/*/../*", "****"] {
        let (bytes, reply) = user.fetch(&format!("LIST {pattern}")).await;
        assert!(
            reply.starts_with("55") && bytes.is_empty(),
            "{pattern}: {reply}"
        );
    }
}

//= security#S-54
//= type=test
#[tokio::test]
async fn a_pattern_that_matches_too_much_is_cut_off_and_says_so() {
    let site = Site::start().await;
    let most = 10_000;
    assert_eq!(thirdhost_server::limits::PATTERN_MATCHES_MAX, most);
    for number in 0..most {
        site.put(&format!("f{number}"), b"");
    }
    let mut user = site.user().await;
    assert_eq!(names(&mut user, "NLST f*").await.len(), most);
    site.put("one-more", b"");
    assert_eq!(names(&mut user, "NLST f*").await.len(), most);
    let (_, reply) = user.fetch("NLST *").await;
    assert!(reply.starts_with("451 Too many names match"), "{reply}");
}

/// What -R asks for is one directory all the same.
//= security#S-55
//= type=test
#[tokio::test]
async fn no_listing_goes_deeper_than_its_directory() {
    let site = Site::start().await;
    std::fs::create_dir_all(site.home().join("d/deeper")).unwrap();
    site.put("f", b"x");
    site.put("d/inside", b"x");
    let mut user = site.user().await;
    for line in [
        "LIST -R",
        "LIST -lR",
        "NLST -R",
        "LIST -alR",
        "LIST -R /",
        "NLST -R .",
    ] {
        let listed = names(&mut user, line).await;
        assert_eq!(listed.len(), 2, "{line}: {listed:?}");
        let inside = listed
            .iter()
            .any(|name| name.contains("inside") || name.contains("deeper"));
        assert!(!inside, "{line}: {listed:?}");
    }
}
