//! Whether a concurrent history of one row has an order that explains every answer.
//!
//! A small search after Wing & Gong and Lowe: it takes the next step of any call that no finished
//! call precedes, and backs up where an answer does not fit. A refusal takes two steps, since its
//! row may be younger than the refusal itself; a call without an answer may take its step at any
//! later time, or never.

use std::{cmp::Reverse, collections::BTreeSet, iter::successors};

use super::{
    Change,
    command::{Command, Row},
    failure::shown,
};

/// How many situations are looked at before the search gives up. Histories are kept so small that
/// it never does.
const MOST: usize = 2_000_000;

/// The state in which there is no row: the first.
const ABSENT: usize = 0;

/// One call on the row.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// What was called; `None` for a read.
    pub(super) command: Option<Command>,
    /// What the caller learned.
    pub(super) seen: Seen,
    /// When it was called, on a clock that all callers share.
    pub(super) called: u64,
    /// When it answered.
    pub(super) answered: u64,
}

/// What a caller learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A write was done; the row.
    Done(Row),
    /// A write was refused; the row then or later.
    Refused(Option<Row>),
    /// A write answered without saying what it did.
    Acknowledged,
    /// Nothing: the write may have been done or may still be.
    Unknown,
    /// What a read found.
    Row(Option<Row>),
}

/// One thing that happened at one moment.
enum Step<'a> {
    /// The write took effect, leaving this row.
    Done(&'a Command, &'a Row),
    /// The write was judged, whatever came of it.
    Judged(&'a Command),
    /// The write was refused.
    Refused(&'a Command),
    /// The row was looked at.
    Looked(Option<&'a Row>),
}

/// The steps of one call, in their order.
struct Track<'a> {
    steps: Vec<Step<'a>>,
    called: u64,
    /// `None`: its step may be taken at any time, or never.
    answered: Option<u64>,
}

/// How far each track is, and which state the row is in.
type Situation = (Vec<u8>, usize);

/// A step that led to a situation: all that is kept of those that were met on the way.
struct Taken {
    /// Of which track.
    track: usize,
    /// The state it left the row in.
    state: usize,
    /// The step before it, by its place; `None`: it is the first.
    earlier: Option<usize>,
}

/// Searches for an order of `events` on a row that starts absent; the changes of the row in that
/// order. With `twice`, every write may land once more at any later time.
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

/// The calls, a line each, in the order in which they were called.
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
    /// For an unanswered write: how many tracks on an equal one is that was called before. Which of
    /// the two landed makes no difference, so only the earlier is tried.
    twins: Vec<Option<usize>>,
    /// Every state the row was found in; a situation names one by its place.
    states: Vec<Option<Row>>,
}

impl<'a> Search<'a> {
    fn new(events: &'a [Event], twice: bool) -> Self {
        let mut tracks: Vec<_> = events.iter().map(Track::of).collect();
        if twice {
            tracks.extend(events.iter().filter_map(Track::again));
        }
        // The last is tried first: what answered soonest, and only then what need not happen.
        tracks.sort_by_key(|track| Reverse((track.answered.unwrap_or(u64::MAX), track.called)));
        let twins = (0..tracks.len()).map(|at| tracks[at].twin(&tracks[at + 1..])).collect();
        Self { tracks, twins, states: vec![None] }
    }

    fn is_explained(&self, (done, _): &Situation) -> bool {
        self.tracks.iter().zip(done).all(|(track, done)| {
            track.answered.is_none() || usize::from(*done) == track.steps.len()
        })
    }

    /// What happened to the row on the way to and with the step `last`.
    fn changes(&self, taken: &[Taken], last: Option<usize>) -> Vec<Change> {
        let before = |step: &Taken| step.earlier.map_or(ABSENT, |at| taken[at].state);
        let way = successors(last.map(|at| &taken[at]), |step| step.earlier.map(|at| &taken[at]));
        let change = |step: &Taken| {
            // States are told apart by their places, and only writes lead to another.
            let command =
                self.tracks[step.track].command().filter(|_| before(step) != step.state)?;
            let state = |at: usize| self.states[at].clone();
            Some(Change::new(command.clone().into(), state(before(step)), state(step.state)))
        };
        let mut changes: Vec<Change> = way.filter_map(change).collect();
        changes.reverse();
        changes
    }

    /// Every situation one step further, with the track that takes it.
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
                // An unanswered write that changes nothing explains nothing.
                continue;
            }
            let mut done = done.clone();
            done[at] += 1;
            further.push((at, (done, self.place(after))));
        }
        further
    }

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

    /// Where among `others` the first unanswered write is that equals this one, if this is one.
    fn twin(&self, others: &[Self]) -> Option<usize> {
        let command = self.unanswered()?;
        others.iter().position(|other| other.unanswered() == Some(command))
    }

    fn unanswered(&self) -> Option<&'a Command> {
        self.command().filter(|_| self.answered.is_none())
    }

    /// The write, if it is one.
    fn command(&self) -> Option<&'a Command> {
        match self.steps.first()? {
            Step::Done(command, _) | Step::Judged(command) | Step::Refused(command) => {
                Some(command)
            }
            Step::Looked(_) => None,
        }
    }

    /// A write that lands once more.
    fn again(event: &'a Event) -> Option<Self> {
        let command = event.command.as_ref()?;
        let steps = vec![Step::Judged(command)];
        Some(Self { steps, called: event.called, answered: None })
    }
}

impl Step<'_> {
    /// The row after the step; `None` if it does not fit the row before.
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
