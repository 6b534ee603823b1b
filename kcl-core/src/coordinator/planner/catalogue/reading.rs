//! The steps of a reading: its requests, and the handling of their answers.

use std::collections::BTreeSet;

use super::{
    Catalogue,
    phase::{Phase, Reading},
    request::{self, ReadingNo, Reply},
    stream::{Listing, StartDoc},
};
use crate::{
    coordinator::{command::Notice, context::Context, event::StreamView, op},
    env::Time,
    lease::{Checkpoint, DocName, Lease, LeaseKey, Session},
    lineage::Problem,
    store::{Consistency, Listing as Listed, StoreErrorKind, codec::BadRow},
    stream::{SourceErrorKind, StreamName},
};

impl Catalogue {
    /// Lists the shards of each stream for which that is due.
    pub(in crate::coordinator::planner) fn list_due(&mut self, ctx: &mut Context) {
        let now = ctx.now;
        for plan in self.streams.values_mut().filter(|plan| plan.list_at <= now) {
            plan.list(ctx);
        }
    }

    /// Takes the next step of the reading, if it can be taken now. Returns true once, when the
    /// reading is complete: then the plan is to be made.
    #[must_use]
    pub(in crate::coordinator::planner) fn go_on(&mut self, ctx: &mut Context) -> bool {
        match &self.phase {
            Phase::Again(at) if *at <= ctx.now => {
                self.plan_at = ctx.now;
                self.begin(ctx);
                false
            }
            Phase::Idle => {
                self.begin(ctx);
                false
            }
            Phase::Reading(reading) if reading.is_whole() => self.on_all_read(ctx),
            Phase::Mending { missing, .. } if missing.is_empty() => self.put_rows(ctx),
            _ => false,
        }
    }

    /// Begins a reading, if one is due.
    fn begin(&mut self, ctx: &mut Context) {
        if self.plan_at > ctx.now || !ctx.valid {
            return;
        }
        self.plan_at = Time::NEVER;
        self.round.next();
        for plan in self.streams.values_mut() {
            plan.start = StartDoc::Unasked;
            if must_be_listed(&plan.orphaned) {
                plan.listing = Listing::Wanted;
            }
        }
        let rules_due = self.rules.take_due();
        self.phase = Phase::Reading(Reading {
            leases: None,
            sessions: None,
            sessions_after: false,
            rules: !rules_due,
            inherited: false,
            since: ctx.now,
        });
        ctx.ask(op::Leases, request::Leases(self.round));
        self.list_sessions(ctx);
        if rules_due {
            ctx.ask(op::Doc(DocName::placement()), request::Rules(self.round));
        }
    }

    /// Lists the sessions consistently, since their absence counts.
    fn list_sessions(&self, ctx: &mut Context) {
        ctx.ask(op::Sessions(consistency_of_absence()), request::Sessions(self.round));
    }

    /// The store answered. Whether the reading is complete now.
    #[must_use]
    pub(in crate::coordinator::planner) fn on_answer(
        &mut self,
        answer: Reply,
        ctx: &mut Context,
    ) -> bool {
        match answer {
            Reply::Leases(round, rows) => self.on_reply(round, rows, Self::on_leases, ctx),
            Reply::Sessions(round, rows) => self.on_reply(round, rows, Self::on_sessions, ctx),
            Reply::Rules(round, doc) => {
                let then = |it: &mut Self, doc: Option<_>, ctx: &mut _| {
                    it.rules.read(doc.as_ref(), ctx);
                    it.have_rules(ctx);
                };
                self.on_reply(round, doc, then, ctx)
            }
            Reply::LookAtRules(doc) => {
                if self.rules.on_looked(doc, ctx) {
                    self.plan_soon(ctx);
                }
                false
            }
            Reply::Inherited(round, doc) => {
                let then = |it: &mut Self, doc: Option<_>, ctx: &mut _| {
                    it.inheritance.read(doc.as_ref(), ctx);
                    it.have_inherited();
                };
                self.on_reply(round, doc, then, ctx)
            }
            Reply::Create(round, key, write) => {
                self.on_reply(round, write, |it, write, _| it.on_created(&key, write), ctx)
            }
            Reply::Start(round, of, doc) => {
                self.on_reply(round, doc, |it, doc, ctx| it.on_start(of, doc.as_ref(), ctx), ctx)
            }
            Reply::PutStart(round, of, write) => {
                self.on_reply(round, write, |it, write, ctx| it.on_start_put(of, write, ctx), ctx)
            }
        }
    }

    /// A request of the reading `round` was answered: `then` takes the answer over. An answer to an
    /// earlier reading is ignored.
    fn on_reply<T>(
        &mut self,
        round: ReadingNo,
        answer: Result<T, StoreErrorKind>,
        then: impl FnOnce(&mut Self, T, &mut Context),
        ctx: &mut Context,
    ) -> bool {
        if !self.is_of_this_plan(round) {
            sometimes!(AnswerToAGivenUpPlan);
            return false;
        }
        match answer {
            Ok(answer) => {
                then(self, answer, ctx);
                self.go_on(ctx)
            }
            Err(_) => {
                self.restart(ctx);
                false
            }
        }
    }

    /// A call failed: everything is read again after `fast_poll`, the shards, too.
    pub(super) fn restart(&mut self, ctx: &Context) {
        self.give_up();
        self.phase = Phase::Again(ctx.now + ctx.settings.fast_poll);
    }

    /// Gives the reading up: answers to it are ignored.
    pub(super) fn give_up(&mut self) {
        self.want_listings();
        if let Phase::Reading(Reading { rules: false, .. }) = &self.phase {
            self.rules.want();
        }
        self.round.next();
        self.phase = Phase::Idle;
    }

