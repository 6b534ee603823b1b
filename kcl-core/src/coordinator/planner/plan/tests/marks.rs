//! The operator's marks for single workers and leases.

use super::*;
use crate::assignment::placement::{LetGo, Marks, Said, Sent};

fn said() -> Said {
    Said { by: "a test".to_owned(), since: WallTime::from_millis(1) }
}

/// A scene of two leases that `a` holds, with a live `b`, and with these marks.
fn marked(change: impl FnOnce(&mut Marks)) -> Scene {
    let mut scene = Scene::of(scene::held(2, "a"), &["a", "b"]).listed(scene::shards(2));
    scene.mark(change);
    scene
}

impl Scene {
    fn mark(&mut self, change: impl FnOnce(&mut Marks)) {
        let mut placement = Placement::default();
        change(&mut placement.marks);
        let doc = Document::new(DocName::placement(), 2, placement.encode().unwrap());
        self.catalogue.rules_for_test(&doc, &mut self.ctx);
    }

    fn told(&mut self) -> Vec<(LeaseKey, String)> {
        self.make()
    }
}

#[test]
fn a_drained_worker_gets_nothing_and_what_it_holds_goes_to_others() {
    let mut scene = marked(|marks| drop(marks.drained.insert(id("a").worker, said())));
    assert_eq!(scene.holders(), [(scene::key(0), "b"), (scene::key(1), "b")]);
    let plan = std::mem::take(&mut scene.plan);
    let moves = scene.moves.follow(plan.iter(), &scene.catalogue, at(0));
    assert_eq!(moves, 2, "it hands over, as between any two workers that live");
    scene.mark(|marks| drop(marks.drained.insert(id("c").worker, said())));
    assert!(scene.holders().iter().any(|(_, worker)| *worker == "a"), "it was another's mark");
}

#[test]
fn what_a_drained_worker_alone_may_read_is_told_with_the_reason() {
    let rule = Rule::new(Target::Shard(scene::shard_id(0)), id("a").worker, Mode::Require);
    let rules = PlacementRules::new(vec![rule], Uncovered::default()).unwrap();
    let mut scene = Scene::of(scene::held(2, "a"), &["a", "b"]).listed(scene::shards(2));
    let mut placement = Placement::from(rules);
    placement.marks.drained.insert(id("a").worker, said());
    let doc = Document::new(DocName::placement(), 2, placement.encode().unwrap());
    scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
    let told = scene.told();
    assert_eq!((told.len(), &told[0].0), (1, &scene::key(0)));
    assert!(told[0].1.contains("drained"), "{}", told[0].1);
    assert_eq!(scene.holders(), [(scene::key(1), "b")]);
    placement.marks.drained.insert(id("b").worker, said());
    let doc = Document::new(DocName::placement(), 3, placement.encode().unwrap());
    scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
    let told = scene.told();
    assert!(told.iter().any(|(_, why)| why.contains("every worker that lives")), "{told:?}");
}

#[test]
fn a_paused_lease_is_held_by_nobody_and_that_is_told() {
    let mut scene = marked(|marks| drop(marks.paused.insert(scene::key(0), said())));
    let told = scene.told();
    assert_eq!((told.len(), &told[0].0), (1, &scene::key(0)));
    assert!(told[0].1.contains("kcl leases resume"), "{}", told[0].1);
    assert_eq!(scene.holders().len(), 1);
}

#[test]
fn a_lease_is_let_go_by_the_owner_of_that_epoch_alone() {
    let let_go = |epoch| {
        let epoch = Epoch(epoch);
        marked(|marks| drop(marks.let_go.insert(scene::key(0), LetGo { epoch, said: said() })))
    };
    assert_eq!(let_go(7).holders(), [(scene::key(0), "b"), (scene::key(1), "a")]);
    let mut spent = let_go(6);
    spent.catalogue.rows.get_mut(&scene::key(1)).unwrap().owner = Some(id("b"));
    assert_eq!(spent.holders(), [(scene::key(0), "a"), (scene::key(1), "b")]);
}

/// While the handover is under way, the plan is made again and again.
#[test]
fn a_lease_that_its_owner_was_ordered_to_give_away_is_not_given_to_a_third() {
    let mark = LetGo { epoch: Epoch(7), said: said() };
    let mut scene = marked(|marks| drop(marks.let_go.insert(scene::key(0), mark)));
    let expected = [(scene::key(0), "b"), (scene::key(1), "a")];
    assert_eq!(scene.holders(), expected);
    let plan = std::mem::take(&mut scene.plan);
    assert_eq!(scene.moves.follow(plan.iter(), &scene.catalogue, at(0)), 1);
    let _ = scene.moves.go_on(|_| true, &scene.catalogue.fleet, &mut scene.ctx);
    assert_eq!(scene.holders(), expected);
    assert_eq!(scene.told(), []);
}

