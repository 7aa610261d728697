//! Any FEAT reply: no panic, and the features that are read are written so that they are read the
//! same.

use thirdhost_wire::{FactSet, Features, Reply, ReplyCode};

pub(crate) fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let code = ReplyCode::new(211).expect("211 is a reply code");
    let reply = Reply::multi(code, "Extensions:", text.lines(), "End");
    let features = Features::from_reply(&reply).expect("211 is FEAT's answer");
    assert_eq!(
        Features::from_reply(&features.reply()).as_ref(),
        Ok(&features)
    );
    let set = FactSet::from_feature(features.parameters("MLST").unwrap_or_default());
    assert_eq!(FactSet::from_feature(&set.feature_parameters()), set);
    if let Ok(set) = FactSet::from_options(text) {
        assert_eq!(FactSet::from_options(&set.to_string()), Ok(set));
    }
}
