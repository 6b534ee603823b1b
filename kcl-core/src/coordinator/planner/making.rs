//! Making a plan: read everything, mend the lineage, compute, publish.

use std::collections::BTreeSet;

use super::{
    Planner,
    ask::{self, Round},
    cycle::{Absence, Cycle, StartDoc, Sync},
    signal::Signal,
};
use crate::{
    coordinator::{
        command::Notice, context::Context, document::FrozenStart, event::StreamView, op,
    },
    env::Time,
    lease::{DocName, Document, Lease, LeaseKey, Session, Write},
    store::{Consistency, Listing, StoreErrorKind},
};

impl Planner {
    /// Does whatever the plan in the making waits for, if it can be done now.
    pub(super) fn go_on_cycle(&mut self, ctx: &mut Context) {
        match &self.cycle {
            Cycle::Again(at) if *at <= ctx.now => {
                self.cycle = Cycle::Idle;
                self.plan_at = ctx.now;
                self.start_cycle(ctx);
            }
            Cycle::Idle => self.start_cycle(ctx),
            Cycle::Reading { leases: Some(_), sessions: Some(_), rules: true, .. } => {
                self.on_all_read(ctx);
            }
            Cycle::Creating { missing, .. } if missing.is_empty() => self.put_rows(ctx),
            _ => {}
        }
    }

    fn start_cycle(&mut self, ctx: &mut Context) {
        if self.plan_at > ctx.now || !self.valid {
            return;
        }
        self.plan_at = Time::NEVER;
        self.round.next();
        if !self.orphaned.is_empty() && !planted!(OrphansWaitForTheAudit) {
            // What comes of them may be gone, too.
            self.sync = Sync::Wanted;
        }
        let rules_due = std::mem::take(&mut self.rules_due);
        self.cycle = Cycle::Reading {
            leases: None,
            sessions: None,
            sessions_after: false,
            rules: !rules_due,
            start: StartDoc::Unasked,
            since: ctx.now,
        };
        ctx.ask(op::Leases, ask::Leases(self.round));
        self.list_sessions(ctx);
        if rules_due {
            ctx.ask(op::Doc(DocName::placement()), ask::Rules(self.round));
        }
    }

    /// Lists the sessions: their absence is to be believed.
    fn list_sessions(&self, ctx: &mut Context) {
        let mut consistency = Consistency::Strong;
        if planted!(AbsenceFromStaleListing) {
            consistency = Consistency::Eventual;
        }
        ctx.ask(op::Sessions(consistency), ask::Sessions(self.round));
    }

    /// Something that was asked for the plan of this round was answered: `then` goes on with it.
    pub(super) fn on_plan<T>(
        &mut self,
        round: Round,
        answer: Result<T, StoreErrorKind>,
        then: impl FnOnce(&mut Self, T, &mut Context),
        ctx: &mut Context,
    ) {
        if round != self.round && !planted!(AnswersOutliveTheirPlan) {
            sometimes!(AnswerToAGivenUpPlan);
            return;
        }
        match answer {
            Ok(answer) => then(self, answer, ctx),
            Err(_) => self.restart_cycle(ctx),
        }
    }

    /// A call failed: everything is read again, the shards too.
    pub(super) fn restart_cycle(&mut self, ctx: &Context) {
        self.give_up_cycle();
        self.cycle = Cycle::Again(ctx.now + ctx.settings.fast_poll);
    }

    /// The plan in the making is not made: answers to it mean nothing any more.
    pub(super) fn give_up_cycle(&mut self) {
        self.sync = Sync::Wanted;
        self.rules_due |= matches!(self.cycle, Cycle::Reading { rules: false, .. });
        self.round.next();
        self.cycle = Cycle::Idle;
    }

    pub(super) fn on_leases(&mut self, listed: Listing<Lease>, ctx: &mut Context) {
        self.note_unreadable(&listed.unreadable, ctx);
        if let Cycle::Reading { leases, .. } = &mut self.cycle {
            *leases = Some(listed.rows);
            // What the rows speak of, a listing asked for after them shows or has forgotten.
            if self.sync == Sync::Wanted {
                self.sync = Sync::Listing;
                self.read_at = ctx.now;
                self.list_shards(ctx);
            }
        }
        self.go_on_cycle(ctx);
    }

