//! Forecasts the plan of a planner for given rows, shards and rules. Commands show it before they
//! make a change.
//!
//! A forecast runs the planner's own code for the view and the plan. It sends the store no request.

use std::collections::BTreeMap;

use super::{catalogue::Catalogue, loads::Loads, moves::Moves, plan::Plan};
use crate::{
    coordinator::{context::Context, event::StreamView, heads::Standbys},
    env::{Time, WallTime},
    lease::{Document, Lease, LeaseKey, Session, SessionId},
    settings::Coordination,
    stream::StreamDescription,
};

/// The state of an application, as a command has read it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Situation<'a> {
    /// All leases.
    pub rows: &'a [Lease],
    /// The live sessions. Each counts as one that has lived long enough for leases to return to it.
    pub sessions: &'a [Session],
    /// The stream that the application reads.
    pub stream: &'a StreamDescription,
    /// Its shards; `None` if they could not be listed.
    pub listed: Option<&'a StreamView>,
    /// The document with the placement rules, as stored or as it should become; `None`: no rules.
    pub rules: Option<&'a Document>,
    /// The document `inherited`: which rules shards inherit; `None`: there is none.
    pub inherited: Option<&'a Document>,
    /// When it was read, by the store's clock. Orders to send a lease somewhere that end before
    /// this do not count.
    pub at: WallTime,
}

impl<'a> Situation<'a> {
    /// The rows and sessions of an application that reads this stream: without shards and rules, at
    /// time zero.
    #[must_use]
    pub const fn new(
        rows: &'a [Lease],
        sessions: &'a [Session],
        stream: &'a StreamDescription,
    ) -> Self {
        let at = WallTime::from_millis(0);
        Self { rows, sessions, stream, listed: None, rules: None, inherited: None, at }
    }
}

/// The plan that a planner would make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The session that should hold each lease. Leases that no session should hold are missing.
    pub seats: BTreeMap<LeaseKey, SessionId>,
    /// The leases that no worker may hold, with the reason; the lease with the greatest lag comes
    /// first.
    pub unassigned: Vec<(LeaseKey, String)>,
}

/// The plan that a planner with these settings would make. Every lease weighs the same unless its
/// row says how many bytes arrive; no move is under way.
#[must_use]
pub fn forecast(found: &Situation<'_>, settings: &Coordination) -> Forecast {
    let mut ctx = Context::new(settings.clone(), 0);
    let _ = ctx.reads.on_described(None, Ok(found.stream.clone()), Time::ZERO);
    let mut catalogue = Catalogue::new(Time::NEVER, Standbys::default(), &ctx);
    catalogue.take(found.rows, found.listed);
    for session in found.sessions {
        catalogue.on_seen(session, &ctx);
    }
    catalogue.take_rules(found.rules, found.inherited, &mut ctx);
    // Every worker has lived long enough by then.
    ctx.now = Time::NEVER;
    ctx.epochs.is_at_least(found.at.as_millis(), ctx.now);
    let mut plan = Plan::default();
    let made = plan.make(&catalogue, &Loads::default(), &Moves::default(), &ctx);
    let unassigned = made.unassigned;
    let seats = plan.iter().map(|(key, id)| (key.clone(), id.clone())).collect();
    Forecast { seats, unassigned }
}

#[cfg(test)]
mod tests {
    use super::{super::tests as scene, *};
    use crate::{
        assignment::placement::{
            Inherited, Mode, Placement, PlacementRules, Rule, Said, Sent, Target, Uncovered,
        },
        coordinator::tests::id,
        lease::{Checkpoint, DocName, Epoch, PlanVersion},
    };

