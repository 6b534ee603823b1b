//! Which sessions count as workers, and what their news mean.

use super::{fleet::Fleet, *};
use crate::lease::{EndReason, Report, SessionState};

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

/// A fleet that knows these sessions, in this order; `me` is the planner.
fn fleet(workers: &[&str]) -> Fleet {
    let mut fleet = Fleet::reading(Some(name()), Standbys::default());
    for worker in workers {
        fleet.observe(&session(worker).reading(name()), at(0));
    }
    fleet.name_standbys(&id("me"));
    fleet
}

fn ranks(fleet: &Fleet, workers: &[&str]) -> Vec<u32> {
    let me = id("me");
    let rank = fleet.ranks(&me);
    workers.iter().map(|worker| rank(&id(worker))).collect()
}

#[test]
fn who_has_ended_has_no_place_any_more_and_stands_by_no_more() {
    let mut fleet = fleet(&["me", "a", "b", "c"]);
    assert_eq!(ranks(&fleet, &["a", "b", "c"]), [1, 2, 3]);
    let _ = fleet.remove(&id("a"));
    assert_eq!(*fleet.standbys(), Standbys { first: Some(id("b")), second: None });
    assert_eq!(ranks(&fleet, &["b", "c", "a"]), [1, 3, 6]);
}

#[test]
fn a_listing_leaves_those_it_shows_alive_and_those_first_seen_since() {
    let mut fleet = fleet(&["me", "a", "b", "c"]);
    fleet.observe(&session("d").reading(name()), at(15));
    let mut ended = session("b");
    ended.state = SessionState::Ended(EndReason::Left);
    let listed = ["me", "c"].map(|worker| session(worker).reading(name()));
    fleet.replace(&[&listed[..], &[ended]].concat(), at(10), at(20));
    let alive = ["me", "a", "b", "c", "d"].map(|worker| fleet.is_alive(&id(worker)));
    assert_eq!(alive, [true, false, false, true, true]);
    assert_eq!(*fleet.standbys(), Standbys::default());
    assert_eq!(ranks(&fleet, &["me", "c", "d", "a", "b"]), [0, 3, 4, 6, 6]);
}

#[test]
fn a_store_that_went_back_leaves_nobody_known_but_the_order_of_succession() {
    let mut fleet = fleet(&["me", "a", "b", "c"]);
    fleet.forget_rows();
    assert_eq!(fleet.members().count(), 0);
    assert_eq!(ranks(&fleet, &["a", "b", "c"]), [1, 2, 3]);
}

#[test]
fn the_planners_own_session_is_learnt_from_once_and_again_when_anything_was_forgotten() {
    let forgets: [fn(&mut Fleet); 3] = [
        |fleet| assert_eq!(fleet.remove(&id("a")), News::Urgent),
        |fleet| fleet.replace(&[], at(0), at(0)),
        Fleet::forget_rows,
    ];
    for forget in forgets {
        let mut fleet = fleet(&["me", "a"]);
        let news = (1, Report::NOTHING, false);
        let told = [fleet.is_news_of_own(news), fleet.is_news_of_own(news)];
        assert_eq!(told, [true, false]);
        forget(&mut fleet);
        assert!(fleet.is_news_of_own(news));
    }
}