    pub(super) fn on_sessions(&mut self, rows: Vec<Session>, ctx: &mut Context) {
        if let Cycle::Reading { sessions, .. } = &mut self.cycle {
            *sessions = Some(rows);
        }
        self.go_on_cycle(ctx);
    }

    pub(super) fn on_rules(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        self.read_rules(doc, ctx);
        if let Cycle::Reading { rules, .. } = &mut self.cycle {
            *rules = true;
        }
        self.go_on_cycle(ctx);
    }

    /// Lists the shards, unless they are being listed.
    pub(super) fn list_shards(&mut self, ctx: &mut Context) {
        if self.listing_since.is_none() {
            self.listing_since = Some(ctx.now);
            self.shards_at = Time::NEVER;
            ctx.list_shards();
        }
    }

    /// The shards were listed. A change of them is worth a plan, with a listing of its own.
    pub(super) fn on_stream(&mut self, view: StreamView, asked: Time, ctx: &mut Context) {
        let old = self.stream.replace(view);
        let new = self.stream.as_ref();
        let key = |view: &StreamView| view.description.key.clone();
        let same_stream = old.as_ref().map(key) == new.map(key);
        let same_shards = old.as_ref().map(|view| &view.shards) == new.map(|view| &view.shards);
        if old.is_some() && !same_stream {
            ctx.notify(Notice::StreamRemade);
            // What was asked about the former stream says nothing of this one.
            if let Cycle::Reading { start, .. } = &mut self.cycle {
                *start = StartDoc::Unasked;
            }
        }
        if self.sync == Sync::Listing && asked < self.read_at {
            self.list_shards(ctx);
        } else if self.sync == Sync::Listing {
            self.sync = Sync::Fresh;
        } else if !(same_stream && same_shards) {
            self.sync = Sync::Wanted;
            self.plan_soon(ctx);
        }
        self.ask_start(ctx);
    }

    /// The shards could not be listed: the plan is made from the rows alone.
    pub(super) fn on_no_stream(&mut self) {
        if self.sync == Sync::Listing {
            self.sync = Sync::Failed;
        }
    }

    /// Leases, sessions and rules are read; the stream may or may not be known.
    fn on_all_read(&mut self, ctx: &mut Context) {
        let lacks_start = self.lacks_start();
        if self.stream.is_some() && self.known_start(ctx).is_none() && !lacks_start {
            return self.settle_start(ctx);
        }
        if self.sync == Sync::Listing {
            return;
        }
        if self.must_list_sessions_again(ctx) {
            return self.list_sessions(ctx);
        }
        let read = std::mem::replace(&mut self.cycle, Cycle::Idle);
        let Cycle::Reading { leases: Some(leases), sessions: Some(sessions), since, .. } = read
        else {
            return;
        };
        self.fleet.replace(&sessions, since, ctx.now);
        for row in sessions.iter().filter(|row| row.has_ended()) {
            ctx.note_ended(&row.id);
        }
        let listed: BTreeSet<_> = sessions.iter().map(|row| &row.id).collect();
        for owner in leases.iter().filter_map(|row| row.owner.as_ref()) {
            if !listed.contains(owner) {
                ctx.note_ended(owner);
            }
        }
        self.rows = leases.into_iter().map(|row| (row.key.clone(), row)).collect();
        self.mend_lineage(lacks_start, ctx);
    }

    /// Whether a lease names a session that the listing does not show, and the listing may be
    /// older than the lease: the sessions are then listed again.
    fn must_list_sessions_again(&mut self, ctx: &Context) -> bool {
        let Cycle::Reading {
            leases: Some(leases),
            sessions: sessions @ Some(_),
            sessions_after: after @ false,
            ..
        } = &mut self.cycle
        else {
            return false;
        };
        let listed: BTreeSet<_> = sessions.iter().flatten().map(|row| &row.id).collect();
        let unknown = leases
            .iter()
            .filter_map(|row| row.owner.as_ref())
            .any(|owner| !listed.contains(owner) && !ctx.ended.contains(owner));
        if unknown && planted!(AbsenceFromOlderListing) {
            return false;
        }
        if unknown {
            sometimes!(ListedAgain);
            *sessions = None;
            *after = true;
        }
        unknown
    }

