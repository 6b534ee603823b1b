use super::{super::tests as scene, *};
use crate::{
    assignment::{
        Balance, Weighting,
        placement::{Placement, Rule, Uncovered},
    },
    coordinator::tests::{at, id},
    lease::{Checkpoint, DocName, Document, Epoch, Incarnation, Progress, report::Why},
    settings::Coordination,
};

mod marks;

struct Scene {
    catalogue: Catalogue,
    loads: Loads,
    moves: Moves,
    plan: Plan,
    ctx: Context,
}

impl Scene {
    /// These rows and workers; nothing was listed, and there are no rules.
    fn of(rows: Vec<Lease>, workers: &[&str]) -> Self {
        let mut ctx = scene::context(Coordination::default());
        let mut catalogue = scene::catalogue(rows, workers, &ctx);
        let none = Placement::default().encode().unwrap();
        catalogue.rules_for_test(&Document::new(DocName::placement(), 1, none), &mut ctx);
        catalogue.inheritance_for_test(None, &mut ctx);
        Self {
            catalogue,
            loads: Loads::default(),
            moves: Moves::default(),
            plan: Plan::default(),
            ctx,
        }
    }

    fn listed(mut self, shards: Vec<Shard>) -> Self {
        self.catalogue.found_for_test(scene::view(shards), Vec::new());
        self
    }

    fn make(&mut self) -> Vec<(LeaseKey, String)> {
        self.plan.make(&self.catalogue, &self.loads, &self.moves, &self.ctx).unassigned
    }

    /// The worker that should hold each lease.
    fn holders(&mut self) -> Vec<(LeaseKey, &str)> {
        let _ = self.make();
        self.plan.iter().map(|(key, id)| (key.clone(), id.worker.as_str())).collect()
    }
}

/// The rows of two shards, without owners.
fn free(count: usize) -> Vec<Lease> {
    let rows = scene::shards(count);
    rows.iter().map(|shard| scene::row_of(shard, Checkpoint::TrimHorizon)).collect()
}

#[test]
fn leases_are_shared_among_the_workers_and_stay_where_they_are() {
    let mut scene = Scene::of(free(2), &["a", "b"]).listed(scene::shards(2));
    let first: Vec<(LeaseKey, String)> =
        scene.holders().into_iter().map(|(key, id)| (key, id.to_owned())).collect();
    let workers: BTreeSet<&str> = first.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!((first.len(), workers.len()), (2, 2));
    for (row, (_, worker)) in scene.catalogue.rows.values_mut().zip(&first) {
        row.owner = Some(id(worker));
    }
    let again: Vec<(LeaseKey, String)> =
        scene.holders().into_iter().map(|(key, id)| (key, id.to_owned())).collect();
    assert_eq!(again, first);
}

#[test]
fn a_child_waits_for_its_parents_and_goes_to_who_held_them() {
    let mut shards = scene::shards(2);
    let mut child = Shard::open(scene::shard_id(2), shards[0].range.unwrap());
    child.parents = vec![scene::shard_id(0)];
    shards.push(child.clone());
    let mut rows = scene::held(2, "b");
    rows.push(scene::row_of(&child, Checkpoint::TrimHorizon));
    let mut scene = Scene::of(rows, &["a", "b"]).listed(shards);
    assert!(scene.holders().iter().all(|(key, _)| *key != scene::key(2)), "its parent is read");
    let parent = scene.catalogue.rows.get_mut(&scene::key(0)).unwrap();
    (parent.checkpoint, parent.owner) = (Checkpoint::ShardEnd, Some(id("b")));
    scene.catalogue.rows.get_mut(&scene::key(1)).unwrap().owner = Some(id("a"));
    assert_eq!(scene.holders(), [(scene::key(1), "a"), (scene::key(2), "b")]);
}

