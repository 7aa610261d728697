//! What holds for many files over one arrangement, before the first of them.

use thirdhost_proto::third_party::{Arrangement, Parameters, Plan};

use super::ladder::{Rung, put_first, rungs};
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
    /// LSTN and SOCK are not the first way to try.
    pub(crate) fn for_pipeline(&self) -> Option<Prepared> {
        let rung = self.first_rung()?;
        Some(Prepared {
            plan: self.plan(rung),
            report: report(Some(rung), true, None, Vec::new()),
            verify: self.policy.verify,
        })
    }

    /// The same, and it begins: what stood is void.
    pub(crate) fn begin_pipeline(&mut self) {
        if let Some(rung) = self.first_rung() {
            self.standing = None;
            self.warn(rung);
            self.note_part(rung);
            self.note_parameters(true);
        }
    }

    fn first_rung(&self) -> Option<Rung> {
        let is_usual = self.policy.parameters == Parameters::default();
        if self.relaying || !is_usual || self.policy.known == Some(Known::Relay) {
            return None;
        }
        let (source, destination) = (&self.conns.source, &self.conns.destination);
        let (rungs, _) = rungs(&self.policy, source.features(), destination.features());
        let mut rungs = self.protected(rungs, &mut Vec::new());
        put_first(&mut rungs, self.policy.known);
        let first = rungs.into_iter().next();
        first.filter(|rung| rung.arrangement == Arrangement::Lstn)
    }
}
