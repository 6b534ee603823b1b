//! The input of a plan: leases, sessions, the shards of each stream, the rules, and the rules that
//! shards inherit from deleted ancestors.
//!
//! A *reading* asks for all of it, so that a plan is made from one picture. When everything is
//! there, the reading *mends* the lineage: it puts the rows that listed shards lack. Then it is
//! complete, and the plan is made.
//!
//! A listing may lack a thing that exists, since the store changes meanwhile. So sessions are
//! listed after the leases, shards after the rows, and rows are put only after a beat has shown
//! that the store has not gone back.
//!
//! | phase | when | then | request to the store or the source |
//! |---|---|---|---|
//! | idle, again | a plan is wanted and due, the session is valid | reading | list leases and sessions; read the rules, if they are due |
//! | reading | the leases are read | reading | list the shards of each stream that should be listed |
//! | reading | leases and rules are read, and there are rules | reading | read the document `inherited` |
//! | reading | a listing of shards came that was asked for before the leases were read | reading | list the shards again |
//! | reading | a stream is listed, its start is not known | reading | read the start; or put the one that is known here |
//! | reading | no start is stored | reading | beat, if another start than a lost one would skip records |
//! | reading | everything is read, and that beat is answered | reading | put a start |
//! | reading | everything is read, no start may be frozen yet | again | – |
//! | reading | a lease names a session that is not listed | reading | list the sessions once more, after the leases |
//! | reading | everything is read | mending | beat, if rows are missing |
//! | mending | that beat is answered | mending | put rows, descendants first |
//! | mending | no row is missing | idle, and complete | – |
//! | reading, mending | a call failed | again | – |
//! | reading, mending | the store went back | idle | – |
//! | any | the planner was woken | the same | read the rules, beside any reading |
//! | any | their version is another than in the last reading | the same, and a plan is wanted | – |

mod fleet;
mod inheritance;
mod mending;
mod phase;
mod reading;
pub(in crate::coordinator) mod request;
mod rules;
mod start;
mod stream;

/// How long the planner waits for other workers that join at about the same time.
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

/// The input of plans, as last read, and the reading that is under way: see the module.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// The leases, as last read; those that cannot be decoded are in `unreadable`.
    pub(super) rows: BTreeMap<LeaseKey, Lease>,
    /// Leases whose rows cannot be decoded, each with a row in its place. Only its key is right.
    unreadable: BTreeMap<LeaseKey, Lease>,
    /// The sessions, as last seen.
    pub(super) fleet: Fleet,
    /// The streams that are planned for, by name.
    pub(super) streams: BTreeMap<StreamName, StreamPlan>,
    /// The placement rules and the operator's marks.
    pub(super) rules: Rules,
    /// The rules that shards inherit from deleted leases.
    pub(super) inheritance: Inheritance,
    /// The number of the present reading.
    round: ReadingNo,
    phase: Phase,
    /// When the next reading begins; [`Time::NEVER`] if none is wanted.
    plan_at: Time,
    /// When the leases of this reading were read: its listings of shards have to be newer.
    read_at: Time,
}

impl Catalogue {
    /// Knows nothing but the standbys. The first reading begins at `first`.
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

    /// How long the streams keep records, as last described: the shortest time of all.
    pub(super) fn retention(&self) -> Option<Duration> {
        let views = self.streams.values().filter_map(StreamPlan::view);
        views.map(|view| view.description.retention).min()
    }

    pub(super) fn next_wake(&self) -> Time {
        let reading = if self.phase.is_idle() { self.plan_at } else { self.phase.next_wake() };
        let listings = self.streams.values().map(|plan| plan.list_at);
        listings.fold(reading, Time::min)
    }

    /// Wants a reading at once; after the present one, if one is under way.
    pub(super) fn plan_soon(&mut self, ctx: &Context) {
        self.plan_at = self.plan_at.min(ctx.now);
    }

    /// Another session woke the planner: the operator may have changed the rules.
    pub(super) fn on_woken(&mut self, ctx: &mut Context) {
        if means_rules() {
            self.rules.look(ctx);
        }
    }

    /// Makes the next reading list the shards of every stream.
    pub(super) fn want_listings(&mut self) {
        for plan in self.streams.values_mut() {
            plan.listing = stream::Listing::Wanted;
        }
    }

