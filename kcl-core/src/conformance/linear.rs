//! Searches for an order of concurrent calls on one row that explains every answer
//! (linearizability).
//!
//! The search follows Wing & Gong, and Lowe: it takes the next step of any call that could have
//! happened next, and goes back where an answer does not fit the row. A call may not come before
//! one that had answered before it started. Most calls take one step, with two exceptions:
//!
//! - A refusal takes two steps, the refusal and the read of the row in its answer: a store may read
//!   the row later than it refuses.
//! - A call without an answer may take its step at any time after its start, or never.

use std::{cmp::Reverse, collections::BTreeSet, iter::successors};

use super::{
    Change,
    command::{Command, Row},
    failure::shown,
};

/// The number of situations after which the search gives up, and the case fails. The histories of
/// the suite are small enough to stay below it.
const MOST: usize = 2_000_000;

/// The place in [`Search::states`] of the state without a row.
const ABSENT: usize = 0;

/// One call on the row.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The write; `None` for a read.
    pub(super) command: Option<Command>,
    /// The answer as the caller saw it.
    pub(super) seen: Seen,
    /// The start of the call, on the logical clock that all callers share.
    pub(super) called: u64,
    /// The time of the answer on the same clock.
    pub(super) answered: u64,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The write took effect and left this row.
    Done(Row),
    /// The write was refused. The row is from that moment or later.
    Refused(Option<Row>),
    /// The write answered without a row: a wake-up.
    Acknowledged,
    /// No answer: the write may have taken effect, or may still do so.
    Unknown,
    /// The row that a read returned.
    Row(Option<Row>),
}

/// A part of a call that happens at one moment.
enum Step<'a> {
    /// The write took effect, leaving this row.
    Done(&'a Command, &'a Row),
    /// The write took effect or was refused; the answer does not say which.
    Judged(&'a Command),
    /// The write was refused.
    Refused(&'a Command),
    /// The row was read.
    Looked(Option<&'a Row>),
}

/// The steps of one call, in their order.
struct Track<'a> {
    steps: Vec<Step<'a>>,
    called: u64,
    /// `None` for a call without an answer: its step may come at any time after `called`, or never.
    answered: Option<u64>,
}

/// The number of steps taken of each track, and the place of the row's state.
type Situation = (Vec<u8>, usize);

/// A step of the search, kept so that the way to a solution can be followed back.
struct Taken {
    /// The track of the step.
    track: usize,
    /// The state of the row after the step.
    state: usize,
    /// The place of the step before; `None` for the first.
    earlier: Option<usize>,
}

/// Searches for an order of `events` on a row that does not exist at first, and returns the changes
/// of the row in that order. With `twice`, every write may take effect once more at any later time.
///
/// # Errors
/// A text with all calls, if no order explains them or the search has met [`MOST`] situations.
pub(super) fn explain(events: &[Event], twice: bool) -> Result<Vec<Change>, String> {
    let mut search = Search::new(events, twice);
    let mut open = vec![((vec![0; search.tracks.len()], ABSENT), None)];
    let mut met: BTreeSet<Situation> = BTreeSet::new();
    let mut taken: Vec<Taken> = Vec::new();
    let mut furthest = 0;
    while let Some((situation, last)) = open.pop() {
        if search.is_explained(&situation) {
            return Ok(search.changes(&taken, last));
        }
        furthest = furthest.max(situation.0.iter().map(|done| usize::from(*done)).sum());
        for (track, next) in search.after(&situation) {
            if met.insert(next.clone()) {
                taken.push(Taken { track, state: next.1, earlier: last });
                open.push((next, Some(taken.len() - 1)));
            }
        }
        if met.len() > MOST {
            return Err(format!("gave up after {MOST} situations of {} calls", events.len()));
        }
    }
    Err(format!(
        "no order explains these {} calls (best: {furthest} steps):{}",
        events.len(),
        story(events)
    ))
}

/// Formats the calls for a failure, two lines each, in the order of their start.
pub(super) fn story(events: &[Event]) -> String {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| event.called);
    let line = |event: &Event| {
        let what = event.command.as_ref().map_or_else(|| "read".into(), shown);
        let Event { called, answered, seen, .. } = event;
        format!("\n      {called:>4}–{answered:<4} {what}\n           -> {}", shown(seen))
    };
    events.into_iter().map(line).collect()
}

struct Search<'a> {
    tracks: Vec<Track<'a>>,
    /// For each write without an answer: the distance to the next track with an equal one, which
    /// was called before. It makes no difference which of the two takes effect, so the search tries
    /// only the earlier one.
    twins: Vec<Option<usize>>,
    /// Every state of the row that was met; a situation names one by its place here.
    states: Vec<Option<Row>>,
}

impl<'a> Search<'a> {
    fn new(events: &'a [Event], twice: bool) -> Self {
        let mut tracks: Vec<_> = events.iter().map(Track::of).collect();
        if twice {
            tracks.extend(events.iter().filter_map(Track::again));
        }
        // The search tries the last track first: the calls that answered soonest, and the calls
        // without an answer only after them.
        tracks.sort_by_key(|track| Reverse((track.answered.unwrap_or(u64::MAX), track.called)));
        let twins = (0..tracks.len()).map(|at| tracks[at].twin(&tracks[at + 1..])).collect();
        Self { tracks, twins, states: vec![None] }
    }

