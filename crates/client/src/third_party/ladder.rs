//! The ladder: which arrangements to try between two servers, in which order. Spec U-2, U-3.

use thirdhost_proto::third_party::{Arrangement, Side};
use thirdhost_wire::Features;

use super::secrecy::Part;
use super::{Known, Listen, Policy, Refusal, Via};

/// One way of bringing two servers together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rung {
    pub(super) arrangement: Arrangement,
    pub(super) listener: Side,
    /// Which parts they play in TLS between them; `None` in clear text.
    pub(super) part: Option<Part>,
}

/// The rungs to try, and those that FEAT rules out without asking.
///
/// The safest first: LSTN and SOCK name both ends exactly. The destination listens first, as a
/// source that cannot be reached then costs it nothing. A server without FEAT is taken at its
/// word for EPSV and PASV, not for LSTN, which nobody has who does not say so.
pub(super) fn rungs(
    policy: &Policy,
    source: &Features,
    destination: &Features,
) -> (Vec<Rung>, Vec<Refusal>) {
    let arrangements = match policy.via {
        Via::Auto => vec![Arrangement::Lstn, Arrangement::Epsv, Arrangement::Pasv],
        Via::Only(arrangement) => vec![arrangement],
        Via::Relay => Vec::new(),
    };
    let listeners = match policy.listen {
        Listen::Auto => vec![Side::Destination, Side::Source],
        Listen::Only(side) => vec![side],
    };
    let mut rungs = Vec::new();
    let mut refusals = Vec::new();
    for arrangement in arrangements {
        for &listener in &listeners {
            let (listening, calling) = match listener {
                Side::Source => (source, destination),
                Side::Destination => (destination, source),
            };
            // Asked for by name, it is tried whatever FEAT says.
            let missing = match policy.via {
                Via::Auto => missing(arrangement, listener, listening, calling),
                Via::Only(_) | Via::Relay => None,
            };
            match missing {
                None => rungs.push(Rung {
                    arrangement,
                    listener,
                    part: None,
                }),
                Some(reason) => refusals.push(Refusal {
                    arrangement,
                    listener,
                    reason,
                    code: None,
                }),
            }
        }
    }
    (rungs, refusals)
}

/// In clear text a server that alone can be told who may call listens first (spec U-2, U-3): no
/// stranger gets in between, and small files wait less.
pub(super) fn put_pinned_first(rungs: &mut [Rung], source: &Features, destination: &Features) {
    let is_alone = source.has("SOCK") && !destination.has("SOCK");
    if is_alone && rungs.iter().all(|rung| rung.part.is_none()) {
        rungs.sort_by_key(|rung| (rung.arrangement, rung.listener != Side::Source));
    }
}

/// Puts what worked before first, if it may be tried at all.
pub(super) fn put_first(rungs: &mut Vec<Rung>, known: Option<Known>) {
    let Some(Known::Direct {
        arrangement,
        listener,
    }) = known
    else {
        return;
    };
    let is_it = |rung: &Rung| rung.arrangement == arrangement && rung.listener == listener;
    if let Some(at) = rungs.iter().position(is_it) {
        let rung = rungs.remove(at);
        rungs.insert(0, rung);
    }
}

fn missing(
    arrangement: Arrangement,
    listener: Side,
    listening: &Features,
    calling: &Features,
) -> Option<String> {
    match arrangement {
        Arrangement::Lstn if !listening.has("LSTN") => {
            Some(format!("the {listener} does not list LSTN in FEAT"))
        }
        Arrangement::Lstn if !calling.has("SOCK") => Some(format!(
            "the {} does not list SOCK in FEAT",
            listener.opposite()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(names: &[&str]) -> Features {
        let mut features = Features::new();
        for name in names {
            features.add(name, "");
        }
        features
    }

    fn check(policy: &Policy, source: &[&str], destination: &[&str], expected: &str) {
        let (source, destination) = (features(source), features(destination));
        let (mut rungs, _) = rungs(policy, &source, &destination);
        put_pinned_first(&mut rungs, &source, &destination);
        let found: Vec<String> = rungs
            .iter()
            .map(|rung| format!("{:?}@{}", rung.arrangement, rung.listener))
            .collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn the_safest_comes_first_and_the_destination_listens_first() {
        let both = ["LSTN", "SOCK"];
        let auto = Policy::default();
        let passive = "Epsv@destination Epsv@source Pasv@destination Pasv@source";
        check(
            &auto,
            &both,
            &both,
            &format!("Lstn@destination Lstn@source {passive}"),
        );
        let at_source = "Epsv@source Epsv@destination Pasv@source Pasv@destination";
        check(&auto, &[], &[], passive);
        check(&auto, &both, &[], at_source);
        check(&auto, &[], &both, passive);
        check(
            &auto,
            &["SOCK"],
            &["LSTN"],
            &format!("Lstn@destination {at_source}"),
        );
        check(
            &auto,
            &["LSTN"],
            &["SOCK"],
            &format!("Lstn@source {passive}"),
        );
    }

    #[test]
    fn what_is_asked_for_by_name_is_tried_alone() {
        let via = |arrangement| Policy {
            via: Via::Only(arrangement),
            ..Policy::default()
        };
        check(
            &via(Arrangement::Lstn),
            &[],
            &[],
            "Lstn@destination Lstn@source",
        );
        let listen = Policy {
            listen: Listen::Only(Side::Source),
            ..via(Arrangement::Pasv)
        };
        check(&listen, &[], &[], "Pasv@source");
    }
}