    /// The leases were listed: the streams can be listed now, and `inherited` can be read.
    fn on_leases(&mut self, listed: Listed<Lease>, ctx: &mut Context) {
        let Phase::Reading(reading) = &mut self.phase else { return };
        reading.leases = Some(listed.rows);
        self.note_unreadable(&listed.unreadable, ctx);
        // A listing of shards that is asked for now is newer than the rows: it shows every shard
        // that they name, unless the stream has forgotten it.
        self.read_at = ctx.now;
        for plan in self.streams.values_mut().filter(|plan| plan.listing == Listing::Wanted) {
            plan.listing = Listing::UnderWay;
            plan.list(ctx);
        }
        self.read_inherited(ctx);
    }

    /// Takes note of the rows that cannot be decoded, and reports each. Such a lease counts as
    /// neither absent nor ended: its shard gets no other row and no reader, and its children wait.
    fn note_unreadable(&mut self, rows: &[BadRow], ctx: &mut Context) {
        for row in rows {
            ctx.notify(Notice::Lineage(Problem::Unreadable(row.clone()).to_string()));
        }
        let keys = rows.iter().filter_map(|row| row.key.parse().ok());
        let stand_in = |key: LeaseKey| (key.clone(), Lease::new(key, Checkpoint::TrimHorizon));
        self.unreadable = keys.map(stand_in).collect();
    }

    fn on_sessions(&mut self, rows: Vec<Session>, _: &mut Context) {
        if let Phase::Reading(reading) = &mut self.phase {
            reading.sessions = Some(rows);
        }
    }

    fn have_rules(&mut self, ctx: &mut Context) {
        if let Phase::Reading(reading) = &mut self.phase {
            reading.rules = true;
        }
        self.read_inherited(ctx);
    }

    const fn have_inherited(&mut self) {
        if let Phase::Reading(reading) = &mut self.phase {
            reading.inherited = true;
        }
    }

    /// Reads the document `inherited`, once leases and rules are read, and if there are rules.
    fn read_inherited(&mut self, ctx: &mut Context) {
        let needed = self.needs_inherited();
        let Phase::Reading(reading) = &mut self.phase else { return };
        if reading.leases.is_none() || !reading.rules {
            return;
        }
        reading.inherited = !needed;
        if needed {
            ctx.ask(op::Doc(DocName::inherited()), request::Inherited(self.round));
        }
    }

    /// The shards of a stream were listed, or the listing failed. Whether the reading is complete
    /// now.
    #[must_use]
    pub(in crate::coordinator::planner) fn on_shards(
        &mut self,
        of: &StreamName,
        result: Result<StreamView, SourceErrorKind>,
        ctx: &mut Context,
    ) -> bool {
        let Some(plan) = self.streams.get_mut(of) else { return false };
        if let Some((asked, view)) = plan.take_listed(result, ctx) {
            let changed = plan.on_view(view, asked, self.read_at, ctx);
            if self.phase.is_reading() {
                plan.ask_start(self.round, ctx);
            }
            if changed {
                self.plan_soon(ctx);
            }
        }
        self.go_on(ctx)
    }

    /// Leases, sessions and rules are read. Waits for starts and listings, then takes everything
    /// over and mends the lineage.
    fn on_all_read(&mut self, ctx: &mut Context) -> bool {
        if !self.settle_starts(ctx) {
            return false;
        }
        if self.streams.values().any(|plan| plan.listing == Listing::UnderWay) {
            return false;
        }
        if self.must_list_sessions_again(ctx) {
            self.list_sessions(ctx);
            return false;
        }
        let read = std::mem::replace(&mut self.phase, Phase::Idle);
        let Phase::Reading(Reading {
            leases: Some(leases), sessions: Some(sessions), since, ..
        }) = read
        else {
            return false;
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
        self.mend(ctx)
    }

    /// Whether a lease names a session that the listing lacks although the listing may be older
    /// than the lease. The sessions are then listed again.
    fn must_list_sessions_again(&mut self, ctx: &Context) -> bool {
        let Phase::Reading(Reading {
            leases: Some(leases),
            sessions: sessions @ Some(_),
            sessions_after: after @ false,
            ..
        }) = &mut self.phase
        else {
            return false;
        };
        let listed: BTreeSet<_> = sessions.iter().flatten().map(|row| &row.id).collect();
        let unknown = leases
            .iter()
            .filter_map(|row| row.owner.as_ref())
            .any(|owner| !listed.contains(owner) && !ctx.ended.contains(owner));
        let again = unknown && is_listed_after_the_leases();
        if again {
            sometimes!(ListedAgain);
            *sessions = None;
            *after = true;
        }
        again
    }

    /// Whether an answer belongs to the present reading.
    fn is_of_this_plan(&self, round: ReadingNo) -> bool {
        round == self.round || planted!(AnswersOutliveTheirPlan)
    }
}

/// Whether the next reading lists a stream that has forgotten these shards: it may have forgotten
/// their children, too.
fn must_be_listed(orphaned: &[LeaseKey]) -> bool {
    !orphaned.is_empty() && !planted!(OrphansWaitForTheAudit)
}

/// How consistently sessions are listed whose absence counts.
fn consistency_of_absence() -> Consistency {
    if planted!(AbsenceFromStaleListing) { Consistency::Eventual } else { Consistency::Strong }
}

/// Whether a session counts as absent only by a listing that was asked for after that of the
/// leases.
fn is_listed_after_the_leases() -> bool {
    !planted!(AbsenceFromOlderListing)
}
