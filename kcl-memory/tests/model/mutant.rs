//! The protocol as it is, and with one clause taken out.
//!
//! What a mutant changes on the store's side alters the command or the answer around the true rule;
//! what it changes on the worker's side is looked up where the worker decides.

use kcl_core::lease::{EndSession, Ending, Epoch, Lease, Session, Write, rules};

use super::world::{Letter, Row, World};

/// Which clause is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// None: the protocol as it is.
    None,
    /// A checkpoint may go back (rule 5).
    CheckpointsMayRegress,
    /// A write is accepted from the owner under any epoch (rule 5).
    EpochNotCompared,
    /// A write is accepted from any life of the owning worker, under any epoch (rule 1).
    IncarnationNotCompared,
    /// An acquire keeps the epoch of the row (rule 4).
    EpochNotRaised,
    /// A release that was sent is taken back when the plan changes its mind (rule 7).
    ReleaseTakenBack,
    /// A release that a read shows as not applied is taken to have failed (rule 10).
    NotAppliedBelieved,
    /// An order to take by force names the owner alone (rule 8).
    OrdersWithoutEpoch,
    /// An acquire under way when the lease is given away still starts a run (rule 8).
    RevokedAcquireRuns,
    /// A run starts where an earlier read said (rule 4).
    StartsFromAnEarlierRead,
    /// A fence lands whether or not the session has beaten since (rule 3).
    FenceIgnoresTheBeat,
    /// Validity counts from the arrival of an answer (rule 2).
    ValidSinceTheAnswer,
    /// An acquired row that has ended is run (rule 4).
    EndedRowIsRun,
    /// The end is written before the children are put (rule 9).
    EndBeforeChildren,
    /// The children are taken before the end is written (rule 9).
    ChildrenBeforeEnd,
}

impl Mutant {
    /// What becomes of `row` when `letter` lands: the rule of `kcl-core`, in the mutant's way.
    pub(crate) fn land(self, world: &World, row: &Lease, letter: Letter) -> Write<Lease> {
        match letter {
            Letter::Acquire { seen_owner, seen_epoch, by } => {
                let seen = Row { owner: seen_owner, epoch: seen_epoch, checkpoint: 0 };
                let answer = rules::acquire(Some(row), &world.acquire(seen, by));
                if self != Self::EpochNotRaised || seen_epoch == 0 {
                    return answer;
                }
                answer.map(|mut row| {
                    row.epoch = Epoch(row.epoch.0.saturating_sub(1));
                    row
                })
            }
            Letter::Advance { by, epoch, checkpoint } => {
                let mut advance = world.advance(by, epoch, checkpoint);
                self.blur(row, &mut advance.owner, &mut advance.epoch);
                rules::advance(Some(&self.forgetting(row)), &advance)
            }
            Letter::Release { by, epoch, checkpoint } => {
                let mut release = world.release(by, epoch, checkpoint);
                self.blur(row, &mut release.owner, &mut release.epoch);
                if checkpoint == 0 {
                    return rules::release(Some(row), &release);
                }
                rules::release(Some(&self.forgetting(row)), &release)
            }
        }
    }

    /// Makes a write look as if its epoch, or its life, were the row's.
    fn blur(self, row: &Lease, owner: &mut kcl_core::lease::SessionId, epoch: &mut Epoch) {
        let same_worker = row.owner.as_ref().is_some_and(|now| now.worker == owner.worker);
        match self {
            Self::EpochNotCompared => *epoch = row.epoch,
            Self::IncarnationNotCompared if same_worker => {
                owner.clone_from(row.owner.as_ref().unwrap());
                *epoch = row.epoch;
            }
            _ => {}
        }
    }

    fn forgetting(self, row: &Lease) -> Lease {
        let mut row = row.clone();
        if self == Self::CheckpointsMayRegress && !row.has_ended() {
            row.checkpoint = kcl_core::lease::Checkpoint::TrimHorizon;
        }
        row
    }

    /// What becomes of a session when a fence on `beat` lands.
    pub(crate) fn fence(self, row: &Session, beat: u64) -> Write<Session> {
        let beat = if self == Self::FenceIgnoresTheBeat { row.beat } else { beat };
        rules::end_session(Some(row), &EndSession::new(row.id.clone(), Ending::Fence { beat }))
    }
}
