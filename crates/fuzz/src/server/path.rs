//! Any two pathnames, one from where the other leads: never above the root, and the path that
//! comes out leads to itself.

use thirdhost_proto::server::VirtualPath;
use thirdhost_wire::Pathname;

pub(crate) fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let mut at = VirtualPath::root();
    for name in text.split('\n') {
        let Ok(joined) = Pathname::try_from(name).map(|name| at.join(&name)) else {
            continue;
        };
        let Ok(joined) = joined else { continue };
        let leads_astray = joined.components().any(|step| matches!(step, "." | ".."));
        assert!(!leads_astray, "{joined}");
        assert!(joined.as_str().starts_with('/') && !joined.as_str().contains("//"));
        let written = Pathname::try_from(joined.as_str()).expect("a path can be sent");
        assert_eq!(at.join(&written).as_ref(), Ok(&joined));
        assert!(VirtualPath::root().holds(&joined) && joined.parent().holds(&joined));
        at = joined;
    }
}
