//! Rule 6: which rows a session reads, and how often, by its place in the order of succession.

use super::*;

/// A session that has read the planner's lease at 0, and has got its document then.
fn told(first: &str, second: &str, rank: u32) -> Scene {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    scene.told(first, second, rank);
    let _ = scene.after(Reply::PlannersRow(Ok(Some(held("planner", 7)))));
    assert_eq!(scene.said(), [], "it knows who plans");
    scene
}

/// When this call is made until `to`, every 50 ms; reads of the lease are answered.
fn asked_until(scene: &mut Scene, to: u64) -> Vec<(u64, StoreCall)> {
    let from = u64::try_from(scene.ctx.now.since(Time::ZERO).as_millis()).unwrap();
    let mut asked = Vec::new();
    for millis in (from..=to).step_by(50) {
        for call in scene.tick(millis) {
            if call == look() {
                let row = Reply::PlannersRow(Ok(Some(held("planner", 7))));
                assert_eq!(scene.after(row), []);
            }
            asked.push((millis, call));
        }
    }
    asked
}

#[test]
fn up_to_place_8_the_planners_session_is_looked_at_every_watch_interval_and_its_lease_every_5_s() {
    let mut scene = told("a", "b", 5);
    assert_eq!(scene.succession.planner(), Some(&id("planner")));
    assert_eq!(scene.succession.standbys(), &standbys(Some("a"), Some("b")));
    assert_eq!(scene.watch.lists_at(), Time::NEVER);
    // The near share the interval: the fifth of eight has its turn at 1,250 ms.
    let sessions = [1_250, 3_250, 5_250, 7_250].map(|millis| (millis, look_at("planner")));
    let mut expected: Vec<_> = sessions.into();
    expected.insert(1, (2_000, look()));
    expected.insert(4, (7_000, look()));
    assert_eq!(asked_until(&mut scene, 9_000), expected);
}

#[test]
fn from_place_9_on_both_are_looked_at_every_30_s_until_a_nearer_place_is_told() {
    let mut scene = told("a", "b", 9);
    let expected = [(250, look_at("planner")), (2_000, look()), (30_250, look_at("planner"))];
    assert_eq!(asked_until(&mut scene, 31_000), expected);
    scene.told("a", "b", 4);
    let expected = [(33_000, look_at("planner")), (35_000, look_at("planner"))];
    let looks: Vec<_> = asked_until(&mut scene, 36_000);
    let of_session = looks.iter().filter(|(_, call)| *call != look()).cloned();
    assert_eq!(of_session.collect::<Vec<_>>(), expected);
    let of_lease = looks.into_iter().filter(|(_, call)| *call == look());
    assert_eq!(of_lease.collect::<Vec<_>>(), [(32_000, look())]);
}

#[test]
fn a_nearer_place_brings_the_next_look_at_the_lease_nearer() {
    let mut scene = told("a", "b", 9);
    let _ = asked_until(&mut scene, 3_000);
    scene.told("a", "b", 4);
    let lease = asked_until(&mut scene, 9_000).into_iter().filter(|(_, call)| *call == look());
    assert_eq!(lease.collect::<Vec<_>>(), [(8_000, look())], "and not at 32 s");
}

#[test]
fn who_does_not_watch_all_watches_the_heads_alone() {
    let mut scene = told("a", "b", 5);
    for worker in ["planner", "a", "b", "other"] {
        scene.watch.observe(&session(worker), &mut scene.ctx);
        let is_watched = scene.watch.last_change(&id(worker)).is_some();
        assert_eq!(is_watched, worker != "other", "{worker}");
    }
}

#[test]
fn both_standbys_watch_all_sessions_and_look_at_the_planners_no_more_by_their_place() {
    for (first, second, rank) in [("me", "b", 1), ("a", "me", 2)] {
        let mut scene = told("a", "b", 5);
        assert_eq!(scene.tick(1_000), []);
        scene.told(first, second, rank);
        assert_eq!(scene.watch.lists_at(), at(1_000), "{rank}");
        scene.ctx.now = at(1_100);
        scene.told(first, second, rank);
        assert_eq!(scene.watch.lists_at(), at(1_000), "it watches all already");
        let partner: &[StoreCall] = if rank == 1 { &[look_at("planner")] } else { &[] };
        assert_eq!(scene.tick(1_250), partner, "{rank}");
    }
}

#[test]
fn the_standbys_are_looked_at_once_the_planner_shows_no_new_beat() {
    let mut scene = told("a", "b", 5);
    assert_eq!(scene.tick(1_250), [look_at("planner")]);
    assert_eq!(scene.seen(session("planner")), [], "it was never seen before");
    assert_eq!(scene.tick(3_250), [look(), look_at("planner")]);
    assert_eq!(scene.seen(beaten("planner", 2)), [], "it has beaten");
    assert_eq!(scene.tick(5_250), [look_at("planner")]);
    let both = [look_at("a"), look_at("b")];
    assert_eq!(scene.seen(beaten("planner", 2)), both);
    for head in ["a", "b"] {
        assert_eq!(scene.seen(session(head)), []);
    }
    // A session that has ended is silent for good.
    scene.ctx.note_ended(&id("a"));
    assert_eq!(scene.tick(7_250), [look_at("planner")]);
    assert_eq!(scene.seen(beaten("planner", 2)), [look_at("b")]);
    assert_eq!(scene.seen(session("b")), [], "a standby's silence alone is nothing");
}

#[test]
fn a_standby_that_watches_all_looks_at_no_other_for_a_planner_without_a_new_beat() {
    let mut scene = told("a", "me", 2);
    let _ = scene.seen(session("planner"));
    scene.ctx.now = at(1_000);
    assert_eq!(scene.seen(session("planner")), []);
}

#[test]
fn who_takes_over_keeps_the_standbys_that_are_left_and_follows_nobody() {
    let mut scene = told("me", "b", 1);
    // The planner stepped down.
    scene.elect(8);
    assert_eq!(scene.succession.planner(), Some(&id("me")));
    assert_eq!(scene.succession.standbys(), &standbys(Some("b"), None));
    for millis in [0, 100, 2_000, 5_000, 59_999] {
        assert_eq!(scene.tick(millis), [], "{millis}");
    }
    // No session reads a planner's session any more, not even one that was no standby.
    let mut scene = told("a", "b", 5);
    scene.elect(8);
    assert_eq!(scene.tick(59_999), []);
}

#[test]
fn who_plans_follows_no_document_of_a_former_term() {
    let mut scene = Scene::planner();
    scene.told("a", "me", 2);
    assert_eq!(scene.succession.planner(), Some(&id("me")));
    assert_eq!(scene.succession.standbys(), &standbys(None, None));
    assert_eq!(scene.succession.next_wake(), at(60_000));
}

#[test]
fn a_standby_that_is_found_to_plan_stands_by_no_more() {
    let mut scene = told("a", "b", 5);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(held("a", 8))))), []);
    assert_eq!(scene.said(), [Signal::Follows(id("a"))]);
    assert_eq!(scene.succession.standbys(), &standbys(Some("b"), None));
}
