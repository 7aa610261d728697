//! HOST, LANG, CLNT, CSID, CEPR, PRET, ALGS: who speaks to whom, and how.

use crate::support::Site;

#[tokio::test]
async fn host_names_the_address_or_a_listed_name() {
    let site = Site::with(|config| config.hosts = vec!["ftp.example.org".parse().unwrap()]).await;
    let mut user = site.caller().await;
    user.check("HOST ftp.example.org", "220").await;
    user.check("HOST 127.0.0.1", "220").await;
    user.check("HOST 192.0.2.1", "504").await;
    user.check("HOST www.example.org", "504").await;
    user.check("HOST ftp.example.org:21", "501").await;
    user.check("USER alice", "331").await;
    user.check("PASS secret", "230").await;
    user.check("HOST ftp.example.org", "503").await;
}

#[tokio::test]
async fn every_extension_in_force_is_a_feature() {
    let site = Site::start().await;
    let mut user = site.user().await;
    let features = user.ask("FEAT").await;
    for feature in ["CEPR", "CLNT", "CSID", "HOST", "LANG EN*", "PRET", "UTF8"] {
        assert!(
            features.contains(&format!("\n {feature}\n")),
            "{feature}: {features}"
        );
    }
    user.check("CLNT test", "200").await;
    user.check("PRET LIST", "200").await;
    user.check("ALGS STATUS64", "202").await;
    user.check("CEPR ON", "200").await;
    user.check("EPSV", "229 Entering Extended Passive Mode (|1|127.0.0.1|")
        .await;
}
