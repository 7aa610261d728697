//! The ladder: which arrangements to try between two servers, in which order. Spec U-2, U-3.

use thirdhost_proto::third_party::{Arrangement, BySide, Side};
use thirdhost_wire::Features;

use super::secrecy::{self, End, Part};
use super::{Known, Listen, Pair, Policy, Refusal, Via};

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

impl Pair {
    /// What is to be tried, in order, and what need not be.
    pub(super) fn rungs(&self, standing: Option<Rung>) -> (Vec<Rung>, Vec<Refusal>) {
        let (source, destination) = (&self.conns.source, &self.conns.destination);
        let (rungs, mut refusals) = rungs(&self.policy, source.features(), destination.features());
        let mut rungs = self.protected(rungs, &mut refusals);
        put_pinned_first(&mut rungs, source.features(), destination.features());
        if let Some(side) = self.not_to_call() {
            put_listener_first(&mut rungs, side);
        }
        put_first(&mut rungs, self.policy.known);
        if let Some(standing) = standing {
            rungs.retain(|other| *other != standing);
            rungs.insert(0, standing);
        } else {
            for refusal in &refusals {
                self.note(&refusal.to_string());
            }
        }
        (rungs, refusals)
    }

    /// Each as often as the two can be told their parts in TLS.
    pub(super) fn protected(&self, rungs: Vec<Rung>, refusals: &mut Vec<Refusal>) -> Vec<Rung> {
        let ends = BySide {
            source: End::of(&self.conns.source),
            destination: End::of(&self.conns.destination),
        };
        let mut left = Vec::new();
        for rung in rungs {
            match secrecy::protected(rung, ends, self.policy.unverified_peers) {
                Ok(rungs) => left.extend(rungs),
                Err(reason) => refusals.push(Refusal {
                    arrangement: rung.arrangement,
                    listener: rung.listener,
                    reason,
                    code: None,
                }),
            }
        }
        left
    }

    /// The one that had better listen, though it may be unable to tell who calls.
    fn not_to_call(&self) -> Option<Side> {
        let forgets = |side: &Side| self.conns.of(*side).product().forgets_calls();
        let mut sides = Side::BOTH.into_iter().filter(forgets);
        let only = sides.next().filter(|_| self.is_one_of_several);
        only.filter(|_| sides.next().is_none())
    }
}

/// In clear text a server that alone can be told who may call listens first (spec U-2, U-3): no
/// stranger gets in between, and small files wait less.
fn put_pinned_first(rungs: &mut [Rung], source: &Features, destination: &Features) {
    let is_alone = source.has("SOCK") && !destination.has("SOCK");
    if is_alone && rungs.iter().all(|rung| rung.part.is_none()) {
        rungs.sort_by_key(|rung| (rung.arrangement, rung.listener != Side::Source));
    }
}

/// In clear text a server that is not to call listens first.
fn put_listener_first(rungs: &mut [Rung], listener: Side) {
    if rungs.iter().all(|rung| rung.part.is_none()) {
        rungs.sort_by_key(|rung| (rung.arrangement, rung.listener != listener));
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
    fn who_is_not_to_call_listens_whichever_way_they_meet() {
        let (source, destination) = (features(&["SOCK"]), features(&[]));
        let (mut rungs, _) = rungs(&Policy::default(), &source, &destination);
        put_pinned_first(&mut rungs, &source, &destination);
        put_listener_first(&mut rungs, Side::Destination);
        let listeners = rungs.iter().map(|rung| rung.listener.to_string());
        let expected = ["destination", "source", "destination", "source"];
        assert_eq!(listeners.collect::<Vec<_>>(), expected);
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
