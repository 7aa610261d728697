//! libFuzzer's way in to whichever target `THIRDHOST_FUZZ_TARGET` names.
//!
//! One binary for all of them: linking one for each takes longer than a short run of each.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use thirdhost_fuzz::Target;

fuzz_target!(|octets: &[u8]| (chosen().run)(octets));

fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&'static Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("THIRDHOST_FUZZ_TARGET").unwrap_or_default();
        Target::named(&name).unwrap_or_else(|| panic!("there is no target `{name}`"))
    })
}
