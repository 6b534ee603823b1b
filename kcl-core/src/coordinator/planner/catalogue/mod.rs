//! What there is: leases, sessions, streams, rules and what is inherited of them, as one reading
//! shows them together.
//!
//! A reading asks for everything at once, mends the lineage (puts the rows that shards lack), and
//! is then complete: the plan is made from what it found.
//!
//! | phase | when | then | it asks |
//! |---|---|---|---|
//! | idle, again | a plan is wanted and due, the session valid | reading | leases, sessions; the rules, if they are due |
//! | reading | the leases are read | reading | a listing of each stream of which one is wanted |
//! | reading | leases and rules are read, there are rules | reading | what shards inherit |
//! | reading | a listing came that was asked for before the leases were read | reading | another one |
//! | reading | a stream is listed, its start is not known | reading | the start; or puts the one it knows |
//! | reading | no start is stored | reading | a beat, if another start than the lost one would skip records |
//! | reading | everything is read, and that beat answered | reading | puts a start |
//! | reading | everything is read, nobody may freeze a start yet | again | – |
//! | reading | a lease names a session that is not listed | reading | the sessions once more, after the leases |
//! | reading | everything is read | mending | a beat, if rows are missing |
//! | mending | that beat was answered | mending | puts rows, descendants first |
//! | mending | no row is missing | idle, and complete | – |
//! | reading, mending | a call failed | again | – |
//! | reading, mending | the store went back | idle | – |
//! | any | the planner was woken | the same | the rules, beside any reading |
//! | any | they are others than in the last reading | the same, and a plan is wanted | – |

mod fleet;
mod inheritance;
mod mending;
mod phase;
mod reading;
pub(in crate::coordinator) mod request;
mod rules;
mod start;
mod stream;

/// How long others are waited for that join together with one.
fn gathers_for(ctx: &Context) -> Duration {
    if planted!(JoinsNotGathered) { Duration::ZERO } else { ctx.settings.join_gather }
}

/// Whether a plan in the making is given up when the store went back.
pub(super) fn a_plan_dies_with_its_store() -> bool {
    !planted!(PlanOutlivesItsStore)
}

#[cfg(test)]
mod tests;

pub(super) use fleet::Fleet;
pub(super) use stream::StreamPlan;

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use self::{fleet::News, inheritance::Inheritance, phase::Phase, request::ReadingNo, rules::Rules};
use crate::{
    coordinator::{context::Context, event::StreamView, heads::Standbys},
    env::Time,
    lease::{Delete, Document, Lease, LeaseKey, Session, SessionId},
    stream::StreamName,
};

/// What there is, and how it is read.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// The leases, as last read.
    pub(super) rows: BTreeMap<LeaseKey, Lease>,
    /// Leases whose rows make no sense, and what stands for each: nothing is known of them but that
    /// they are there.
    unreadable: BTreeMap<LeaseKey, Lease>,
    /// The sessions, as last seen.
    pub(super) fleet: Fleet,
    /// The streams that are planned for.
    pub(super) streams: BTreeMap<StreamName, StreamPlan>,
    pub(super) rules: Rules,
    pub(super) inheritance: Inheritance,
    round: ReadingNo,
    phase: Phase,
    /// When the next reading begins, if one is wanted.
    plan_at: Time,
    /// When the leases of this reading were read: its listings of shards have to be newer.
    read_at: Time,
}

impl Catalogue {
    /// Nothing is known yet but who stands by. The first reading begins at this time.
    pub(super) fn new(first: Time, standbys: Standbys, ctx: &Context) -> Self {
        Self {
            rows: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            fleet: Fleet::reading(ctx.reads.name().cloned(), standbys),
            streams: ctx.reads.all().map(|of| (of.name.clone(), StreamPlan::new(of))).collect(),
            rules: Rules::default(),
            inheritance: Inheritance::default(),
            round: ReadingNo::default(),
            phase: Phase::Idle,
            plan_at: first,
            read_at: Time::ZERO,
        }
    }

    /// For how long the streams keep records, as they were last listed: the least of them.
    pub(super) fn retention(&self) -> Option<Duration> {
        let views = self.streams.values().filter_map(StreamPlan::view);
        views.map(|view| view.description.retention).min()
    }

    pub(super) fn next_wake(&self) -> Time {
        let reading = if self.phase.is_idle() { self.plan_at } else { self.phase.next_wake() };
        let listings = self.streams.values().map(|plan| plan.list_at);
        listings.fold(reading, Time::min)
    }

    /// A reading begins at once, or again if one is under way.
    pub(super) fn plan_soon(&mut self, ctx: &Context) {
        self.plan_at = self.plan_at.min(ctx.now);
    }

    /// Somebody woke the planner: the operator, perhaps, who has changed the rules.
    pub(super) fn on_woken(&mut self, ctx: &mut Context) {
        if means_rules() {
            self.rules.look(ctx);
        }
    }

