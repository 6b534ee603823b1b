//! An operator who starts reading again elsewhere, and what becomes of the commands that do it.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    change::{Ask, ChangeError, Closing, Intent, Reset},
    coordinator::{FrozenStart, StoreCall},
    env::{Rng, WallTime},
    lease::{Changing, Checkpoint, DocName, Document, Lease},
    settings::InitialPosition,
    store::StoreErrorKind,
};

use super::{
    World,
    commands::{Command, Goal, News},
    sim_events::SimEvent,
};
use crate::sim::{Action, Step, Violation, fact::Fact, stream::ShardNo};

/// How long the fleet is down while its leases are reset: some start again before it is over.
const DOWN: Duration = Duration::from_secs(2);
/// How long it takes an operator to notice that a command has died.
const NOTICED: Duration = Duration::from_secs(3);

impl World {
    /// Every worker stops, reading is to start again `back` ago (or, for some values of `how`, at
    /// the oldest record), and the workers start again meanwhile. The command dies after so many
    /// `calls` and is started again, or the change is taken back, or both run at once.
    pub(super) fn reset(&mut self, back: Duration, calls: usize, how: usize) -> bool {
        let goes_back =
            |step: &Step| matches!(step.action, Action::StoreClockBack(_) | Action::RemakeStream);
        if self.script.steps.iter().any(goes_back)
            || self.is_commanded()
            || !self.cold_start(DOWN, false)
        {
            return false;
        }
        let now = self.stream.view(self.stream.current, self.now).description.server_time;
        let to = match how / 4 % 2 {
            0 => InitialPosition::AtTimestamp(now.minus(back)),
            _ => InitialPosition::TrimHorizon,
        };
        let undo = matches!(how % 4, 2 | 3);
        self.operator.goal = Some(Goal { to, undo });
        let dies_in = (how % 4 == 1 || how % 4 == 2).then_some(calls % 60 + 1);
        let first = self.command(false, to, dies_in);
        self.tell_command(first, Duration::from_millis(1), News::GoOn);
        if how % 4 == 3 {
            let other = self.command(true, to, None);
            let soon = Duration::from_millis(1) * u32::try_from(calls % 400).unwrap_or(0);
            self.tell_command(other, soon, News::GoOn);
        }
        true
    }

    /// Whether a command runs, or will.
    pub(super) fn is_commanded(&self) -> bool {
        self.operator.commands.iter().any(|command| !command.is_over) || self.is_closed()
    }

    fn is_closed(&self) -> bool {
        let doc = self.store.rows.docs.get(&DocName::changing());
        doc.is_some_and(|doc| Changing::decode(&doc.body).map_or(true, |it| it.is_closed()))
    }

    fn command(&mut self, undo: bool, to: InitialPosition, dies_in: Option<usize>) -> usize {
        let number = self.operator.commands.len();
        let seed = self.script.seed ^ u64::try_from(number + 1).unwrap_or(1).rotate_left(40);
        let mut rng = Rng::new(seed);
        let intent = if undo { Intent::Undo } else { Intent::Make(Arc::new(Reset::All(to))) };
        let wall = self.stream.view(self.stream.current, self.now).description.server_time;
        let run = Closing::new(intent, &format!("command {number}"), wall, &mut rng);
        let is_over = false;
        let command = Command { run, rng, dies_in, call: 0, cut: 0, is_over, begins: to };
        self.operator.commands.push(command);
        number
    }

    fn tell_command(&mut self, command: usize, after: Duration, news: News) {
        self.put(self.now + after, SimEvent::Command { command, news: Box::new(news) });
    }

    pub(super) fn on_command(&mut self, at: usize, news: News) -> Result<(), Violation> {
        match news {
            News::GoOn => self.go_on_command(at),
            News::Arrive(number, call, _)
                if number <= self.operator.commands[at].cut && is_row(&call) =>
            {
                let unknown = Box::new(Err(StoreErrorKind::Unknown));
                self.tell_command(at, Duration::ZERO, News::Answer(number, unknown));
            }
            News::Arrive(number, call, reply) => {
                let answer = self.apply(&call, false)?;
                if let Some(takes) = reply {
                    self.tell_command(at, takes, News::Answer(number, Box::new(Ok(answer))));
                }
            }
            News::Answer(number, outcome) => {
                let now = self.now;
                let command = &mut self.operator.commands[at];
                if command.call == number && !command.is_over {
                    command.run.learn(now, *outcome);
                    self.go_on_command(at);
                }
            }
            News::Look => self.look_at_commands(),
        }
        Ok(())
    }

    /// Carries out what the command asks for next.
    fn go_on_command(&mut self, at: usize) {
        let now = self.now;
        let view = self.stream.view(self.stream.current, now);
        let command = &mut self.operator.commands[at];
        if command.is_over {
            return;
        }
        loop {
            match command.run.next(now) {
                Ask::Store(call) => return self.send_command(at, call),
                // It is driven in one lane.
                Ask::Each(_) => return,
                Ask::Stream => command.run.learn_stream(Ok(view.clone())),
                Ask::Wait(until) => {
                    return self.tell_command(at, until.since(now), News::GoOn);
                }
                Ask::Over => break,
            }
        }
        command.is_over = true;
        let result = command.run.result().cloned();
        self.note(|| format!("command {at} is over: {result:?}"));
        if let (Some(Err(ChangeError::Busy { .. })), Some(goal)) =
            (&result, &mut self.operator.goal)
        {
            // The store went back to a change that was there before.
            goal.undo = true;
        }
        // Who finds workers alive, or another at it, is no longer needed.
        if !matches!(result, Some(Ok(_) | Err(ChangeError::Overtaken { .. }))) {
            self.tell_command(at, NOTICED, News::Look);
        }
    }