    /// A session's row was read.
    pub(super) fn on_seen(&mut self, row: &Session, ctx: &Context) {
        let news = self.fleet.observe(row, ctx.now);
        self.react(news, ctx);
    }

    /// A session has ended.
    pub(super) fn on_ended(&mut self, id: &SessionId, ctx: &Context) {
        let news = self.fleet.remove(id);
        self.react(news, ctx);
    }

    /// Wants a reading, if a session's news may change the plan.
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
    /// the making rests on documents and rows read before that, so it is given up.
    pub(super) fn on_store_went_back(&mut self) {
        self.fleet.forget_rows();
        if a_plan_dies_with_its_store() {
            self.give_up();
        }
        self.rules.want();
    }

    /// The leases of a stream, in all of its lives. Of a row that cannot be decoded only the key is
    /// right.
    pub(super) fn rows_of<'a>(
        &'a self,
        plan: &'a StreamPlan,
    ) -> impl Iterator<Item = &'a Lease> + Clone {
        let unreadable = self.unreadable.values();
        let unreadable = unreadable.filter(|row| row.key.is_of(plan.in_keys()));
        self.readable_of(plan).chain(unreadable)
    }

    /// The leases of a stream whose rows can be decoded. Keys of one stream have one prefix, so
    /// they are neighbours in the map.
    fn readable_of<'a>(&'a self, plan: &'a StreamPlan) -> impl Iterator<Item = &'a Lease> + Clone {
        let prefix = LeaseKey::prefix_of(plan.in_keys());
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let rows = self.rows.range::<str, _>(from).map(|(_, row)| row);
        rows.take_while(|row| row.key.is_of(plan.in_keys()))
    }

    /// Whether the row of a lease cannot be decoded: its owner and its checkpoint are not known.
    pub(super) fn is_unreadable(&self, key: &LeaseKey) -> bool {
        self.unreadable.contains_key(key)
    }

    /// Whether every row could be decoded; else there may be owners that are not known.
    pub(super) fn is_whole(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Whether a live session holds the lease.
    pub(super) fn is_held(&self, row: &Lease) -> bool {
        row.owner.as_ref().is_some_and(|owner| self.fleet.is_alive(owner))
    }

    /// Takes the rows that the last reading found to be useless.
    pub(super) fn take_deletable(&mut self) -> Vec<Delete> {
        let of = |plan: &mut StreamPlan| std::mem::take(&mut plan.deletable);
        self.streams.values_mut().flat_map(of).collect()
    }

    /// Takes over rows and shards that were read elsewhere, for a forecast.
    pub(super) fn take(&mut self, rows: &[Lease], listed: Option<&StreamView>) {
        self.rows = rows.iter().map(|row| (row.key.clone(), row.clone())).collect();
        if let Some(view) = listed
            && let Some(plan) = self.streams.get_mut(&view.description.name)
        {
            plan.is_listed(view.clone());
        }
    }

    /// Takes over rules that were read elsewhere, and the inherited rules, for a forecast.
    pub(super) fn take_rules(
        &mut self,
        rules: Option<&Document>,
        inherited: Option<&Document>,
        ctx: &mut Context,
    ) {
        self.rules.read(rules, ctx);
        self.inheritance.read(inherited, ctx);
    }

    /// Whether shards may inherit a rule, so that the document has to be read.
    fn needs_inherited(&self) -> bool {
        self.rules.name_any()
    }

    /// Takes over the rules, as if they had been read.
    #[cfg(test)]
    pub(super) fn rules_for_test(&mut self, doc: &Document, ctx: &mut Context) {
        self.rules.read(Some(doc), ctx);
    }

    /// Takes over inherited rules, as if they had been read.
    #[cfg(test)]
    pub(super) fn inheritance_for_test(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        self.inheritance.read(doc, ctx);
    }

    /// Makes the row of this lease one that cannot be decoded.
    #[cfg(test)]
    pub(super) fn unreadable_for_test(&mut self, key: LeaseKey) {
        let stand_in = Lease::new(key.clone(), crate::lease::Checkpoint::TrimHorizon);
        self.unreadable.insert(key, stand_in);
    }

    /// Takes over a listing, and rows that are useless.
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
