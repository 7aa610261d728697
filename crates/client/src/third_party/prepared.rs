//! What holds for many files over one arrangement, before the first of them.

use thirdhost_proto::third_party::{Arrangement, Parameters, Plan};

use super::ladder::{put_first, rungs};
use super::pair::report;
use super::{Known, Report, Verify};
use crate::Pair;

/// How many files would go over one arrangement.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    /// What holds for every file.
    pub(crate) report: Report,
    pub(crate) verify: Verify,
}

impl Pair {
    /// How many files would go over one arrangement; none where that is not wanted, or where
    /// LSTN and SOCK are not the first way to try. What stood is void.
    pub(crate) fn for_pipeline(&mut self) -> Option<Prepared> {
        let is_usual = self.policy.parameters == Parameters::default();
        if self.relaying || !is_usual || self.policy.known == Some(Known::Relay) {
            return None;
        }
        let (source, destination) = (&self.conns.source, &self.conns.destination);
        let (rungs, _) = rungs(&self.policy, source.features(), destination.features());
        let mut rungs = self.protected(rungs, &mut Vec::new());
        put_first(&mut rungs, self.policy.known);
        let first = *rungs.first()?;
        if first.arrangement != Arrangement::Lstn {
            return None;
        }
        self.standing = None;
        self.warn(first);
        self.note_part(first);
        self.note_parameters(true);
        Some(Prepared {
            plan: self.plan(first),
            report: report(Some(first), true, None, Vec::new()),
            verify: self.policy.verify,
        })
    }
}
