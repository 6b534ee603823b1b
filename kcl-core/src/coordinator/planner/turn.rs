//! How far a turn has got once its reading is complete.

/// What is left to be done of a turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    next: Option<Step>,
    /// Whether an event has passed since the step before.
    due: bool,
}

/// A step of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The plan is made, the moves follow it, and the documents are published: until a new owner's
    /// document is wanted, what it has seen says nothing of the move.
    Plan,
    /// What nobody needs any more is deleted.
    Tidy,
}

impl Turn {
    /// A reading is complete: the plan is made from it, whatever was left of the turn before.
    pub(super) const fn begin(&mut self) {
        *self = Self { next: Some(Step::Plan), due: false };
    }

    /// What was read means nothing any more.
    pub(super) fn give_up(&mut self) {
        *self = Self::default();
    }

    /// Whether a step is to be taken at the next event, which should come at once.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// This event is done: the next step, if there is one, is for the next.
    pub(super) const fn wait_for_next_event(&mut self) {
        self.due = self.next.is_some();
    }

    /// The step that is due; it then counts as taken.
    pub(super) fn take_due(&mut self) -> Option<Step> {
        let step = self.next.filter(|_| self.due)?;
        self.due = false;
        self.next = match step {
            Step::Plan => Some(Step::Tidy),
            Step::Tidy => None,
        };
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(turn: &mut Turn) -> Vec<Step> {
        let mut taken = Vec::new();
        loop {
            assert_eq!(turn.take_due(), None, "one step an event");
            turn.wait_for_next_event();
            let Some(step) = turn.take_due() else { return taken };
            taken.push(step);
        }
    }

    #[test]
    fn a_turn_takes_one_step_at_each_event() {
        let mut turn = Turn::default();
        assert_eq!(steps(&mut turn), []);
        turn.begin();
        assert!(!turn.is_due(), "nothing is done at the event that completes the reading");
        assert_eq!(steps(&mut turn), [Step::Plan, Step::Tidy]);
        assert!(!turn.is_due());
    }

    #[test]
    fn a_new_reading_begins_the_turn_anew_and_a_store_that_went_back_ends_it() {
        let mut turn = Turn::default();
        turn.begin();
        turn.wait_for_next_event();
        assert_eq!(turn.take_due(), Some(Step::Plan));
        turn.begin();
        assert_eq!(steps(&mut turn), [Step::Plan, Step::Tidy]);
        turn.begin();
        turn.wait_for_next_event();
        turn.give_up();
        assert_eq!(steps(&mut turn), []);
    }
}
