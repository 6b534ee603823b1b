//! A small world: an application whose fleet is dead, and the commands that change it.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use kcl_core::{
    change::{Ask, Change, Closing, Intent, Reset, Target},
    coordinator::{FrozenStart, StoreCall, StoreReply},
    env::{Rng, Time, WallTime},
    lease::{
        Beat, Changing, Checkpoint, DocName, Document, Epoch, Lease, LeaseKey, PutDoc, Report,
        Session, Write,
    },
    settings::InitialPosition,
    store::StoreErrorKind,
};

use super::{
    scene::{NEW, OLD, dead_letters, ended, held, owner, stream, view},
    store::{Rows, is_read, is_write, lease_key},
    sum::{Sum, Summed},
};

/// How much may happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Writes of the dead that land.
    pub(crate) dead: u8,
    /// Writes of runs that land when nobody waits for them any more.
    pub(crate) late: u8,
    /// Runs that crash.
    pub(crate) crashes: u8,
    /// Answers that are lost.
    pub(crate) unknown: u8,
    /// Commands that are started, after the first.
    pub(crate) starts: u8,
    /// Whether some of them take the change back.
    pub(crate) undo: bool,
    /// Runs at once.
    pub(crate) at_once: usize,
    /// Whether a session of the dead is still there, and a beat of it under way.
    pub(crate) sleeper: bool,
    /// Whether the store once loses its last writes.
    pub(crate) back: bool,
    /// Rows that a run writes at once.
    pub(crate) lanes: usize,
}

/// Everything there is.
#[derive(Clone)]
pub(crate) struct Small {
    now: Time,
    rows: Rows,
    runs: Vec<Summed<Closing>>,
    started: u64,
    /// What the dead have sent.
    dead: Summed<Vec<StoreCall>>,
    /// What runs have sent and not heard of.
    sent: Summed<Vec<StoreCall>>,
    budget: Budget,
    truth: Summed<Truth>,
    /// What the store goes back to.
    kept: Option<(Rows, Summed<Truth>)>,
}

/// What is true, whatever anybody believes.
#[derive(Clone, Debug, Default)]
struct Truth {
    /// The highest epoch that each lease ever had in the hands of the dead.
    highest: BTreeMap<LeaseKey, Epoch>,
    /// Where each lease stood before the change at hand wrote it, and before the change before.
    stood: BTreeMap<LeaseKey, Vec<String>>,
    stood_before: BTreeMap<LeaseKey, Vec<String>>,
    /// Rows that a command has written.
    written: Vec<LeaseKey>,
    /// Whether every row had been rewritten when the application was opened last.
    is_rewritten: bool,
}

/// Something that can happen.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A run carries out what it asks for, and hears the answer.
    Go(usize),
    /// A run's write is under way, and it hears nothing.
    Unheard(usize),
    /// A run crashes; what it was about to write may still land.
    Crash(usize),
    /// A command is started: the change, or its undoing.
    Start { undo: bool },
    /// Something the dead have sent lands.
    Dead(usize),
    /// Something a run has sent lands.
    Late(usize),
    /// The store keeps what it has: the writes from here on will be lost.
    Keep,
    /// It loses them.
    Back,
}

/// What was broken.
pub(crate) type Broken = String;

impl Small {
    pub(crate) fn new(budget: Budget) -> Self {
        let mut small = Self {
            now: Time::from_millis(1),
            rows: Rows::default(),
            runs: Vec::new(),
            started: 0,
            dead: Summed::new(dead_letters()),
            sent: Summed::default(),
            budget,
            truth: Summed::default(),
            kept: None,
        };
        if budget.sleeper {
            let second = Duration::from_secs(1);
            let session = Session::new(owner("w1"), 1, second, second / 4);
            small.rows.sessions.edit().insert(session.id.clone(), session);
            let beat = StoreCall::Beat(Beat::new(owner("w1"), 1, Report::NOTHING));
            small.dead = Summed::new(vec![beat]);
        }
        for row in [ended(), held()] {
            let truth = small.truth.edit();
            truth.stood.insert(row.key.clone(), vec![spot(&row)]);
            truth.highest.insert(row.key.clone(), row.epoch);
            small.rows.leases.edit().insert(row.key.clone(), row);
        }
        let start = FrozenStart { at: Some(WallTime::from_millis(OLD)), by: None };
        let name = DocName::start(&stream());
        small.rows.docs.edit().insert(name.clone(), Document::new(name, 1, start.encode()));
        small.start(false);
        small
    }

