//! The invariants: what must hold at every step of a run, one small file each.
//!
//! Each function below is the list for one kind of run:
//!
//! | run | lists |
//! |---|---|
//! | a simulated fleet (`World`) | [`all`]: of rows and of fleets |
//! | real processes (`Judge`) | [`observed`]: all, of writes and of records |
//! | the history of a row (`judge_row`) | [`of_rows`] and [`of_writes`] |
//! | whole workers on virtual time (`live`) | `of_whole_workers` |

#[cfg(feature = "simulation")]
mod budget;
mod checkpoints;
mod coverage;
mod deletions;
mod delivered;
#[cfg(feature = "simulation")]
mod departures;
#[cfg(feature = "simulation")]
mod effects;
mod ends;
mod epochs;
mod fences;
mod frozen;
mod holders;
mod keys;
mod liveness;
#[cfg(feature = "simulation")]
mod losses;
mod marks;
mod moves;
mod order;
mod overlap;
mod parents;
mod placement;
#[cfg(feature = "simulation")]
mod readers;
#[cfg(feature = "simulation")]
mod repeats;
mod rivals;
mod seats;
mod sessions;
mod skips;
mod stale;
mod starts;
mod streams;
mod takes;
mod terms;
#[cfg(feature = "simulation")]
mod told;

#[cfg(feature = "simulation")]
pub(super) use self::{
    delivered::PROCESSED,
    effects::{FRESH, IN_ORDER, ONCE, WRITTEN},
    order::NAME as RECORDS_IN_ORDER,
    parents::NAME as PARENTS_FIRST,
};
use super::invariant::Invariant;

/// The invariants that the changes of a single row show, from its creation to its deletion,
/// whichever session writes it and for whichever reason.
pub(super) fn of_rows() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(epochs::EpochsIncrease::default()),
        Box::new(checkpoints::OneSessionPerEpoch::default()),
        Box::new(checkpoints::NoRegress::default()),
        Box::new(sessions::EndedIsFinal::default()),
        Box::new(deletions::OnlyWhatIsPast),
        Box::new(terms::TermsGoForward::default()),
    ]
}

/// The invariants that need more than one row: time, other rows, the stream, the records, or the
/// reason for a write.
fn of_fleets() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(checkpoints::Kept),
        Box::new(fences::OnlySilence::default()),
        Box::new(fences::NotInError::default()),
        Box::new(rivals::NobodyGivesWayToNobody),
        Box::new(takes::NobodyIsRobbed::default()),
        Box::new(streams::OwnLeasesOnly),
        Box::new(streams::OneAtATime),
        Box::new(streams::OneInTheEnd),
        Box::new(streams::NobodyLeavesForNothing),
        Box::new(ends::ChildrenFirst),
        Box::new(starts::FrozenOnce::default()),
        Box::new(skips::NothingSkipped::default()),
        Box::new(order::InOrder::default()),
        Box::new(overlap::OneDispatcher::default()),
        Box::new(parents::ParentsFirst),
        Box::new(coverage::NoHole),
        Box::new(placement::RulesRespected),
        Box::new(placement::RulesAreTheOperators),
        Box::new(moves::MovesArePlanned::default()),
        Box::new(frozen::FrozenFleetsKeep),
        Box::new(marks::DrainedKeepNothing),
        Box::new(marks::PausedIsReadByNobody),
        Box::new(seats::EndedIsFree),
        Box::new(liveness::EverythingRun),
        Box::new(liveness::EverythingRead),
        Box::new(liveness::Balanced),
        Box::new(liveness::SharedByLoad),
        Box::new(liveness::AtRest),
    ]
}

/// The invariants of the store itself: which writes to lease rows it accepts. `World` does not need
/// them, since its store executes the rules of production.
pub(super) fn of_writes() -> Vec<Box<dyn Invariant>> {
    vec![Box::new(stale::NoStaleWrite), Box::new(stale::OnlyTheHolderWrites::default())]
}

/// The invariants of observed deliveries, for histories from outside. `World` does not use them.
fn of_records() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(holders::OneProcessPerEpoch::default()),
        Box::new(keys::KeysInOrder::default()),
        Box::new(delivered::OnlyWhatWasPut),
        Box::new(delivered::Everything),
        Box::new(delivered::SomethingProved),
    ]
}

/// All invariants for a run that a test observes from outside.
pub(super) fn observed() -> Vec<Box<dyn Invariant>> {
    all().into_iter().chain(of_writes()).chain(of_records()).collect()
}

/// The invariants for whole workers: what they read, what processors acknowledge, and what reaches
/// the sink. With `once` no record may have a second effect, with `fresh` no former owner may have
/// an effect after its successor; both need a sink that can prevent it.
///
/// The order of the list matters where one fact breaks several invariants: the first is reported.
#[cfg(feature = "simulation")]
pub(super) fn of_whole_workers(once: bool, fresh: bool) -> Vec<Box<dyn Invariant>> {
    let mut all: Vec<Box<dyn Invariant>> = vec![
        Box::new(budget::BudgetKept),
        Box::new(readers::ReadersAreClosed),
        Box::new(told::EndsAreTrue),
        Box::new(told::EndsAreAcknowledged::default()),
        Box::new(holders::OneHolderPerEpoch::default()),
        Box::new(skips::NothingSkipped::default()),
        Box::new(order::InOrder::default()),
        Box::new(parents::ParentsFirst),
        Box::new(overlap::OneDispatcher::default()),
        Box::new(repeats::NoRepeatForNothing),
        Box::new(losses::LossesAreTrue),
        Box::new(effects::EffectsOfAll),
        Box::new(delivered::EverythingProcessed),
        Box::new(checkpoints::Kept),
        Box::new(departures::WhoIsAskedLeaves),
        Box::new(departures::NobodyStopsByItself),
    ];
    if fresh {
        all.push(Box::new(effects::NoStaleEffect));
    }
    all.push(Box::new(effects::EffectsInOrder));
    if once {
        all.push(Box::new(effects::EffectsOnce));
    }
    all
}

/// All invariants for a simulated fleet.
pub(super) fn all() -> Vec<Box<dyn Invariant>> {
    of_rows().into_iter().chain(of_fleets()).collect()
}

#[cfg(all(test, feature = "simulation"))]
mod tests;