    /// Compares the rows with a listing of the shards that is newer than them. Where it is not
    /// known where reading began, only what follows from rows gets a row.
    fn mend_lineage(&mut self, lacks_start: bool, ctx: &mut Context) {
        let mut waiting = Vec::new();
        let any = || lacks_start.then_some(FrozenStart { at: None, by: None });
        let start = self.known_start(ctx).or_else(any);
        if let (Sync::Fresh, Some(mut start)) = (self.sync, start) {
            if planted!(FrozenStartMovesOn) && start.at.is_some() {
                start.at = self.stream.as_ref().map(|view| view.description.server_time);
            }
            let mut changes = self.reconcile(start.into());
            if changes.is_of_former_life() {
                // It says nothing of the rows there are; another one may.
                self.stream = None;
                self.shards_at = ctx.now + ctx.settings.watch_interval;
            }
            if lacks_start {
                changes.create.retain(|row| {
                    let mut parents = row.parents.iter().filter_map(|id| row.key.sibling(id));
                    parents.any(|parent| self.rows.contains_key(&parent))
                });
            }
            self.note_problems(&changes, ctx);
            waiting = changes.create;
            self.orphaned = changes.orphaned;
            self.deletable = changes.delete;
            self.deletable.extend(self.retirable(changes.stale));
        }
        self.sync = match self.sync {
            Sync::Failed => Sync::Wanted,
            _ => Sync::NotWanted,
        };
        let (missing, absence) = (BTreeSet::new(), Absence::found(ctx.now));
        self.cycle = Cycle::Creating { waiting, missing, absence };
        self.put_rows(ctx);
    }

    /// Puts the rows no other row waits for: descendants before their ancestors, so that a planner
    /// that stops half way leaves no ancestor with a row whose descendants lack theirs. Their
    /// owners know more of rows that the store has lost than the frozen start.
    fn put_rows(&mut self, ctx: &mut Context) {
        let Cycle::Creating { waiting, missing, absence } = &mut self.cycle else { return };
        if !waiting.is_empty() && !absence.is_sure(ctx) {
            if absence.take_doubt(ctx) {
                ctx.signal(Signal::Unsure);
            }
            return;
        }
        let parents: BTreeSet<LeaseKey> = waiting
            .iter()
            .flat_map(|row| row.parents.iter().filter_map(|id| row.key.sibling(id)))
            .collect();
        let (later, now): (Vec<Lease>, Vec<Lease>) =
            std::mem::take(waiting).into_iter().partition(|row| parents.contains(&row.key));
        *waiting = later;
        missing.extend(now.iter().map(|row| row.key.clone()));
        if now.is_empty() {
            return self.finish_cycle(ctx);
        }
        for row in now {
            let request = ask::Create(self.round, row.key.clone());
            ctx.ask(op::Create(row), request);
        }
    }

    pub(super) fn on_created(&mut self, key: &LeaseKey, write: Write<Lease>, ctx: &mut Context) {
        if let Some(row) = write.into_row() {
            self.rows.insert(key.clone(), row);
        }
        if let Cycle::Creating { missing, .. } = &mut self.cycle {
            missing.remove(key);
        }
        self.go_on_cycle(ctx);
    }

    /// Everything is there: computes the plan and publishes it.
    fn finish_cycle(&mut self, ctx: &mut Context) {
        self.cycle = Cycle::Idle;
        let unassigned = self.compute(ctx);
        let moves = self.plan_moves(ctx.now);
        self.fleet.name_standbys(&self.me);
        ctx.notify(Notice::Planned { moves, unassigned });
        self.publish(ctx);
        self.note_unused_sessions(ctx);
        self.delete_useless(ctx);
    }
}