    /// What can happen next. Left out is what could happen as well later, to the same end: a late
    /// write waits until something else is about to see it, and one that would be refused now may
    /// still be on its way.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut asks = Vec::new();
        for (at, run) in self.runs.iter().enumerate() {
            let ask = Closing::clone(run).next(self.now);
            if ask == Ask::Over {
                continue;
            }
            steps.push(Step::Go(at));
            // Who crashes while it reads leaves no more behind than who crashes at its next write.
            let writes = calls(&ask).iter().any(is_write);
            if writes && self.budget.unknown > 0 {
                steps.push(Step::Unheard(at));
            }
            let reads = !calls(&ask).is_empty() && calls(&ask).iter().all(is_read);
            if !reads && ask != Ask::Stream && self.budget.crashes > 0 {
                steps.push(Step::Crash(at));
            }
            asks.push(ask);
        }
        if self.budget.starts > 0 && self.runs.len() < self.budget.at_once {
            steps.push(Step::Start { undo: false });
            if self.budget.undo {
                steps.push(Step::Start { undo: true });
            }
        }
        steps.extend(self.steps_back(&asks));
        let matters = |call: &StoreCall| !self.rows.refuses(call) && self.is_seen(call, &asks);
        if self.budget.dead > 0 {
            let dead = self.dead.iter().enumerate().filter(|(_, call)| matters(call));
            steps.extend(dead.map(|(at, _)| Step::Dead(at)));
        }
        if self.budget.late > 0 {
            let late = self.sent.iter().enumerate().filter(|(_, call)| matters(call));
            steps.extend(late.map(|(at, _)| Step::Late(at)));
        }
        steps
    }

    /// A row that a run has begun to write, after its look at the turn, may land on the other side:
    /// that is told to the operator, and not prevented.
    fn steps_back(&self, asks: &[Ask]) -> Option<Step> {
        let next = match asks {
            [ask] if !calls(ask).is_empty() => calls(ask),
            _ => return None,
        };
        let writes_row = |next: &StoreCall| {
            let start = DocName::start(&stream());
            lease_key(next).is_some() && is_write(next)
                || matches!(next, StoreCall::PutDoc(put) if put.name == start)
        };
        let is_row = next.iter().any(writes_row);
        match &self.kept {
            None if self.budget.back && !next.iter().all(is_read) => Some(Step::Keep),
            Some(_) if !is_row => Some(Step::Back),
            _ => None,
        }
    }

    /// Whether what comes next may depend on whether this has landed: runs ask for it, something
    /// else is on its way to the same row, or nobody keeps the application closed.
    fn is_seen(&self, call: &StoreCall, asks: &[Ask]) -> bool {
        let Some(key) = lease_key(call) else { return true };
        let asked = |ask: &StoreCall| match ask {
            StoreCall::Leases => true,
            StoreCall::Lease(asked) => asked == key,
            StoreCall::PutDoc(put) => put.name == DocName::changing(),
            other => lease_key(other) == Some(key),
        };
        let asked = |ask: &Ask| calls(ask).iter().any(asked);
        let on_its_way = self.budget.late > 0
            && self.sent.iter().any(|sent| sent != call && lease_key(sent) == Some(key));
        asks.is_empty() || self.is_closed() != Some(true) || on_its_way || asks.iter().any(asked)
    }

    /// Takes a step.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), Broken> {
        match step {
            Step::Go(at) => self.go(*at)?,
            Step::Unheard(at) => {
                self.budget.unknown -= 1;
                let unknown = || Err(StoreErrorKind::Unknown);
                let ask = self.runs[*at].edit().next(self.now);
                if let Ask::Each(each) = &ask {
                    // One of them lands and is answered, and the others are not.
                    let mut outcomes = vec![unknown(); each.len()];
                    self.sent.edit().extend_from_slice(&each[1..]);
                    outcomes[0] = Ok(self.land(&each[0], true)?);
                    self.runs[*at].edit().learn_each(self.now, outcomes);
                } else {
                    self.sent.edit().extend_from_slice(calls(&ask));
                    self.runs[*at].edit().learn(self.now, unknown());
                }
            }
            Step::Crash(at) => {
                self.budget.crashes -= 1;
                let ask = self.runs[*at].edit().next(self.now);
                let writes = calls(&ask).iter().filter(|call| is_write(call)).cloned();
                self.sent.edit().extend(writes);
                self.runs.remove(*at);
            }
            Step::Start { undo } => {
                self.budget.starts -= 1;
                self.start(*undo);
            }
            Step::Dead(at) => {
                self.budget.dead -= 1;
                let call = self.dead.edit().remove(*at);
                self.land(&call, false)?;
            }
            Step::Late(at) => {
                self.budget.late -= 1;
                let call = self.sent.edit().remove(*at);
                self.land(&call, true)?;
            }
            Step::Keep => {
                self.budget.back = false;
                self.kept = Some((self.rows.clone(), self.truth.clone()));
            }
            Step::Back => self.go_back(),
        }
        self.runs.retain(|run| run.result().is_none());
        Ok(())
    }

    fn go_back(&mut self) {
        let Some((rows, truth)) = self.kept.take() else { return };
        let lost = std::mem::replace(&mut self.truth, truth);
        self.rows = Rows { lives: self.rows.lives + 1, ..rows };
        // What the dead had reached was processed, though the store has lost it: a copy that was
        // being made may tell of it.
        if lost.written.is_empty() && lost.stood_before == self.truth.stood_before {
            let stood = &mut self.truth.edit().stood;
            for (key, spots) in &lost.stood {
                stood.entry(key.clone()).or_default().extend(spots.iter().cloned());
            }
        }
    }

    fn start(&mut self, undo: bool) {
        self.started += 1;
        let mut rng = Rng::new(self.started);
        let to = InitialPosition::AtTimestamp(WallTime::from_millis(NEW));
        let intent = if undo { Intent::Undo } else { Intent::Make(Arc::new(Reset::All(to))) };
        let by = format!("run {}", self.started);
        let run = Closing::new(intent, &by, WallTime::from_millis(1), &mut rng);
        let run = run.in_lanes(self.budget.lanes, 1);
        self.runs.push(Summed::new(run));
    }

    fn go(&mut self, at: usize) -> Result<(), Broken> {
        match self.runs[at].edit().next(self.now) {
            Ask::Store(call) => {
                let reply = self.land(&call, true)?;
                self.runs[at].edit().learn(self.now, Ok(reply));
            }
            Ask::Each(each) => {
                let replies = each.iter().map(|call| self.land(call, true).map(Ok));
                let outcomes = replies.collect::<Result<Vec<_>, _>>()?;
                self.runs[at].edit().learn_each(self.now, outcomes);
            }
            Ask::Stream => self.runs[at].edit().learn_stream(Ok(view())),
            Ask::Wait(until) => self.now = self.now.max(until),
            Ask::Over => {}
        }
        match self.runs[at].result() {
            Some(Ok(_)) if self.is_closed() == Some(true) && self.runs.len() == 1 => {
                Err("a run said that it is done, and the application is closed".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn is_closed(&self) -> Option<bool> {
        let doc = self.rows.docs.get(&DocName::changing())?;
        Some(Changing::decode(&doc.body).unwrap().is_closed())
    }

    /// A call reaches the store.
    fn land(&mut self, call: &StoreCall, by_run: bool) -> Result<StoreReply, Broken> {
        let was_closed = self.is_closed();
        let key = lease_key(call);
        let before = key.and_then(|key| self.rows.leases.get(key).cloned());
        let reply = self.rows.apply(call);
        if let Some(key) = key {
            let after = self.rows.leases.get(key).cloned();
            if before != after {
                let (before, after) = (before.as_ref(), after.as_ref());
                self.on_row(call, by_run, was_closed, before, after)?;
            }
        }
        if let (StoreCall::PutDoc(put), StoreReply::DocWrite(Write::Done(_))) = (call, &reply) {
            self.on_doc(put, was_closed)?;
        }
        Ok(reply)
    }

    fn on_row(
        &mut self,
        call: &StoreCall,
        by_run: bool,
        was_closed: Option<bool>,
        before: Option<&Lease>,
        after: Option<&Lease>,
    ) -> Result<(), Broken> {
        let row = before.or(after).unwrap();
        let key = &row.key;
        if was_closed == Some(false) && self.truth.is_rewritten {
            return Err(format!("{} of {key} landed after the opening", call.name()));
        }
        if by_run {
            // Commands have sessions, too, for a moment: they are told the time by that.
            let is_worker = |row: &&Session| !row.id.worker.as_str().starts_with("change-");
            let mut workers = self.rows.sessions.values().filter(is_worker);
            if let Some(lives) = workers.find(|row| !row.has_ended()) {
                return Err(format!("{key} is rewritten while {} may live", lives.id));
            }
            if was_closed != Some(true) {
                return Err(format!("{key} is rewritten while the application is not closed"));
            }
            if !self.truth.written.contains(key) {
                self.truth.edit().written.push(key.clone());
            }
            return Ok(());
        }
        let truth = self.truth.edit();
        let is_written = truth.written.contains(key);
        let stood = truth.stood.entry(key.clone()).or_default();
        if after.is_none() && !is_written {
            // The lineage would make it anew where reading began.
            stood.push(format!("AT_TIMESTAMP:{OLD}"));
        }
        if let Some(after) = after {
            let highest = truth.highest.entry(key.clone()).or_default();
            *highest = (*highest).max(after.epoch);
            if !is_written {
                stood.push(spot(after));
            }
        }
        Ok(())
    }

    /// The application was opened: everything is what the command meant it to be.
    fn on_doc(&mut self, put: &PutDoc, was_closed: Option<bool>) -> Result<(), Broken> {
        let opened = put.name == DocName::changing()
            && was_closed == Some(true)
            && self.is_closed() == Some(false);
        if put.name == DocName::start(&stream()) && was_closed != Some(true) {
            return Err("the start is written while the application is not closed".to_owned());
        }
        if opened {
            self.check_opened(put)?;
            let truth = self.truth.edit();
            truth.stood_before = std::mem::take(&mut truth.stood);
            // Of rows that nobody wrote, the dead may write on, as ever.
            truth.is_rewritten = !truth.written.is_empty();
            truth.written.clear();
            for (key, row) in &*self.rows.leases {
                truth.stood.insert(key.clone(), vec![spot(row)]);
            }
        } else if self.is_closed() == Some(true) && was_closed != Some(true) {
            self.truth.edit().is_rewritten = false;
        }
        Ok(())
    }

    fn check_opened(&self, put: &PutDoc) -> Result<(), Broken> {
        for (key, row) in &*self.rows.leases {
            let highest = self.truth.highest.get(key).copied().unwrap_or_default();
            if self.truth.written.contains(key) && row.epoch <= highest {
                return Err(format!("{key} is opened at epoch {}, {highest} was given", row.epoch));
            }
        }
        let start = &self.rows.docs[&DocName::start(&stream())];
        let start = FrozenStart::decode(&start.body).unwrap().at.unwrap().as_millis();
        match start {
            NEW => self.check_begun_anew(),
            _ if self.truth.written.is_empty() => Ok(()),
            _ => {
                // What was made to the end is taken back by a change of its own.
                let what = Change::of(&Changing::decode(&put.body).unwrap()).unwrap().what;
                let is_own = what == "undo";
                self.check_undone(if is_own { &self.truth.stood_before } else { &self.truth.stood })
            }
        }
    }

    fn check_begun_anew(&self) -> Result<(), Broken> {
        let new = Checkpoint::AtTimestamp(WallTime::from_millis(NEW)).to_string();
        for shard in &view().shards {
            let key = LeaseKey::of_shard(&stream(), &shard.id);
            let stands = self.rows.leases.get(&key).map(spot);
            if stands.as_ref() != Some(&new) {
                return Err(format!("{key} is opened at {stands:?}, not at {new}"));
            }
        }
        Ok(())
    }

    fn check_undone(&self, stood: &BTreeMap<LeaseKey, Vec<String>>) -> Result<(), Broken> {
        for (key, row) in &*self.rows.leases {
            let stands = spot(row);
            let known = stood.get(key);
            let is_made = known.is_none() && stands == format!("AT_TIMESTAMP:{OLD}");
            if !is_made && !known.is_some_and(|known| known.contains(&stands)) {
                return Err(format!("{key} is taken back to {stands}, it never stood there"));
            }
        }
        Ok(())
    }

    /// Two states with the same are the same.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = self.rows.sum();
        let Budget { dead, late, crashes, unknown, starts, back, .. } = self.budget;
        let left = [dead, late, crashes, unknown, starts, u8::from(back)];
        let _ = write!(sum, "{}{left:?}", self.now);
        let parts = [self.dead.sum(), self.sent.sum(), self.truth.sum()];
        let runs = self.runs.iter().map(Summed::sum);
        parts.into_iter().chain(runs).for_each(|part| sum.add_sum(part));
        if let Some((rows, truth)) = &self.kept {
            sum.add(1);
            sum.add_sum(rows.sum());
            sum.add_sum(truth.sum());
        }
        sum
    }
}

/// The calls that a run waits for.
fn calls(ask: &Ask) -> &[StoreCall] {
    match ask {
        Ask::Store(call) => std::slice::from_ref(&**call),
        Ask::Each(calls) => calls,
        _ => &[],
    }
}

fn spot(row: &Lease) -> String {
    row.checkpoint.to_string()
}

/// Said once here, so that the small world is what the search says it is.
#[test]
fn the_world_is_what_a_change_makes_something_of() {
    use kcl_core::change::{Design, Found};
    let rows = [ended(), held()];
    let view = view();
    let found = Found::new(&rows, &[], &view);
    let to = InitialPosition::AtTimestamp(WallTime::from_millis(NEW));
    let Target { rows, docs, .. } = Reset::All(to).plan(&found).unwrap();
    assert_eq!(rows.iter().map(|row| row.found).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(docs.len(), 1);
    let put = PutDoc::new(docs[0].name.clone(), None, docs[0].to.clone());
    assert!(Rows::default().apply(&StoreCall::PutDoc(put)) != StoreReply::Doc(None));
}
