//! What a planner would plan for what was found: for whoever wants to know before anything moves.
//!
//! It is the planner's own sight of rows, shards and rules, and its own plan; nothing is asked and
//! nothing is written.

use std::collections::BTreeMap;

use super::{catalogue::Catalogue, loads::Loads, moves::Moves, plan::Plan};
use crate::{
    coordinator::{context::Context, event::StreamView, heads::Standbys},
    env::Time,
    lease::{Document, Lease, LeaseKey, Session, SessionId},
    settings::Coordination,
    stream::StreamDescription,
};

/// What was found of an application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Situation<'a> {
    /// Every lease.
    pub rows: &'a [Lease],
    /// The sessions that live. Each counts as one that has lived for long.
    pub sessions: &'a [Session],
    /// The stream that is read.
    pub stream: &'a StreamDescription,
    /// Its shards; `None`, if they could not be listed.
    pub listed: Option<&'a StreamView>,
    /// The placement rules, as they stand or as they are to be.
    pub rules: Option<&'a Document>,
    /// What shards inherit of them.
    pub inherited: Option<&'a Document>,
}

impl<'a> Situation<'a> {
    /// These rows and sessions of an application that reads this stream: not listed, without rules.
    #[must_use]
    pub const fn new(
        rows: &'a [Lease],
        sessions: &'a [Session],
        stream: &'a StreamDescription,
    ) -> Self {
        Self { rows, sessions, stream, listed: None, rules: None, inherited: None }
    }
}

/// What would be planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// Who should hold each lease that somebody should hold.
    pub seats: BTreeMap<LeaseKey, SessionId>,
    /// The leases that nobody may hold, and why, worst lag first.
    pub unassigned: Vec<(LeaseKey, String)>,
}

/// What a planner with these settings would plan for what was found.
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
    // By then leases have returned to whom they prefer.
    ctx.now = Time::NEVER;
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
        assignment::placement::{Mode, Placement, PlacementRules, Rule, Target, Uncovered},
        coordinator::tests::id,
        lease::{DocName, PlanVersion},
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
}