    #[test]
    fn a_forecast_is_what_the_planner_plans_once_leases_have_returned() {
        let (rows, description) = (scene::held(2, "a"), scene::described(5));
        let sessions = ["a", "b"].map(|worker| scene::session(worker, PlanVersion::NONE));
        let view = scene::view(scene::shards(2));
        let mut found = Situation::new(&rows, &sessions, &description);
        let seats = |found: &Situation<'_>| forecast(found, &Coordination::default()).seats;
        let by: Vec<_> = seats(&found).into_values().collect();
        assert!(by.contains(&id("a")) && by.contains(&id("b")), "evenly, without rules: {by:?}");
        let rule = |shard, worker: &str, mode| {
            Rule::new(Target::Shard(scene::shard_id(shard)), worker.parse().unwrap(), mode)
        };
        let rules = vec![rule(0, "b", Mode::Prefer), rule(1, "gone", Mode::Require)];
        let rules = PlacementRules::new(rules, Uncovered::Balance).unwrap();
        let body = Placement::from(rules).encode().unwrap();
        let rules = Document::new(DocName::placement(), 1, body);
        (found.listed, found.rules) = (Some(&view), Some(&rules));
        let planned = forecast(&found, &Coordination::default());
        assert_eq!(planned.seats, BTreeMap::from([(scene::key(0), id("b"))]));
        assert_eq!(planned.unassigned.len(), 1);
        assert!(planned.unassigned[0].1.contains("gone"), "{planned:?}");
    }

    #[test]
    fn what_was_said_for_a_while_is_no_longer_foreseen_when_that_is_over() {
        let (rows, description) = (scene::held(2, "a"), scene::described(5));
        let sessions = ["a", "b"].map(|worker| scene::session(worker, PlanVersion::NONE));
        let mut found = Situation::new(&rows, &sessions, &description);
        let seats = |found: &Situation<'_>| forecast(found, &Coordination::default()).seats;
        let unsaid = seats(&found);
        let stays = unsaid.iter().find(|(_, worker)| **worker == id("a")).unwrap().0.clone();
        let mut placement = Placement::default();
        let said = Said { by: "a test".to_owned(), since: WallTime::from_millis(1) };
        let sent = Sent { to: id("b").worker, until: WallTime::from_millis(2_000), said };
        placement.marks.sent.insert(stays.clone(), sent);
        let rules = Document::new(DocName::placement(), 1, placement.encode().unwrap());
        (found.rules, found.at) = (Some(&rules), WallTime::from_millis(1_999));
        assert_eq!(seats(&found)[&stays], id("b"));
        found.at = WallTime::from_millis(2_000);
        assert_eq!(seats(&found), unsaid);
    }

    #[test]
    fn a_child_is_foreseen_only_when_its_parent_is_gone_from_the_stream() {
        let mut shards = scene::shards(2);
        shards[1].parents = vec![scene::shard_id(0)];
        let rows = [Lease { owner: None, ..scene::row_of(&shards[1], Checkpoint::TrimHorizon) }];
        let (sessions, description) =
            ([scene::session("a", PlanVersion::NONE)], scene::described(5));
        let (whole, child) = (scene::view(shards.clone()), scene::view(vec![shards[1].clone()]));
        let mut found = Situation::new(&rows, &sessions, &description);
        for (view, seats) in [(&whole, 0), (&child, 1)] {
            found.listed = Some(view);
            assert_eq!(forecast(&found, &Coordination::default()).seats.len(), seats);
        }
    }

    #[test]
    fn what_a_shard_inherits_of_ancestors_whose_rows_are_gone_is_foreseen() {
        let (rows, description) = (scene::held(2, "a"), scene::described(5));
        let sessions = ["a", "b"].map(|worker| scene::session(worker, PlanVersion::NONE));
        let target = Target::Shard(scene::shard_id(7));
        let rule = Rule::new(target.clone(), id("gone").worker, Mode::Require);
        let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
        let placement = Placement::from(rules).encode().unwrap();
        let placement = Document::new(DocName::placement(), 1, placement);
        let mut heirs = Inherited::default();
        heirs.replace(&description.key, BTreeMap::from([(scene::shard_id(1), target)]));
        let heirs = Document::new(DocName::inherited(), 1, heirs.encode(Epoch(3)).unwrap());
        let mut found = Situation::new(&rows, &sessions, &description);
        found.rules = Some(&placement);
        let waits = |found: &Situation<'_>| {
            let planned = forecast(found, &Coordination::default());
            planned.unassigned.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(waits(&found), []);
        found.inherited = Some(&heirs);
        assert_eq!(waits(&found), [scene::key(1)]);
    }
}