#[test]
fn as_long_as_a_stream_was_not_listed_what_a_live_worker_holds_stays() {
    let mut shards = scene::shards(1);
    let mut child = Shard::open(scene::shard_id(1), shards[0].range.unwrap());
    child.parents = vec![scene::shard_id(0)];
    let mut held = scene::row_of(&child, Checkpoint::TrimHorizon);
    (held.owner, held.epoch) = (Some(id("a")), Epoch(7));
    // The parent has no row, and it is not known whether the stream lists it.
    let mut scene = Scene::of(vec![held.clone()], &["a"]);
    assert_eq!(scene.holders(), [(scene::key(1), "a")]);
    let mut nobodys = Scene::of(vec![Lease { owner: None, ..held.clone() }], &["a"]);
    assert_eq!(nobodys.holders(), []);
    shards.push(child);
    let mut listed = Scene::of(vec![held], &["a"]).listed(shards);
    assert_eq!(listed.holders(), [], "the parent is to be read first");
}

#[test]
fn rules_that_were_never_read_leave_each_lease_where_it_is() {
    let ctx = scene::context(Coordination::default());
    let mut rows = scene::held(3, "a");
    rows[2].owner = Some(id("gone"));
    let catalogue = scene::catalogue(rows, &["a", "b"], &ctx);
    let mut scene = Scene {
        catalogue,
        loads: Loads::default(),
        moves: Moves::default(),
        plan: Plan::default(),
        ctx,
    }
    .listed(scene::shards(3));
    let expected = [(scene::key(0), "a"), (scene::key(1), "a"), (scene::key(2), "b")];
    assert_eq!(scene.holders(), expected);
}

#[test]
fn a_lease_that_a_rule_gives_to_nobody_who_lives_is_told_with_the_reason() {
    let target = Target::Shard(scene::shard_id(0));
    let rule = Rule::new(target, "gone".parse().unwrap(), Mode::Require);
    let rules = PlacementRules::new(vec![rule], Uncovered::default()).unwrap();
    let mut scene = Scene::of(free(2), &["a"]).listed(scene::shards(2));
    let doc = Document::new(DocName::placement(), 2, Placement::from(rules).encode().unwrap());
    scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
    let left = scene.make();
    assert_eq!(left.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), [scene::key(0)]);
    assert!(left[0].1.contains("gone"), "{}", left[0].1);
    assert_eq!(scene.holders(), [(scene::key(1), "a")]);
}

/// Whether a shard inherits a rule is not known: it stays where it is, and where a rule is known
/// for one that holds.
#[test]
fn where_it_could_never_be_read_what_shards_inherit_the_others_stay_and_known_rules_hold() {
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = scene::catalogue(scene::held(3, "a"), &["a", "b"], &ctx);
    let rule = Rule::new(Target::Shard(scene::shard_id(1)), "b".parse().unwrap(), Mode::Require);
    let rules = PlacementRules::new(vec![rule], Uncovered::default()).unwrap();
    let doc = Document::new(DocName::placement(), 2, Placement::from(rules).encode().unwrap());
    catalogue.rules_for_test(&doc, &mut ctx);
    let garbled = Document::new(DocName::inherited(), 2, "[".into());
    catalogue.inheritance_for_test(Some(&garbled), &mut ctx);
    let (loads, moves, plan) = (Loads::default(), Moves::default(), Plan::default());
    let mut scene = Scene { catalogue, loads, moves, plan, ctx }.listed(scene::shards(3));
    let expected = [(scene::key(0), "a"), (scene::key(1), "b"), (scene::key(2), "a")];
    assert_eq!(scene.holders(), expected);
}

#[test]
fn a_worker_that_came_back_keeps_what_its_former_life_held_and_the_new_one_is_meant() {
    let mut scene = Scene::of(scene::held(2, "a"), &["b"]).listed(scene::shards(2));
    let mut again = scene::session("a", crate::lease::PlanVersion::NONE);
    again.id = SessionId::new("a".parse().unwrap(), Incarnation::from_bits(9));
    again.start = 9;
    scene.catalogue.on_seen(&again, &scene.ctx);
    let _ = scene.make();
    let of_a: Vec<&SessionId> =
        scene.plan.iter().map(|(_, id)| id).filter(|id| id.worker == again.id.worker).collect();
    assert_eq!(of_a, [&again.id]);
}

