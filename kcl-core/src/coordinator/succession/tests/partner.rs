//! Rule 6: planner and first standby read each other's row about 100 ms after each beat that they
//! expect, and all sessions at opposite phases.

use super::*;

/// The first standby by a document of 10 s, which has read the planner's lease and session then.
fn first() -> Scene {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(10_000), [look()]);
    scene.told("me", "b", 1);
    assert_eq!(scene.tick(10_000), [look_at("planner")]);
    scene
}

/// The row is read at this time, and not sooner.
fn looks_at(scene: &mut Scene, millis: u64) {
    assert_eq!(scene.succession.next_wake(), at(millis));
    assert_eq!(scene.tick(millis - 1), []);
    assert_eq!(scene.tick(millis), [look_at("planner")]);
}

/// A row that says that all sessions were read so many milliseconds before.
fn watched(beat: u64, millis: u32) -> Session {
    let mut row = beaten("planner", beat);
    row.report.watched = millis;
    row
}

#[test]
fn it_is_looked_at_again_soon_until_it_was_seen() {
    let mut scene = first();
    looks_at(&mut scene, 10_100);
    looks_at(&mut scene, 10_200);
}

#[test]
fn once_seen_it_is_crept_up_on_until_a_look_finds_nothing_new_and_then_followed() {
    let mut scene = first();
    // The age of that beat is not known.
    assert_eq!(scene.seen(beaten("planner", 1)), []);
    looks_at(&mut scene, 11_400);
    assert_eq!(scene.seen(beaten("planner", 1)), [], "not yet");
    looks_at(&mut scene, 11_500);
    assert_eq!(scene.seen(beaten("planner", 2)), [], "it is at most 100 ms old");
    looks_at(&mut scene, 13_000);
    assert_eq!(scene.seen(beaten("planner", 3)), []);
    looks_at(&mut scene, 14_400);
}

#[test]
fn one_whose_beat_is_overdue_is_left_to_the_watch_until_it_beats() {
    let mut scene = first();
    let _ = scene.seen(beaten("planner", 1));
    let mut now = 11_400;
    while now < 12_250 {
        looks_at(&mut scene, now);
        assert_eq!(scene.seen(beaten("planner", 1)), []);
        now += 100;
    }
    assert_eq!(scene.tick(now), [], "the watch looks at suspects by itself");
    assert_eq!(scene.succession.next_wake(), Time::NEVER);
}

#[test]
fn one_that_was_found_to_live_by_another_way_is_looked_at_again() {
    let mut scene = first();
    let _ = scene.seen(beaten("planner", 1));
    assert_eq!(scene.tick(12_250), [], "it is overdue");
    // The end of its session was refused for this beat.
    scene.watch.observe(&beaten("planner", 2), &mut scene.ctx);
    scene.ctx.now = at(12_300);
    assert_eq!(scene.seen(beaten("planner", 2)), []);
    looks_at(&mut scene, 12_400);
}

#[test]
fn one_that_has_ended_is_looked_at_no_more() {
    let mut scene = first();
    let _ = scene.seen(beaten("planner", 1));
    let _ = scene.after(Reply::PlannersRow(Ok(Some(held("planner", 7)))));
    scene.ctx.now = at(11_000);
    let ended = Session { state: SessionState::Ended(EndReason::Fenced), ..session("planner") };
    assert_eq!(scene.seen(ended), []);
    assert_eq!(scene.tick(11_000), [look()], "its lease is free");
    assert_eq!(scene.succession.next_wake(), Time::NEVER);
    assert_eq!(scene.tick(11_400), []);
}

#[test]
fn others_that_are_seen_are_no_partner() {
    let mut scene = first();
    let _ = scene.seen(beaten("planner", 1));
    scene.ctx.now = at(10_500);
    let mut other = session("other");
    other.report.watched = 100;
    assert_eq!(scene.seen(other), []);
    assert_eq!(scene.watch.lists_at(), at(11_000), "opposite to the planner's");
    looks_at(&mut scene, 11_400);
}

#[test]
fn the_planner_follows_the_first_standby_that_it_names() {
    let mut scene = Scene::planner();
    scene.succession.name_standbys(&standbys(Some("a"), Some("b")), at(0));
    assert_eq!(scene.tick(0), [look_at("a")]);
    assert_eq!(scene.tick(50), []);
    assert_eq!(scene.tick(100), [look_at("a")]);
    scene.succession.name_standbys(&standbys(Some("b"), None), at(100));
    assert_eq!(scene.tick(100), [look_at("b")]);
    scene.succession.name_standbys(&standbys(None, None), at(100));
    assert_eq!(scene.tick(1_000), []);
}

#[test]
fn the_first_standby_reads_all_sessions_at_the_phase_opposite_to_the_planners() {
    let mut scene = first();
    assert_eq!(scene.watch.lists_at(), at(10_000));
    let _ = scene.seen(watched(1, 200));
    assert_eq!(scene.watch.lists_at(), at(10_800), "a second after the planner's, at 9,800");
    scene.ctx.now = at(12_000);
    let _ = scene.seen(watched(2, 1_600));
    assert_eq!(scene.watch.lists_at(), at(13_400), "which is at 10,400 and 12,400");
    scene.ctx.now = at(12_600);
    let _ = scene.seen(watched(3, 0));
    assert_eq!(scene.watch.lists_at(), at(13_400), "200 ms are near enough");
    scene.ctx.now = at(12_700);
    let _ = scene.seen(watched(3, 1_000));
    assert_eq!(scene.watch.lists_at(), at(13_400), "nothing new");
}

#[test]
fn the_planner_and_the_second_standby_keep_to_no_phase() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    scene.told("a", "me", 2);
    let _ = scene.seen(watched(1, 700));
    assert_eq!(scene.watch.lists_at(), at(0));
    let mut scene = Scene::planner();
    scene.watch.watch_all_from(at(0));
    scene.succession.name_standbys(&standbys(Some("planner"), None), at(0));
    let _ = scene.seen(watched(1, 700));
    assert_eq!(scene.watch.lists_at(), at(0));
}
