//! The steps of a turn, once its reading is complete: one step for each event.

/// The steps of a turn that are left.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// The next step; `None` if the turn is complete.
    next: Option<Step>,
    /// Whether an event has passed since the step before, so that the next may be taken.
    due: bool,
}

/// A step of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make the plan, bring the moves in line with it, and publish the documents. These three
    /// belong together: a move may go on only if the new owner confirms a document of this plan.
    Plan,
    /// Delete rows that are useless.
    Tidy,
}

impl Turn {
    /// A reading is complete: the next step is the plan, whatever step of the turn before was left.
    pub(super) const fn begin(&mut self) {
        *self = Self { next: Some(Step::Plan), due: false };
    }

    /// Gives the turn up, since its reading may be stale. The next reading begins a new turn.
    pub(super) fn give_up(&mut self) {
        *self = Self::default();
    }

    /// Whether a step is to be taken at the next event, which should come at once.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// The present event is done: a step that is left is due at the next one.
    pub(super) const fn wait_for_next_event(&mut self) {
        self.due = self.next.is_some();
    }

    /// The step that is due. It counts as taken.
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
