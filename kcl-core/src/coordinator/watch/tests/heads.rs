//! Rules 3 and 6: a session that is no head reads the heads, and judges when all of them are
//! silent.

use super::*;

#[test]
fn who_does_not_watch_all_ends_one_of_those_that_do_only_when_all_of_them_are_silent() {
    let mut scene = Scene::of_heads();
    scene.watch.look(&id("planner"), &mut scene.ctx);
    for beat in 2..20 {
        scene.rows[1].beat = beat;
        scene.answer(Reply::Look(id("standby"), scene.ctx.now, Ok(scene.row(&id("standby")))));
        scene.watch.look(&id("planner"), &mut scene.ctx);
        assert_eq!(scene.pass_to((beat - 1) * 1_500), [], "the standby lives");
    }
}

#[test]
fn a_session_that_watches_nobody_is_none_of_who_does_not_watch_all() {
    let mut scene = Scene::of_heads();
    assert!(scene.watch.last_change(&id("planner")).is_some());
    assert_eq!(scene.watch.last_change(&id("other")), None);
    scene.watch.watch_heads(vec![id("standby")]);
    assert_eq!(scene.watch.last_change(&id("planner")), None, "it is no head any more");
}

/// A head's row is read, and shows the same beat as before.
fn look_in_vain(scene: &mut Scene, worker: &str) {
    scene.watch.look(&id(worker), &mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), [look(worker)]);
    scene.answer(Reply::Look(id(worker), scene.ctx.now, Ok(Some(session(worker)))));
}

#[test]
fn when_all_of_them_are_silent_they_are_ended_at_the_answer_that_shows_it() {
    let mut scene = Scene::of_heads();
    assert_eq!(scene.pass_to(2_300), []);
    look_in_vain(&mut scene, "planner");
    assert_eq!(scene.pass_to(6_500), [], "the standby may be alive");
    look_in_vain(&mut scene, "standby");
    let ends = ["planner", "standby"].map(|worker| StoreCall::EndSession(end(worker, 1)));
    assert_eq!(asked(&mut scene.ctx), ends);
}

#[test]
fn a_head_is_suspected_until_a_look_finds_a_new_beat() {
    let mut scene = Scene::of_heads();
    assert_eq!(scene.tick(2_300), []);
    look_in_vain(&mut scene, "planner");
    assert!(scene.watch.is_unchanged(&id("planner")));
    assert_eq!(scene.tick(2_400), []);
    scene.watch.look(&id("planner"), &mut scene.ctx);
    scene.answer(Reply::Look(id("planner"), at(2_400), Ok(Some(beaten("planner", 2)))));
    assert!(!scene.watch.is_unchanged(&id("planner")));
}

#[test]
fn a_look_at_a_head_that_failed_is_made_again_after_a_fast_poll() {
    let mut scene = Scene::of_heads();
    assert_eq!(scene.tick(1_000), []);
    scene.watch.look(&id("planner"), &mut scene.ctx);
    scene.watch.look(&id("planner"), &mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), [look("planner")], "one look at a time");
    scene.answer(Reply::Look(id("planner"), at(1_000), Err(FAILED)));
    assert_eq!(scene.tick(1_199), []);
    assert_eq!(scene.tick(1_200), [look("planner")]);
    scene.answer(Reply::Look(id("planner"), at(1_200), Ok(Some(session("planner")))));
    assert_eq!(scene.tick(1_400), [], "that did not fail");
}

#[test]
fn who_comes_to_watch_all_looks_at_the_heads_as_closely_as_at_everybody() {
    let mut scene = Scene::of_heads();
    assert_eq!(scene.tick(100), []);
    scene.watch.watch_all_from(at(10_000));
    assert_eq!(scene.tick(2_249), []);
    assert_eq!(scene.tick(2_250), ["planner", "standby"].map(look));
}

#[test]
fn who_watches_all_no_more_reads_all_sessions_no_more() {
    let mut scene = Scene::all(Vec::new());
    assert_eq!(scene.tick(2_000), [list()]);
    scene.answer(Reply::List(Consistency::Eventual, Err(FAILED)));
    scene.watch.watch_heads(vec![id("planner")]);
    for millis in [2_200, 4_000, 6_000] {
        assert_eq!(scene.tick(millis), []);
    }
}
