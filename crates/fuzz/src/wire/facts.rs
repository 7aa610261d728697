//! Any line of facts: no panic, and what is read is written so that it is read the same.

use thirdhost_wire::FactsLine;

pub(crate) fn run(line: &[u8]) {
    let Ok(line) = FactsLine::parse(line) else {
        return;
    };
    let _ = (
        line.facts.kind(),
        line.facts.size(),
        line.facts.modified(),
        line.facts.unix_mode(),
    );
    // A final `;` may have been added, which can reach beyond the limit.
    let written = line.to_string();
    if written.len() <= thirdhost_wire::FACTS_LINE_BYTES_MAX {
        assert_eq!(FactsLine::parse(written.as_bytes()), Ok(line));
    }
}
