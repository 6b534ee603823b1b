//! The steps of a lease: taken, run, handed over, ended.

use super::{
    mutant::Mutant,
    protocol::Protocol,
    state::{Child, Phase, State},
    witness::Event,
    world::{Letter, Row},
};

impl Protocol {
    /// A letter lands. The answer to an acquire that somebody waits for starts back.
    pub(crate) fn land(&self, state: &mut State, letter: Letter) {
        let before = state.row;
        let (row, number) = (self.row_number(before), self.world.number(letter));
        let Some(after) = self.tables.landed(row, number) else {
            return self.refuse(state, letter);
        };
        state.row = after;
        let truth = &mut state.truth;
        truth.broken |= self.verdicts.landed(row, number, truth.holder, truth.processed);
        match letter {
            Letter::Acquire { by, .. } => self.note_acquired(state, by),
            Letter::Advance { .. } | Letter::Release { .. } => {
                if after.checkpoint == self.world.end() {
                    self.witness.saw(Event::ShardEnded);
                }
            }
        }
    }

    fn note_acquired(&self, state: &mut State, by: u8) {
        let after = state.row;
        state.truth.holder = Some(by);
        if after.checkpoint == self.world.end() {
            self.witness.saw(Event::EndedRowAcquired);
        }
        let waits = self.worker_of(state, by).filter(|w| {
            let phase = state.workers[usize::from(*w)].phase;
            matches!(phase, Phase::Acquiring { epoch, .. } if epoch == after.epoch)
        });
        let Some(worker) = waits else {
            return self.witness.saw(Event::AcquireLandsWhenNobodyWaits);
        };
        let phase = &mut state.workers[usize::from(worker)].phase;
        if let Phase::Acquiring { epoch, cancelled, read } = *phase {
            *phase = Phase::Granted { epoch, cancelled, read, checkpoint: after.checkpoint };
        }
    }

    /// A letter lands and is refused.
    pub(crate) fn refuse(&self, state: &mut State, letter: Letter) {
        match letter {
            Letter::Acquire { seen_epoch, by, .. } => {
                let asked = self.new_epoch(seen_epoch);
                if let Some(worker) = self.worker_of(state, by) {
                    let phase = &mut state.workers[usize::from(worker)].phase;
                    if matches!(*phase, Phase::Acquiring { epoch, .. } if epoch == asked) {
                        *phase = Phase::Idle;
                    }
                }
            }
            // The row is ahead of the release's checkpoint: it keeps what it has.
            Letter::Release { by, epoch, .. } if state.is_owned(by, epoch) => {
                self.send(state, Letter::Release { by, epoch, checkpoint: 0 });
            }
            _ => {}
        }
    }

    fn new_epoch(&self, seen: u8) -> u8 {
        if self.mutant == Mutant::EpochNotRaised && seen > 0 { seen } else { seen + 1 }
    }

    pub(crate) fn acquire(&self, state: &mut State, w: u8, by_force: bool) -> Option<()> {
        let row = state.row;
        let me = self.session(state, w);
        if !state.workers[usize::from(w)].valid || row.epoch >= self.world.bounds.epochs {
            return None;
        }
        let number = self.row_number(row);
        let ended = row.owner.is_some_and(|owner| state.has_ended(owner));
        if by_force {
            self.may_force(state, w)?;
        } else if !self.tables.is_free(number, me, ended) {
            return None;
        }
        if row.owner == Some(me) {
            self.witness.saw(Event::OwnRowAcquiredAnew);
        } else if ended {
            let former = row.owner.is_some_and(|owner| owner / self.world.bounds.lives == w);
            let taken =
                if former { Event::TakenFromAFormerLife } else { Event::TakenFromAnEndedSession };
            self.witness.saw(taken);
        }
        let letter = Letter::Acquire { seen_owner: row.owner, seen_epoch: row.epoch, by: me };
        self.send(state, letter);
        let read = if self.mutant == Mutant::StartsFromAnEarlierRead { row.checkpoint } else { 0 };
        let epoch = self.new_epoch(row.epoch);
        state.workers[usize::from(w)].phase = Phase::Acquiring { epoch, cancelled: false, read };
        Some(())
    }

    /// Whether the planner may order the lease to be taken from the other worker: it said that it
    /// has stopped, or it beats and never says so.
    fn may_force(&self, state: &mut State, w: u8) -> Option<()> {
        let owner = state.row.owner.filter(|owner| !state.has_ended(*owner))?;
        if owner / self.world.bounds.lives == w {
            return None;
        }
        let Some(loser) = self.worker_of(state, owner) else {
            self.witness.saw(Event::TakenByForceFromADeafOwner);
            return Some(());
        };
        let told = state.workers[usize::from(loser)].told;
        if self.tables.is_ordered(self.row_number(state.row), told) {
            self.witness.saw(Event::TakenByForce);
        } else {
            self.witness.saw(Event::TakenByForceFromADeafOwner);
            state.truth.deaf_owner_robbed = true;
        }
        Some(())
    }