#[test]
fn a_move_that_was_ordered_and_a_release_to_a_live_session_are_not_called_off() {
    let mut scene = Scene::of(scene::held(2, "a"), &["a", "b"]).listed(scene::shards(2));
    let plan = scene::plan(&[(0, "b"), (1, "a")]);
    assert_eq!(scene.moves.follow(plan.iter(), &scene.catalogue, at(0)), 1);
    let _ = scene.moves.go_on(|_| true, &scene.catalogue.fleet, &mut scene.ctx);
    let expected = [(scene::key(0), "b"), (scene::key(1), "a")];
    assert_eq!(scene.holders(), expected);
    // The lease was released, and not acquired yet.
    let row = scene.catalogue.rows.get_mut(&scene::key(0)).unwrap();
    (row.owner, row.successor) = (None, Some(id("b")));
    scene.moves = Moves::default();
    assert_eq!(scene.holders(), expected);
}

#[test]
fn a_lease_does_not_move_for_its_weight_before_it_has_cooled_down() {
    let mut scene = Scene::of(scene::held(2, "a"), &["a", "b"]).listed(scene::shards(2));
    let plan = scene::plan(&[(0, "b"), (1, "a")]);
    let _ = scene.moves.follow(plan.iter(), &scene.catalogue, at(1_000));
    let row = &scene.catalogue.rows[&scene::key(0)];
    let mut weighed = row.clone();
    weighed.progress = Progress { rate: 9, ..Progress::NONE };
    for (now, settled) in [(1_000, false), (60_999, false), (61_000, true)] {
        scene.ctx.now = at(now);
        let members: Vec<&Session> = scene.catalogue.fleet.members().collect();
        let workers = numbered(&members);
        let Scene { catalogue, loads, moves, plan, ctx } = &scene;
        let sight = Sight { plan, catalogue, loads, moves, workers, ctx };
        let stream = scene::stream();
        let shards = scene::shards(2);
        let lineage = Lineage::new(&stream, &shards, [&weighed]);
        let rules = PlacementRules::default();
        let view = sight.lease_view(
            &weighed.key.shard().unwrap(),
            &weighed,
            &Resolver::new(&rules, &lineage),
        );
        assert_eq!((view.settled, view.weight), (settled, Some(9)), "at {now} ms");
    }
}

#[test]
fn leases_of_another_stream_are_left_alone() {
    let other: LeaseKey = "orders-2/5/shardId-000000000000".parse().unwrap();
    let role = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    let mut rows = free(1);
    rows.extend([Lease::new(other, Checkpoint::TrimHorizon), role]);
    let mut scene = Scene::of(rows, &["a"]).listed(scene::shards(1));
    assert_eq!(scene.holders(), [(scene::key(0), "a")]);
}

#[test]
fn a_lease_whose_row_makes_no_sense_is_given_to_nobody_and_its_children_wait() {
    let mut shards = scene::shards(1);
    let mut child = Shard::open(scene::shard_id(1), shards[0].range.unwrap());
    child.parents = vec![scene::shard_id(0)];
    shards.push(child.clone());
    let rows = vec![scene::row_of(&child, Checkpoint::TrimHorizon)];
    let mut scene = Scene::of(rows, &["a"]).listed(shards);
    scene.catalogue.unreadable_for_test(scene::key(0));
    assert_eq!(scene.holders(), []);
}

