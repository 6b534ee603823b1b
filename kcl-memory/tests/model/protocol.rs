//! The protocol as steps from one state to the next: the search takes every one of them, in every
//! order.
//!
//! Time is abstract. What the clocks promise (rules 2, 3 and 8) is taken for granted in one place:
//! when a watcher's window over a beat ends, no validity that rests on that beat or an earlier one
//! is left ([`Step::WindowEnds`]). Everything else may take any time: a worker that takes no step
//! is a worker that is paused.

use super::{
    mirror::Mirror,
    mutant::Mutant,
    state::{Child, Fence, Phase, Session, State},
    tables::Tables,
    verdicts::Verdicts,
    witness::{Event, Witness},
    world::{Bounds, Letter, Row, SessionNo, World},
};

/// Everything that can happen. A worker is meant by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A letter lands: late, again, or for the first time.
    Land(Letter),
    /// The worker reads the row and asks for the lease (rule 4).
    Acquire(u8),
    /// The same, by the planner's order (rule 8).
    Force(u8),
    /// No answer came to an acquire, or it was lost (rule 10).
    GiveUp(u8),
    /// The answer to an acquire arrives.
    Receive(u8),
    /// A record is dispatched and processed.
    Process(u8),
    /// A checkpoint is sent.
    Checkpoint(u8),
    /// The processor has acknowledged the end of the shard.
    ReachEnd(u8),
    /// The child's row is put (rule 9).
    PutChild(u8),
    /// The end of the shard is sent.
    SendEnd(u8),
    /// Any answer or read shows that the row is held under this epoch no more.
    LearnLoss(u8),
    /// The child of the shard is taken.
    TakeChild(u8),
    /// The plan gives the lease away, and the worker's next beat says that it has seen that.
    Revoke(u8),
    /// The run has stopped, and the release is sent (rule 7).
    Release(u8),
    /// By the planner's order the worker releases a row that it does not run (rule 12).
    ReleaseUnrun(u8),
    /// The plan wants a released lease back, and the worker goes on. No step of the protocol: that
    /// of two mutants.
    TakeBack(u8),
    /// A beat is sent.
    Beat(u8),
    /// The beat of a session lands, maybe long after its process died; the answer starts back.
    LandBeat(SessionNo),
    /// The answer to a beat arrives; or it never does.
    Answer(u8),
    /// The beat of a session stayed the same for T: a fence is sent (rule 3).
    WindowEnds(SessionNo),
    /// A fence lands.
    Fence(SessionNo),
    /// The process dies, or finds its session ended and drops everything (rule 16).
    Crash(u8),
    /// It starts anew under its old id, and ends the session of its former life (rule 1).
    Restart(u8),
}

/// The protocol in the small world.
#[derive(Debug)]
pub(crate) struct Protocol {
    pub(crate) world: World,
    pub(crate) mutant: Mutant,
    pub(crate) tables: Tables,
    pub(crate) verdicts: Verdicts,
    pub(crate) witness: Witness,
    /// Of a state and its mirror image one is searched. Without it, paths are easier to read.
    pub(crate) mirror: Option<Mirror>,
}

impl Protocol {
    pub(crate) fn new(bounds: Bounds, mutant: Mutant) -> Self {
        let world = World::new(bounds);
        let tables = Tables::new(&world, mutant);
        let verdicts = Verdicts::new(&world, &tables);
        Self { world, mutant, tables, verdicts, witness: Witness::default(), mirror: None }
    }

    /// The same, searching one of each state and its mirror image.
    pub(crate) fn mirrored(mut self) -> Self {
        self.mirror = Some(Mirror::new(&self.world));
        self
    }

    pub(crate) fn first(&self) -> State {
        State::first(self.world.bounds.lives)
    }

    /// Every step that may be taken; none once something is broken. One that changes nothing is
    /// left out by [`Self::take`].
    pub(crate) fn steps(&self, state: &State, steps: &mut Vec<Step>) {
        if state.truth.is_broken() {
            return;
        }
        steps.extend(state.letters.numbers().map(|n| Step::Land(self.world.letters[n])));
        for number in 0..2 {
            let worker = &state.workers[usize::from(number)];
            if !worker.up {
                steps.extend([Step::Restart(number)]);
                continue;
            }
            let own: &[fn(u8) -> Step] = match worker.phase {
                Phase::Idle => &[Step::Acquire, Step::Force, Step::ReleaseUnrun],
                Phase::Acquiring { .. } => &[Step::GiveUp],
                Phase::Granted { .. } => &[Step::GiveUp, Step::Receive],
                Phase::Running { .. } => {
                    &[Step::Process, Step::Checkpoint, Step::ReachEnd, Step::LearnLoss]
                }
                Phase::Draining { .. } => {
                    &[Step::Checkpoint, Step::Release, Step::TakeBack, Step::LearnLoss]
                }
                Phase::Ending { .. } => &[Step::PutChild, Step::SendEnd, Step::LearnLoss],
            };
            steps.extend(own.iter().map(|step| step(number)));
            steps.extend([Step::Revoke(number), Step::Beat(number), Step::Crash(number)]);
            if worker.answer {
                steps.push(Step::Answer(number));
            }
            if state.child == Child::Put {
                steps.push(Step::TakeChild(number));
            }
        }
        for (session, row) in (0..).zip(&state.sessions) {
            if let Session::Live { beat, fence } = row {
                steps.push(Step::WindowEnds(session));
                steps.extend(beat.then_some(Step::LandBeat(session)));
                steps.extend(fence.map(|_| Step::Fence(session)));
            }
        }
    }