    /// The answer to an acquire arrives: what starts, if anything?
    pub(crate) fn receive(&self, state: &mut State, w: u8) -> Option<()> {
        let by = self.session(state, w);
        let worker = &mut state.workers[usize::from(w)];
        let Phase::Granted { epoch, cancelled, read, checkpoint } = worker.phase else {
            return None;
        };
        if cancelled && self.mutant != Mutant::RevokedAcquireRuns {
            worker.phase = Phase::Idle;
            self.witness.saw(Event::CancelledGrantGivenBack);
            self.send(state, Letter::Release { by, epoch, checkpoint: 0 });
            return Some(());
        }
        if !worker.valid {
            worker.phase = Phase::Idle;
            self.witness.saw(Event::GrantTooLate);
            return Some(());
        }
        if checkpoint == self.world.end() && self.mutant != Mutant::EndedRowIsRun {
            worker.phase = Phase::Ending { epoch };
            return Some(());
        }
        let early = self.mutant == Mutant::StartsFromAnEarlierRead;
        let at = if early { read } else { checkpoint };
        state.truth.delivered_again |= at < checkpoint;
        worker.phase = Phase::Running { epoch, at };
        Some(())
    }

    pub(crate) fn process(&self, state: &mut State, w: u8) -> Option<()> {
        let worker = &mut state.workers[usize::from(w)];
        let dispatches = worker.dispatches();
        let Phase::Running { at, .. } = &mut worker.phase else { return None };
        if !dispatches || *at >= self.world.bounds.records {
            return None;
        }
        *at += 1;
        let record = *at;
        let truth = &mut state.truth;
        truth.broken |= self.verdicts.processed(record, truth.processed);
        if record <= truth.processed {
            self.witness.saw(Event::RecordProcessedTwice);
        }
        truth.processed = truth.processed.max(record);
        Some(())
    }

    pub(crate) fn checkpoint(&self, state: &mut State, w: u8) -> Option<()> {
        let by = self.session(state, w);
        let (Phase::Running { epoch, at } | Phase::Draining { epoch, at }) =
            state.workers[usize::from(w)].phase
        else {
            return None;
        };
        if at == 0 || at > self.world.bounds.records {
            return None;
        }
        self.send(state, Letter::Advance { by, epoch, checkpoint: at });
        Some(())
    }

    pub(crate) fn reach_end(&self, state: &mut State, w: u8) -> Option<()> {
        let worker = &mut state.workers[usize::from(w)];
        let Phase::Running { epoch, at } = worker.phase else { return None };
        if !worker.valid || at < self.world.bounds.records {
            return None;
        }
        worker.phase = Phase::Ending { epoch };
        Some(())
    }

    pub(crate) fn put_child(&self, state: &mut State) -> Option<()> {
        let absent = state.child == Child::Absent;
        absent.then(|| state.child = Child::Put)
    }

    pub(crate) fn send_end(&self, state: &mut State, w: u8) -> Option<()> {
        let by = self.session(state, w);
        let Phase::Ending { epoch } = state.workers[usize::from(w)].phase else { return None };
        if state.child == Child::Absent && self.mutant != Mutant::EndBeforeChildren {
            return None;
        }
        self.send(state, Letter::Advance { by, epoch, checkpoint: self.world.end() });
        Some(())
    }

    pub(crate) fn learn_loss(&self, state: &mut State, w: u8) -> Option<()> {
        let me = self.session(state, w);
        let epoch = state.workers[usize::from(w)].tenure()?;
        if state.is_owned(me, epoch) {
            return None;
        }
        state.workers[usize::from(w)].phase = Phase::Idle;
        Some(())
    }

    pub(crate) fn revoke(&self, state: &mut State, w: u8) {
        let me = self.session(state, w);
        let row = state.row;
        let worker = &mut state.workers[usize::from(w)];
        if row.owner == Some(me) {
            worker.told = row.epoch;
        }
        match &mut worker.phase {
            Phase::Running { epoch, at } => {
                worker.phase = Phase::Draining { epoch: *epoch, at: *at };
            }
            Phase::Acquiring { cancelled, .. } | Phase::Granted { cancelled, .. } => {
                *cancelled = true;
            }
            Phase::Idle | Phase::Draining { .. } | Phase::Ending { .. } => {}
        }
    }

    pub(crate) fn release(&self, state: &mut State, w: u8) -> Option<()> {
        let by = self.session(state, w);
        let worker = &mut state.workers[usize::from(w)];
        let Phase::Draining { epoch, at } = worker.phase else { return None };
        // Once sent, the lease is lost at this epoch, whatever the outcome.
        if !self.takes_back() {
            worker.phase = Phase::Idle;
        }
        self.send(state, Letter::Release { by, epoch, checkpoint: at });
        Some(())
    }

    const fn takes_back(&self) -> bool {
        matches!(self.mutant, Mutant::ReleaseTakenBack | Mutant::NotAppliedBelieved)
    }

    pub(crate) fn take_back(&self, state: &mut State, w: u8) -> Option<()> {
        let by = self.session(state, w);
        let Phase::Draining { epoch, at } = state.workers[usize::from(w)].phase else {
            return None;
        };
        let letter = Letter::Release { by, epoch, checkpoint: at };
        let sent = state.letters.has(self.world.number(letter));
        let believes = match self.mutant {
            Mutant::ReleaseTakenBack => true,
            Mutant::NotAppliedBelieved => state.is_owned(by, epoch),
            _ => false,
        };
        if !sent || !believes {
            return None;
        }
        state.workers[usize::from(w)].phase = Phase::Running { epoch, at };
        state.workers[usize::from(w)].told = 0;
        Some(())
    }

    pub(crate) fn release_unrun(&self, state: &mut State, w: u8) -> Option<()> {
        let by = self.session(state, w);
        let Row { owner, epoch, .. } = state.row;
        (owner == Some(by)).then(|| self.send(state, Letter::Release { by, epoch, checkpoint: 0 }))
    }
}
