//! Which rows are read, and when; and what failed reads mean.

use super::*;

#[test]
fn a_listing_that_failed_is_made_again_after_a_fast_poll() {
    let mut scene = Scene::all(vec![session("other")]);
    assert_eq!(scene.tick(2_000), [list()]);
    scene.answer(Reply::List(Consistency::Eventual, Err(StoreErrorKind::Unavailable)));
    assert_eq!(scene.tick(2_199), []);
    assert_eq!(scene.tick(2_200), [list()]);
    scene.listed();
    assert_eq!(scene.tick(2_201), [], "that did not fail");
}

#[test]
fn all_sessions_are_read_every_watch_interval_and_told_one_reading_at_a_time() {
    let mut scene = Scene::all(vec![session("other"), session("me")]);
    let listed = Signal::Listed(scene.rows.clone(), Consistency::Eventual);
    assert_eq!(said(&mut scene.ctx), [Any::Watch(listed)]);
    assert_eq!(scene.tick(1_999), []);
    assert_eq!(scene.tick(2_000), [list()]);
    scene.rows.clear();
    assert_eq!(scene.tick(4_000), [look("other")], "one is under way");
    scene.listed();
    assert_eq!(scene.tick(4_001), [list()], "the schedule keeps its phase");
}

#[test]
fn nobody_watches_or_ends_its_own_session() {
    let mut scene = Scene::all(vec![session("me")]);
    assert_eq!(scene.pass_to(20_000), []);
}

#[test]
fn listings_alone_keep_a_watcher_well() {
    let mut scene = Scene::all(vec![session("other")]);
    scene.looks = false;
    assert_eq!(scene.pass_to(6_000), [(6_000, end("other", 1))]);
}

#[test]
fn while_no_read_is_answered_silence_proves_nothing() {
    let mut scene = Scene::all(vec![session("other")]);
    (scene.lists, scene.looks) = (false, false);
    assert_eq!(scene.pass_to(8_000), []);
    (scene.lists, scene.looks) = (true, true);
    // The first answered read is that of 8,050 ms.
    assert_eq!(scene.pass_to(14_000), []);
    assert_eq!(scene.pass_to(14_050), [(14_050, end("other", 1))]);
}

#[test]
fn who_is_being_ended_is_not_looked_at() {
    let mut scene = Scene::ending();
    for millis in [6_050, 6_250, 7_000] {
        assert_eq!(scene.tick(millis), []);
    }
}