#[test]
fn where_seats_are_short_the_most_lagging_lease_is_held_and_the_other_told() {
    let mut rows = free(2);
    for (row, seconds) in rows.iter_mut().zip([1, 9]) {
        row.progress.lag = Some(std::time::Duration::from_secs(seconds));
    }
    let mut scene = Scene::of(rows, &["a"]).listed(scene::shards(2));
    scene.ctx.settings.limits.per_worker = Some(1);
    assert_eq!(scene.holders(), [(scene::key(1), "a")]);
    let left = scene.make();
    assert_eq!(left.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [scene::key(0)]);
}

#[test]
fn leases_are_shared_out_by_their_load_where_that_is_wanted() {
    let mut rows = scene::held(4, "a");
    for (number, row) in rows.iter_mut().enumerate() {
        row.progress.rate = if number < 2 { 10_000_000 } else { 1 };
        row.owner = Some(id(if number < 2 { "a" } else { "b" }));
    }
    let mut scene = Scene::of(rows, &["a", "b"]).listed(scene::shards(4));
    scene.ctx.settings.balance = Balance::Weighted(Weighting::default());
    let held = scene.holders();
    let heavy: BTreeSet<&str> = held[..2].iter().map(|(_, worker)| *worker).collect();
    assert_eq!(heavy, BTreeSet::from(["a", "b"]), "{held:?}");
}

#[test]
fn a_free_lease_goes_to_who_held_its_parent_and_not_to_who_is_to_be_avoided() {
    let mut shards = scene::shards(1);
    shards[0].closed = true;
    let mut child = Shard::open(scene::shard_id(1), shards[0].range.unwrap());
    child.parents = vec![scene::shard_id(0)];
    shards.push(child.clone());
    let mut parent = scene::held(1, "b").remove(0);
    parent.checkpoint = Checkpoint::ShardEnd;
    let rows = vec![parent, scene::row_of(&child, Checkpoint::TrimHorizon)];
    let mut scene = Scene::of(rows, &["a", "b"]).listed(shards);
    assert_eq!(scene.holders(), [(scene::key(1), "b")]);
    for avoided in ["a", "b"] {
        let mut rows = free(1);
        rows[0].avoid = Some(id(avoided).worker);
        let mut scene = Scene::of(rows, &["a", "b"]).listed(scene::shards(1));
        let other = if avoided == "a" { "b" } else { "a" };
        assert_eq!(scene.holders(), [(scene::key(0), other)]);
    }
}

/// A scene of two leases that `a` holds, where a rule prefers `b` for the first.
fn preferring_b() -> Scene {
    let rule = Rule::new(Target::Shard(scene::shard_id(0)), "b".parse().unwrap(), Mode::Prefer);
    let rules = PlacementRules::new(vec![rule], Uncovered::default()).unwrap();
    let mut scene = Scene::of(scene::held(2, "a"), &["a"]).listed(scene::shards(2));
    let doc = Document::new(DocName::placement(), 2, Placement::from(rules).encode().unwrap());
    scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
    scene
}

#[test]
fn a_lease_returns_to_its_worker_when_that_has_lived_for_two_session_timeouts() {
    let mut scene = preferring_b();
    assert_eq!(scene.holders(), [(scene::key(0), "a"), (scene::key(1), "a")]);
    assert_eq!(scene.plan.next_wake(), Time::NEVER, "nobody is waited for");
    scene.ctx.now = at(1_000);
    let b = scene::session("b", crate::lease::PlanVersion::NONE);
    scene.catalogue.on_seen(&b, &scene.ctx);
    for (now, holder) in [(1_000, "a"), (12_999, "a"), (13_000, "b")] {
        scene.ctx.now = at(now);
        assert_eq!(scene.holders()[0], (scene::key(0), holder), "at {now} ms");
        let next = if holder == "a" { at(13_000) } else { Time::NEVER };
        assert_eq!(scene.plan.next_wake(), next);
    }
}

#[test]
fn the_time_of_a_return_makes_one_plan() {
    let mut plan = Plan { return_at: at(13_000), ..Plan::default() };
    assert!(!plan.take_return(at(12_999)));
    assert!(plan.take_return(at(13_000)));
    assert!(!plan.take_return(at(13_000)));
    assert_eq!(plan.next_wake(), Time::NEVER);
}