    /// The state after a step; `None` if it cannot be taken or changes nothing.
    pub(crate) fn take(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::Land(letter) => self.land(&mut next, letter),
            Step::Acquire(w) | Step::Force(w) => {
                self.acquire(&mut next, w, matches!(step, Step::Force(_)))?;
            }
            Step::GiveUp(w) => next.workers[usize::from(w)].phase = Phase::Idle,
            Step::Receive(w) => self.receive(&mut next, w)?,
            Step::Process(w) => self.process(&mut next, w)?,
            Step::Checkpoint(w) => self.checkpoint(&mut next, w)?,
            Step::ReachEnd(w) => self.reach_end(&mut next, w)?,
            Step::PutChild(_) => self.put_child(&mut next)?,
            Step::SendEnd(w) => self.send_end(&mut next, w)?,
            Step::LearnLoss(w) => self.learn_loss(&mut next, w)?,
            Step::TakeChild(w) => self.take_child(&mut next, w)?,
            Step::Revoke(w) => self.revoke(&mut next, w),
            Step::Release(w) => self.release(&mut next, w)?,
            Step::ReleaseUnrun(w) => self.release_unrun(&mut next, w)?,
            Step::TakeBack(w) => self.take_back(&mut next, w)?,
            Step::Beat(w) => self.beat(&mut next, w)?,
            Step::LandBeat(session) => self.land_beat(&mut next, session)?,
            Step::Answer(w) => self.answer(&mut next, w)?,
            Step::WindowEnds(session) => self.window_ends(&mut next, session)?,
            Step::Fence(session) => self.fence(&mut next, session)?,
            Step::Crash(w) => next.workers[usize::from(w)].crash(),
            Step::Restart(w) => self.restart(&mut next, w)?,
        }
        self.tidy(&mut next);
        if next == *state {
            return None;
        }
        Some(match &self.mirror {
            Some(mirror) => mirror.choose(next),
            None => next,
        })
    }

    /// The session that a worker has now.
    pub(crate) fn session(&self, state: &State, worker: u8) -> SessionNo {
        worker * self.world.bounds.lives + state.workers[usize::from(worker)].life
    }

    /// The worker whose present session this is.
    pub(crate) fn worker_of(&self, state: &State, session: SessionNo) -> Option<u8> {
        let worker = session / self.world.bounds.lives;
        let up = state.workers[usize::from(worker)].up;
        (up && self.session(state, worker) == session).then_some(worker)
    }

    pub(crate) fn send(&self, state: &mut State, letter: Letter) {
        state.letters.add(self.world.number(letter));
    }

    pub(crate) fn row_number(&self, row: Row) -> usize {
        self.world.row_number(row)
    }

    /// Letters that no row accepts any more, wherever they land, land now and are refused; and what
    /// else means nothing any more is forgotten.
    fn tidy(&self, state: &mut State) {
        let alive = self.tables.alive(self.row_number(state.row));
        for number in state.letters.without(alive).numbers() {
            let letter = self.world.letters[number];
            self.witness_dead(state, letter);
            self.refuse(state, letter);
        }
        state.letters = state.letters.only(alive);
        for worker in &mut state.workers {
            if worker.told < state.row.epoch && self.mutant != Mutant::OrdersWithoutEpoch {
                worker.told = 0;
            }
            if worker.valid && self.mutant != Mutant::ValidSinceTheAnswer {
                worker.answer = false;
            }
        }
        for session in &mut state.sessions {
            if let Session::Live { fence, .. } = session
                && *fence == Some(Fence::OnAnEarlierBeat)
                && !self.tables.fences.on_an_earlier_beat
            {
                self.witness.saw(Event::FenceOutrunByABeat);
                *fence = None;
            }
        }
    }

    fn witness_dead(&self, state: &State, letter: Letter) {
        let ended = state.has_ended(letter.by());
        match letter {
            Letter::Release { epoch, .. } if epoch < state.row.epoch => {
                self.witness.saw(Event::ReleaseLandsAfterAnAcquire);
            }
            Letter::Advance { epoch, .. } if epoch < state.row.epoch && ended => {
                self.witness.saw(Event::FencedSessionsCheckpointRefused);
            }
            Letter::Advance { by, epoch, .. } if state.is_owned(by, epoch) => {
                self.witness.saw(Event::OldCheckpointRefused);
            }
            Letter::Acquire { .. } => self.witness.saw(Event::AcquireRefused),
            _ => {}
        }
    }

    fn take_child(&self, state: &mut State, w: u8) -> Option<()> {
        let ending = matches!(state.workers[usize::from(w)].phase, Phase::Ending { .. });
        let early = self.mutant == Mutant::ChildrenBeforeEnd && ending;
        let ended = state.row.checkpoint == self.world.end();
        if state.child != Child::Put || !(ended || early) {
            return None;
        }
        state.child = Child::Taken;
        self.witness.saw(Event::ChildTaken);
        Some(())
    }
}