    /// True if every answered call has taken all its steps.
    fn is_explained(&self, (done, _): &Situation) -> bool {
        self.tracks.iter().zip(done).all(|(track, done)| {
            track.answered.is_none() || usize::from(*done) == track.steps.len()
        })
    }

    /// The changes of the row up to and including the step `last`, oldest first.
    fn changes(&self, taken: &[Taken], last: Option<usize>) -> Vec<Change> {
        let before = |step: &Taken| step.earlier.map_or(ABSENT, |at| taken[at].state);
        let way = successors(last.map(|at| &taken[at]), |step| step.earlier.map(|at| &taken[at]));
        let change = |step: &Taken| {
            // Equal states have one place, and only writes lead to another state.
            let command =
                self.tracks[step.track].command().filter(|_| before(step) != step.state)?;
            let state = |at: usize| self.states[at].clone();
            Some(Change::new(command.clone().into(), state(before(step)), state(step.state)))
        };
        let mut changes: Vec<Change> = way.filter_map(change).collect();
        changes.reverse();
        changes
    }

    /// Every situation that one more step leads to, with the track of the step.
    fn after(&mut self, (done, state): &Situation) -> Vec<(usize, Situation)> {
        let unfinished = |at: &usize| usize::from(done[*at]) < self.tracks[*at].steps.len();
        let waiting: Vec<usize> = (0..self.tracks.len()).filter(unfinished).collect();
        let first_answer = waiting.iter().filter_map(|at| self.tracks[*at].answered).min();
        let mut further = Vec::new();
        for at in waiting {
            let preceded = first_answer.is_some_and(|answer| self.tracks[at].called > answer);
            let doubled = self.twins[at].is_some_and(|twin| done[at + 1 + twin] == 0);
            if preceded || doubled {
                continue;
            }
            let step = &self.tracks[at].steps[usize::from(done[at])];
            let before = self.states[*state].as_ref();
            let Some(after) = step.take(before) else { continue };
            if self.tracks[at].answered.is_none() && after.as_ref() == before {
                // Leaving this write out leads to the same state.
                continue;
            }
            let mut done = done.clone();
            done[at] += 1;
            further.push((at, (done, self.place(after))));
        }
        further
    }

    /// The place of a state, which is added if it is new.
    fn place(&mut self, state: Option<Row>) -> usize {
        match self.states.iter().position(|known| *known == state) {
            Some(at) => at,
            None => {
                self.states.push(state);
                self.states.len() - 1
            }
        }
    }
}

impl<'a> Track<'a> {
    fn of(event: &'a Event) -> Self {
        let steps = match (&event.command, &event.seen) {
            (Some(command), Seen::Done(row)) => vec![Step::Done(command, row)],
            (Some(command), Seen::Refused(row)) => {
                vec![Step::Refused(command), Step::Looked(row.as_ref())]
            }
            (Some(command), _) => vec![Step::Judged(command)],
            (None, Seen::Row(row)) => vec![Step::Looked(row.as_ref())],
            (None, _) => Vec::new(),
        };
        let answered = (event.seen != Seen::Unknown).then_some(event.answered);
        Self { steps, called: event.called, answered }
    }

    /// The place among `others` of the first equal write without an answer, if this track is a
    /// write without an answer.
    fn twin(&self, others: &[Self]) -> Option<usize> {
        let command = self.unanswered()?;
        others.iter().position(|other| other.unanswered() == Some(command))
    }

    /// The write of this track, if it has no answer.
    fn unanswered(&self) -> Option<&'a Command> {
        self.command().filter(|_| self.answered.is_none())
    }

    /// The write of this track; `None` for a read.
    fn command(&self) -> Option<&'a Command> {
        match self.steps.first()? {
            Step::Done(command, _) | Step::Judged(command) | Step::Refused(command) => {
                Some(command)
            }
            Step::Looked(_) => None,
        }
    }

    /// The second effect of a write that the network has duplicated.
    fn again(event: &'a Event) -> Option<Self> {
        let command = event.command.as_ref()?;
        let steps = vec![Step::Judged(command)];
        Some(Self { steps, called: event.called, answered: None })
    }
}

impl Step<'_> {
    /// The row after the step; `None` if the step does not fit the row before.
    fn take(&self, before: Option<&Row>) -> Option<Option<Row>> {
        match self {
            Self::Done(command, row) => {
                let verdict = command.verdict(before);
                let fits = verdict.answer.done().is_some_and(|done| done == **row);
                fits.then_some(verdict.after)
            }
            Self::Judged(command) => Some(command.verdict(before).after),
            Self::Refused(command) => {
                let refused = !command.verdict(before).answer.is_done();
                refused.then(|| before.cloned())
            }
            Self::Looked(row) => (*row == before).then(|| before.cloned()),
        }
    }
}

#[cfg(test)]
mod tests;