#[test]
fn nothing_moves_while_the_operators_document_says_that_the_fleet_is_frozen() {
    use crate::{assignment::placement::Frozen, env::WallTime};
    let mut scene = preferring_b();
    let b = scene::session("b", crate::lease::PlanVersion::NONE);
    scene.catalogue.on_seen(&b, &scene.ctx);
    scene.ctx.now = at(60_000);
    let before = scene.catalogue.rules.stated().clone();
    let since = WallTime::from_millis(1);
    let frozen = Placement::from(before.clone())
        .frozen(Some(Frozen { by: "a test".to_owned(), since }))
        .encode();
    let frozen = Document::new(DocName::placement(), 3, frozen.unwrap());
    scene.catalogue.rules_for_test(&frozen, &mut scene.ctx);
    let kept = [(scene::key(0), "a"), (scene::key(1), "a")];
    assert_eq!(scene.holders(), kept);
    let garbled = Document::new(DocName::placement(), 4, "{".into());
    scene.catalogue.rules_for_test(&garbled, &mut scene.ctx);
    assert_eq!(scene.holders(), kept, "a slip does not thaw it");
    let thawed = Document::new(DocName::placement(), 5, Placement::from(before).encode().unwrap());
    scene.catalogue.rules_for_test(&thawed, &mut scene.ctx);
    assert_eq!(scene.holders(), [(scene::key(0), "b"), (scene::key(1), "a")]);
}

/// The leases that a plan gives away: from which worker, to which, and why.
fn given(scene: &mut Scene) -> Vec<(usize, Option<String>, String, Why)> {
    let made = scene.plan.make(&scene.catalogue, &scene.loads, &scene.moves, &scene.ctx);
    let number = |key: &LeaseKey| (0..9).find(|number| scene::key(*number) == *key).unwrap();
    let of = |it: made::Given| {
        (number(&it.lease), it.from.map(|from| from.to_string()), it.to.to_string(), it.why)
    };
    made.given.into_iter().map(of).collect()
}

#[test]
fn what_a_plan_gives_to_others_is_told_once_with_the_reason() {
    let mut scene = Scene::of(free(2), &["a"]).listed(scene::shards(2));
    let to = |number, worker: &str| (number, None, worker.to_owned(), Why::Free);
    assert_eq!(given(&mut scene), [to(0, "a"), to(1, "a")]);
    assert_eq!(given(&mut scene), [], "it has been told");
    let moved = |scene: &mut Scene| {
        let given = given(scene);
        assert_eq!(given.len(), 1, "{given:?}");
        let (_, from, to, why) = given.into_iter().next().unwrap();
        (from.unwrap(), to, why)
    };
    let from_to = |why| ("a".to_owned(), "b".to_owned(), why);
    let mut scene = Scene::of(scene::held(2, "a"), &["a", "b"]).listed(scene::shards(2));
    assert_eq!(moved(&mut scene), from_to(Why::Balance));
    let mut held = scene::held(1, "a");
    let mut scene = Scene::of(held.clone(), &["b"]).listed(scene::shards(1));
    assert_eq!(moved(&mut scene), from_to(Why::Gone));
    held[0].avoid = Some("a".parse().unwrap());
    let mut scene = Scene::of(held, &["a", "b"]).listed(scene::shards(1));
    assert_eq!(moved(&mut scene), from_to(Why::Stalled));
    let mut scene = Scene::of(scene::held(1, "a"), &["b"]).listed(scene::shards(1));
    let mut leaving = scene::session("a", crate::lease::PlanVersion::NONE);
    leaving.state = crate::lease::SessionState::Leaving;
    scene.catalogue.on_seen(&leaving, &scene.ctx);
    assert_eq!(moved(&mut scene), from_to(Why::Leaves));
}