    fn send_command(&mut self, at: usize, call: Box<StoreCall>) {
        let network = self.active_faults.network(&self.script.network, self.now);
        let command = &mut self.operator.commands[at];
        command.call += 1;
        let number = command.call;
        let trip = network.trip(&mut command.rng);
        let dies = match &mut command.dies_in {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        command.is_over |= dies;
        let answered = trip.applied.is_some_and(|there| there <= network.deadline);
        let reply = trip.reply.filter(|_| answered);
        if let Some(there) = trip.applied {
            self.tell_command(at, there, News::Arrive(number, call, reply));
        }
        if reply.is_none() {
            let unknown = Box::new(Err(StoreErrorKind::Unknown));
            self.tell_command(at, network.deadline, News::Answer(number, unknown));
        }
        if dies {
            self.note(|| format!("command {at} dies"));
            self.count_fault("command-died");
            self.tell_command(at, NOTICED, News::Look);
        }
    }

    /// A command has died or failed. If the application is closed, another goes on.
    pub(super) fn look_at_commands(&mut self) {
        let runs = self.operator.commands.iter().any(|command| !command.is_over);
        let Some(goal) = self.operator.goal.filter(|_| !runs && self.is_closed()) else { return };
        let next = self.command(goal.undo, goal.to, None);
        self.tell_command(next, Duration::ZERO, News::GoOn);
    }

    /// The store went back in time, to a change that was broken off, or from one that was made.
    /// What a command had under way to a row is lost with the connections: that may land on the
    /// other side, which is told to the operator and judged by nobody here.
    pub(super) fn commands_went_back(
        &mut self,
        before: Option<&Document>,
    ) -> Result<(), Violation> {
        if self.operator.commands.iter().any(|command| !command.is_over) {
            self.count_fault("change-met-roll-back");
        }
        for command in &mut self.operator.commands {
            // An answer to a look at the turn may be on its way.
            command.cut = command.call + 1;
        }
        let now = self.store.rows.docs.get(&DocName::changing()).cloned();
        self.oracle.set_closed(self.is_closed());
        if before.map(|doc| doc.version) == now.map(|doc| doc.version) {
            return Ok(());
        }
        let starts =
            self.store.rows.docs.values().filter(|doc| doc.name.as_str().starts_with("start:"));
        for doc in starts.cloned().collect::<Vec<_>>() {
            if let Some(start) = FrozenStart::decode(&doc.body) {
                self.past.starts.insert(doc.name.clone(), start);
            }
            self.learn(&Fact::StartLost { name: &doc.name })?;
            self.oracle.learn(self.now, &Fact::Document(&doc))?;
        }
        for shard in 0..self.stream.shards.len() {
            let to = self.oracle.reached(shard);
            self.learn(&Fact::Gone { shard, to })?;
        }
        if !self.operator.commands.is_empty() {
            self.tell_command(0, NOTICED, News::Look);
        }
        Ok(())
    }

    /// The application is opened by a reset: its records from there on are to be read, whatever
    /// was read before.
    pub(super) fn on_opened(&mut self, changing: &Changing) -> Result<(), Violation> {
        let by = self.operator.commands.iter().find(|it| it.run.turn() == changing.turn);
        let Some(command) = by else { return Ok(()) };
        let Some(changed) = command.run.opens().filter(|changed| !changed.undone) else {
            return Ok(());
        };
        let (begins, leases) = (command.begins, changed.leases);
        // An undo of a reset that was made to the end is a change of its own.
        let is_undo = command.run.is_undo();
        if leases == 0 {
            return Ok(());
        }
        self.count_fault(if is_undo { "reset-undone" } else { "reset-made" });
        for shard in 0..self.stream.shards.len() {
            let it = &self.stream.shards[shard];
            if it.forgotten || it.former || it.of != self.stream.current {
                continue;
            }
            // A shard that came since the rows were read is made when its parent ends.
            let row = self.store.rows.leases.get(&self.stream.shards[shard].key);
            let stands = row.map_or(0, |row| self.behind(shard, row));
            if is_undo {
                self.learn(&Fact::Gone { shard, to: stands })?;
                continue;
            }
            let to = self.before(shard, begins);
            self.learn(&Fact::Begun { shard, to })?;
            if stands > to {
                let shard = &self.stream.shards[shard].listed.id;
                let what = format!("{shard} begins after record {stands} instead of {to}");
                return Err(Violation { invariant: "a reset skips nothing", at: self.now, what });
            }
        }
        Ok(())
    }

    /// How many records of a shard come before a beginning.
    fn before(&self, shard: ShardNo, begins: InitialPosition) -> u64 {
        let time = |at: WallTime| self.stream.count_before(shard, at);
        let gone = self.stream.shards[shard].trimmed;
        match begins {
            InitialPosition::AtTimestamp(at) => time(at).max(gone),
            _ => gone,
        }
    }

    /// How many records of a shard its row leaves behind.
    fn behind(&self, shard: ShardNo, row: &Lease) -> u64 {
        match &row.checkpoint {
            Checkpoint::AtTimestamp(at) => self.stream.count_before(shard, *at),
            Checkpoint::After(at) => at.sequence.as_str().parse().unwrap_or(u64::MAX),
            Checkpoint::ShardEnd => self.stream.count(shard, self.now),
            _ => 0,
        }
    }
}

/// Whether a call writes a row, or the documents that follow the rows.
fn is_row(call: &StoreCall) -> bool {
    match call {
        StoreCall::Restart(_) | StoreCall::Create(_) => true,
        StoreCall::PutDoc(put) => put.name != DocName::changing() && put.name.copy_of().is_none(),
        _ => false,
    }
}
