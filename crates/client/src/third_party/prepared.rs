//! What holds for many files that go in one way, before the first of them.

use thirdhost_proto::third_party::{Arrangement, BySide, Parameters, Plan, Protection, Side};

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
    /// One of so many that copy between the same two servers at once.
    pub(crate) fn among(self, pairs: usize) -> Self {
        Self {
            is_one_of_several: pairs > 1,
            ..self
        }
    }

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

    /// How small files go one behind the other, after one has gone; none where they do not.
    pub(crate) fn for_chain(&self) -> Option<Prepared> {
        let (rung, _) = self.standing.as_ref()?;
        let plan = self.plan(*rung);
        let is_usual = self.policy.parameters == Parameters::default();
        let is_clear = rung.part.is_none() && plan.protection == Protection::Clear;
        // It has to have STOR before the other can call it.
        let has_to_wait = plan.store_first && plan.listener == Side::Destination;
        let BySide {
            source,
            destination,
        } = &self.conns;
        let all = [source, destination];
        let is_known = all.iter().all(|conn| conn.product().takes_commands_ahead());
        let may_go = is_usual && is_clear && is_known && !has_to_wait && !self.relaying;
        let is_classic = rung.arrangement != Arrangement::Lstn;
        (may_go && is_classic).then(|| Prepared {
            report: report(Some(*rung), true, None, Vec::new()),
            verify: self.policy.verify,
            plan,
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
