//! Who counts as a worker, and what news of the sessions mean.

use super::*;

#[test]
fn joins_are_gathered_and_what_is_urgent_is_planned_for_at_once() {
    let mut scene = Scene::read();
    let gather = scene.ctx.settings.join_gather;
    scene.catalogue.on_seen(&session("new").reading(name()), &scene.ctx);
    assert_eq!(scene.catalogue.next_wake(), at(100) + gather);
    let mut changed = session("new").reading(name());
    changed.beat += 1;
    changed.report.changes = 1;
    scene.catalogue.on_seen(&changed, &scene.ctx);
    assert_eq!(scene.catalogue.next_wake(), at(100), "its leases changed");
    let mut scene = Scene::read();
    scene.catalogue.on_ended(&id("w"), &scene.ctx);
    assert_eq!(scene.catalogue.next_wake(), at(100), "somebody is gone");
    let mut scene = Scene::read();
    scene.catalogue.on_ended(&id("stranger"), &scene.ctx);
    assert!(scene.catalogue.next_wake() > at(100) + gather, "nobody knew it");
}

#[test]
fn the_places_in_the_order_of_succession_are_those_of_the_heads_then_of_who_was_there_first() {
    let mut scene = Scene::new();
    for worker in ["d", "b", "me", "c", "a"] {
        scene.catalogue.on_seen(&session(worker), &scene.ctx);
    }
    scene.catalogue.fleet.name_standbys(&id("me"));
    let me = id("me");
    let rank = scene.catalogue.fleet.ranks(&me);
    let ranks = ["me", "d", "b", "c", "a", "nobody"].map(|worker| rank(&id(worker)));
    assert_eq!(ranks, [0, 1, 2, 3, 4, 8]);
}

#[test]
fn a_worker_counts_by_its_newest_live_session() {
    let scene = &mut Scene::new();
    let older = session("w");
    let mut newer = session("w");
    newer.id = SessionId::new("w".parse().unwrap(), crate::lease::Incarnation::from_bits(9));
    newer.start = 2;
    scene.catalogue.on_seen(&older, &scene.ctx);
    scene.catalogue.on_seen(&newer, &scene.ctx);
    scene.catalogue.on_seen(&session("v"), &scene.ctx);
    let worker = "w".parse().unwrap();
    assert_eq!(scene.catalogue.fleet.member_of(&worker).map(|row| &row.id), Some(&newer.id));
    assert_eq!(scene.catalogue.fleet.members().count(), 2);
    assert_eq!(scene.catalogue.fleet.of_worker(&worker).count(), 2);
    assert_eq!(scene.catalogue.fleet.seen_by(&older.id), PlanVersion::NONE);
}
