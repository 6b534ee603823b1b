//! The steps of a session: beating, lapsing, being fenced, starting anew.

use super::{
    mutant::Mutant,
    protocol::Protocol,
    state::{Fence, Phase, Session, State},
    witness::Event,
    world::SessionNo,
};

impl Protocol {
    pub(crate) fn beat(&self, state: &mut State, w: u8) -> Option<()> {
        let session = self.session(state, w);
        let Session::Live { beat, .. } = &mut state.sessions[usize::from(session)] else {
            return None;
        };
        *beat = true;
        Some(())
    }

    /// A beat lands. One that lands after its session has ended is refused, as a duplicate is:
    /// neither changes anything.
    pub(crate) fn land_beat(&self, state: &mut State, session: SessionNo) -> Option<()> {
        let Session::Live { beat: beat @ true, fence } = &mut state.sessions[usize::from(session)]
        else {
            return None;
        };
        *beat = false;
        if fence.is_some() {
            *fence = Some(Fence::OnAnEarlierBeat);
        }
        if let Some(worker) = self.worker_of(state, session) {
            state.workers[usize::from(worker)].answer = true;
        }
        Some(())
    }

    pub(crate) fn answer(&self, state: &mut State, w: u8) -> Option<()> {
        let worker = &mut state.workers[usize::from(w)];
        if !worker.answer {
            return None;
        }
        worker.answer = false;
        worker.valid = true;
        Some(())
    }

    /// What the clocks promise: T after a watcher received a beat, whatever validity rests on it or
    /// on an earlier one is over, an answer that is still on its way included.
    pub(crate) fn window_ends(&self, state: &mut State, session: SessionNo) -> Option<()> {
        let Session::Live { fence, .. } = &mut state.sessions[usize::from(session)] else {
            return None;
        };
        *fence = Some(Fence::OnThisBeat);
        if let Some(worker) = self.worker_of(state, session) {
            let worker = &mut state.workers[usize::from(worker)];
            worker.valid = false;
            worker.answer &= self.mutant == Mutant::ValidSinceTheAnswer;
        }
        Some(())
    }

    pub(crate) fn fence(&self, state: &mut State, session: SessionNo) -> Option<()> {
        let row = &mut state.sessions[usize::from(session)];
        let Session::Live { fence: Some(fence), .. } = row else { return None };
        let lands = match fence {
            Fence::OnThisBeat => self.tables.fences.on_this_beat,
            Fence::OnAnEarlierBeat => self.tables.fences.on_an_earlier_beat,
        };
        if !lands {
            return None;
        }
        *row = Session::Ended;
        self.witness.saw(Event::FenceLands);
        Some(())
    }

    pub(crate) fn restart(&self, state: &mut State, w: u8) -> Option<()> {
        let former = self.session(state, w);
        let worker = &mut state.workers[usize::from(w)];
        if worker.life + 1 >= self.world.bounds.lives {
            return None;
        }
        worker.life += 1;
        worker.up = true;
        worker.valid = true;
        worker.phase = Phase::Idle;
        state.sessions[usize::from(former)] = Session::Ended;
        let session = self.session(state, w);
        state.sessions[usize::from(session)] = Session::Live { beat: false, fence: None };
        Some(())
    }
}