    /// The next reading lists the shards of every stream.
    pub(super) fn want_listings(&mut self) {
        for plan in self.streams.values_mut() {
            plan.listing = stream::Listing::Wanted;
        }
    }

    /// A session was seen.
    pub(super) fn on_seen(&mut self, row: &Session, ctx: &Context) {
        let news = self.fleet.observe(row, ctx.now);
        self.react(news, ctx);
    }

    /// A session has ended.
    pub(super) fn on_ended(&mut self, id: &SessionId, ctx: &Context) {
        let news = self.fleet.remove(id);
        self.react(news, ctx);
    }

    fn react(&mut self, news: News, ctx: &Context) {
        match news {
            News::None => {}
            News::Joined => {
                self.plan_at = self.plan_at.min(ctx.now + gathers_for(ctx));
            }
            News::Urgent => self.plan_soon(ctx),
        }
    }

    /// The store may have lost its last writes: the rules, and even the ends of sessions. A plan in
    /// the making rests on what was read before.
    pub(super) fn on_store_went_back(&mut self) {
        self.fleet.forget_rows();
        if a_plan_dies_with_its_store() {
            self.give_up();
        }
        self.rules.want();
    }

    /// The leases of a stream, in any of its lives. Of one whose row makes no sense only the key is
    /// right.
    pub(super) fn rows_of<'a>(
        &'a self,
        plan: &'a StreamPlan,
    ) -> impl Iterator<Item = &'a Lease> + Clone {
        let unreadable = self.unreadable.values();
        let unreadable = unreadable.filter(|row| row.key.is_of(plan.in_keys()));
        self.readable_of(plan).chain(unreadable)
    }

    fn readable_of<'a>(&'a self, plan: &'a StreamPlan) -> impl Iterator<Item = &'a Lease> + Clone {
        let prefix = LeaseKey::prefix_of(plan.in_keys());
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let rows = self.rows.range::<str, _>(from).map(|(_, row)| row);
        rows.take_while(|row| row.key.is_of(plan.in_keys()))
    }

    /// Whether the row of a lease makes no sense: whether anybody holds it is not known, nor how
    /// far it is.
    pub(super) fn is_unreadable(&self, key: &LeaseKey) -> bool {
        self.unreadable.contains_key(key)
    }

    /// Whether every lease could be read: of the others it is not known which sessions they name.
    pub(super) fn is_whole(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Whether a live session holds the lease.
    pub(super) fn is_held(&self, row: &Lease) -> bool {
        row.owner.as_ref().is_some_and(|owner| self.fleet.is_alive(owner))
    }

    /// The rows that nobody needs any more, as the last reading found them; once.
    pub(super) fn take_deletable(&mut self) -> Vec<Delete> {
        let of = |plan: &mut StreamPlan| std::mem::take(&mut plan.deletable);
        self.streams.values_mut().flat_map(of).collect()
    }

    /// These leases were found, and these shards of the stream.
    pub(super) fn take(&mut self, rows: &[Lease], listed: Option<&StreamView>) {
        self.rows = rows.iter().map(|row| (row.key.clone(), row.clone())).collect();
        if let Some(view) = listed
            && let Some(plan) = self.streams.get_mut(&view.description.name)
        {
            plan.is_listed(view.clone());
        }
    }

    /// These rules were read, and this of what shards inherit of them.
    pub(super) fn take_rules(
        &mut self,
        rules: Option<&Document>,
        inherited: Option<&Document>,
        ctx: &mut Context,
    ) {
        self.rules.read(rules, ctx);
        self.inheritance.read(inherited, ctx);
    }

    /// Whether there is anything to inherit, and so to be read.
    fn needs_inherited(&self) -> bool {
        self.rules.name_any()
    }

    /// These rules were read.
    #[cfg(test)]
    pub(super) fn rules_for_test(&mut self, doc: &Document, ctx: &mut Context) {
        self.rules.read(Some(doc), ctx);
    }

    /// What shards inherit was read.
    #[cfg(test)]
    pub(super) fn inheritance_for_test(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        self.inheritance.read(doc, ctx);
    }

    /// The row of this lease makes no sense.
    #[cfg(test)]
    pub(super) fn unreadable_for_test(&mut self, key: LeaseKey) {
        let stand_in = Lease::new(key.clone(), crate::lease::Checkpoint::TrimHorizon);
        self.unreadable.insert(key, stand_in);
    }

    /// The stream was listed so, and these rows found to be useless.
    #[cfg(test)]
    pub(super) fn found_for_test(&mut self, view: StreamView, deletable: Vec<Delete>) {
        if let Some(plan) = self.streams.get_mut(&view.description.name) {
            plan.is_listed(view);
            plan.deletable = deletable;
        }
    }
}

/// Whether a wake-up may mean that the rules have changed.
fn means_rules() -> bool {
    !planted!(WokenReadsNoRules)
}
