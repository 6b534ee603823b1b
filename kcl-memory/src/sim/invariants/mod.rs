//! What must hold in every run: one small file each.

mod checkpoints;
mod deletions;
mod ends;
mod epochs;
mod fences;
mod liveness;
mod order;
mod overlap;
mod parents;
mod rivals;
mod seats;
mod sessions;
mod skips;
mod starts;
mod takes;
mod terms;

use std::{collections::BTreeMap, fmt::Debug};

use kcl_core::stream::ShardId;

use super::oracle::Fact;

/// Records of each shard that are processed: all up to this one.
pub(super) type Done = BTreeMap<ShardId, u64>;

/// Something that must hold in every run.
pub(super) trait Invariant: Debug {
    fn name(&self) -> &'static str;

    /// Whether it does not hold where two workers may dispatch one shard at once.
    fn excuses_overlap(&self) -> bool {
        false
    }

    /// Checks a fact as it becomes true.
    fn check(&mut self, fact: &Fact<'_>, done: &Done) -> Result<(), String>;
}

pub(super) fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(epochs::EpochsIncrease::default()),
        Box::new(checkpoints::OneSessionPerEpoch::default()),
        Box::new(checkpoints::NoRegress::default()),
        Box::new(checkpoints::Kept),
        Box::new(sessions::EndedIsFinal::default()),
        Box::new(fences::OnlySilence::default()),
        Box::new(fences::NotInError::default()),
        Box::new(rivals::NobodyGivesWayToNobody),
        Box::new(takes::NobodyIsRobbed::default()),
        Box::new(ends::ChildrenFirst),
        Box::new(deletions::OnlyWhatIsPast),
        Box::new(starts::FrozenOnce::default()),
        Box::new(skips::NothingSkipped),
        Box::new(order::InOrder::default()),
        Box::new(overlap::OneDispatcher),
        Box::new(parents::ParentsFirst),
        Box::new(terms::TermsGoForward::default()),
        Box::new(seats::EndedIsFree),
        Box::new(liveness::EverythingRead),
        Box::new(liveness::Balanced),
        Box::new(liveness::AtRest),
    ]
}