#[test]
fn a_lone_worker_is_to_give_a_lease_back_and_then_gets_it_again() {
    let mark = LetGo { epoch: Epoch(7), said: said() };
    let mut scene = Scene::of(scene::held(2, "a"), &["a"]).listed(scene::shards(2));
    scene.mark(|marks| drop(marks.let_go.insert(scene::key(0), mark)));
    assert_eq!(scene.holders(), [(scene::key(1), "a")]);
    assert_eq!(scene.plan.next_wake(), at(1_500), "by then it may have");
    scene.catalogue.rows.get_mut(&scene::key(0)).unwrap().owner = None;
    assert_eq!(scene.holders(), [(scene::key(0), "a"), (scene::key(1), "a")]);
    assert_eq!(scene.plan.next_wake(), Time::NEVER);
}

#[test]
fn a_lease_is_sent_to_a_worker_until_the_stores_clock_says_that_it_is_over() {
    let sent = Sent { to: id("b").worker, until: WallTime::from_millis(90_000), said: said() };
    let mut scene = marked(|marks| drop(marks.sent.insert(scene::key(0), sent)));
    scene.catalogue.rows.get_mut(&scene::key(1)).unwrap().owner = Some(id("b"));
    scene.ctx.now = at(20_000);
    scene.ctx.epochs.is_at_least(60_000, at(20_000));
    // `a` gets the other one in its place.
    assert_eq!(scene.holders(), [(scene::key(0), "b"), (scene::key(1), "a")]);
    assert_eq!(scene.plan.next_wake(), at(50_000), "the end makes another plan");
    scene.ctx.now = at(50_000);
    scene.catalogue.rows.get_mut(&scene::key(1)).unwrap().owner = Some(id("b"));
    assert_eq!(scene.holders(), [(scene::key(0), "a"), (scene::key(1), "b")]);
    assert_eq!(scene.plan.next_wake(), Time::NEVER);
}

/// As by a rule that prefers it.
#[test]
fn a_lease_that_is_sent_to_a_worker_that_has_only_just_come_waits_as_for_any_that_it_prefers() {
    let sent = Sent { to: id("c").worker, until: WallTime::from_millis(90_000), said: said() };
    let mut scene = marked(|marks| drop(marks.sent.insert(scene::key(0), sent)));
    scene.ctx.now = at(20_000);
    let c = scene::session("c", crate::lease::PlanVersion::NONE);
    scene.catalogue.on_seen(&c, &scene.ctx);
    assert_eq!(scene.holders()[0], (scene::key(0), "a"));
    assert_eq!(scene.plan.next_wake(), at(32_000));
    scene.ctx.now = at(32_000);
    assert_eq!(scene.holders()[0], (scene::key(0), "c"));
}

#[test]
fn marks_are_kept_while_the_document_makes_no_sense() {
    let mut scene = marked(|marks| drop(marks.paused.insert(scene::key(0), said())));
    let garbled = Document::new(DocName::placement(), 3, "{".into());
    scene.catalogue.rules_for_test(&garbled, &mut scene.ctx);
    assert_eq!(scene.told().len(), 1);
}

#[test]
fn a_move_that_the_operator_asked_for_is_told_as_such() {
    let why = |scene: &mut Scene| -> Vec<_> {
        given(scene).into_iter().map(|(number, _, _, why)| (number, why)).collect()
    };
    let mut drained = marked(|marks| drop(marks.drained.insert(id("a").worker, said())));
    assert_eq!(why(&mut drained), [(0, Why::Drained), (1, Why::Drained)]);
    let mark = LetGo { epoch: Epoch(7), said: said() };
    let mut released = marked(|marks| drop(marks.let_go.insert(scene::key(0), mark)));
    assert_eq!(why(&mut released), [(0, Why::Asked)]);
}

#[test]
fn a_move_that_a_rule_asks_for_is_told_as_such() {
    let mut scene = Scene::of(scene::held(2, "a"), &["a", "b"]).listed(scene::shards(2));
    let of = |shard, worker: &str| {
        Rule::new(Target::Shard(scene::shard_id(shard)), id(worker).worker, Mode::Require)
    };
    let rules = PlacementRules::new(vec![of(0, "b"), of(1, "a")], Uncovered::Balance).unwrap();
    let body = Placement::from(rules).encode().unwrap();
    let doc = Document::new(DocName::placement(), 2, body);
    scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
    let given: Vec<_> = given(&mut scene).into_iter().map(|(it, .., why)| (it, why)).collect();
    assert_eq!(given, [(0, Why::Rule)]);
}
