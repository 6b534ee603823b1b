//! Handing leases over (PROTOCOL rules 7, 8 and 12).

use super::*;

#[test]
fn a_lease_that_is_given_away_is_released_with_its_last_checkpoint_when_its_run_has_stopped() {
    let mut scene = Scene::draining();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let stopped = scene.run(8, RunNews::Stopped);
    let release = released().at(after(6), Progress::NONE);
    assert_eq!(stopped.asked, [StoreCall::Release(release.clone())]);
    assert_eq!(stopped.noted, [Notice::Lost(key(0), Epoch(8), LossReason::HandedOver)]);
    let unknown = Reply::Release(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), []);
    assert_eq!(scene.beaten().asked, [StoreCall::Release(release)], "until it is answered");
    assert_eq!(scene.beaten().asked, [], "one at a time");
    let landed = Reply::Release(key(0), Epoch(8), Ok(Write::Done(free(0, 8))));
    assert_eq!(scene.after(landed), [StoreCall::Wake(id("next"))]);
    assert!(scene.handoff.is_empty());
}

#[test]
fn a_release_behind_the_rows_checkpoint_keeps_what_the_row_has() {
    let mut scene = Scene::draining();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let _ = scene.run(8, RunNews::Stopped);
    let ahead = Write::Refused(Some(Lease { checkpoint: after(7), ..held(0, "me", 8) }));
    let mut kept = released().at(after(6), Progress::NONE);
    kept.checkpoint = None;
    let again = scene.after(Reply::Release(key(0), Epoch(8), Ok(ahead)));
    assert_eq!(again, [StoreCall::Release(kept)]);
}

#[test]
fn a_batch_that_does_not_end_in_time_is_dropped() {
    let mut scene = Scene::draining();
    assert_eq!(orders(scene.tick(29_699)), []);
    assert_eq!(orders(scene.tick(29_700)), [RunOrder::Drop(DropReason::TimedOut)]);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
}

#[test]
fn an_order_to_release_what_is_not_run_here_is_followed_once() {
    let mut scene = Scene::new();
    let order = || Scene::give("next");
    assert_eq!(scene.planned(Vec::new(), order()), [StoreCall::Release(released())]);
    let landed = Reply::Release(key(0), Epoch(8), Ok(Write::Done(free(0, 8))));
    assert_eq!(scene.after(landed), [StoreCall::Wake(id("next"))]);
    assert_eq!(scene.planned(Vec::new(), order()), []);
}

#[test]
fn a_processor_that_stands_still_makes_the_lease_go_elsewhere() {
    let mut scene = Scene::holding();
    let stalled = scene.run(8, RunNews::Stalled);
    assert_eq!(stalled.noted, [Notice::Stalled(key(0), Epoch(8))]);
    assert_eq!(orders(stalled), [RunOrder::Drop(DropReason::TimedOut)]);
    let release = Release::new(key(0), id("me"), Epoch(8)).avoiding(true);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(release)]);
    assert_eq!(scene.said(), [Signal::Changed]);
}

#[test]
fn an_order_that_was_taken_back_is_followed_anew() {
    let mut scene = Scene::new();
    let release = [StoreCall::Release(released())];
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), release);
    let _ = scene.after(Reply::Release(key(0), Epoch(8), Ok(Write::Done(free(0, 8)))));
    assert_eq!(scene.planned(Vec::new(), Vec::new()), []);
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), release);
}

#[test]
fn a_run_that_is_suspended_when_its_lease_is_given_away_drops_its_batch() {
    let mut scene = Scene::holding();
    assert_eq!(orders(scene.on(Handoff::on_lapse)), [RunOrder::Suspend]);
    let given = scene.plan(Vec::new(), Scene::give("next"));
    assert_eq!(orders(given), [RunOrder::Drop(DropReason::TimedOut)]);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
}

#[test]
fn a_newer_order_says_to_whom_and_leaves_no_more_time_than_the_former() {
    let to_third = release().to(Some(id("third")));
    let mut scene = Scene::draining();
    let given = scene.plan(Vec::new(), Scene::give("third"));
    assert_eq!(orders(given), []);
    assert_eq!(scene.wakes(), at(29_700));
    let sooner = scene.document(Vec::new(), Scene::give("third"));
    let sooner = Assignment { give_within: Some(10_000), ..sooner };
    assert_eq!(orders(scene.follow(sooner)), []);
    assert_eq!(scene.wakes(), at(9_700));
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(to_third.clone())]);

    let mut dropping = Scene::draining();
    assert_eq!(orders(dropping.tick(29_700)), [RunOrder::Drop(DropReason::TimedOut)]);
    assert_eq!(orders(dropping.plan(Vec::new(), Scene::give("third"))), []);
    assert_eq!(dropping.run(8, RunNews::Stopped).asked, [StoreCall::Release(to_third)]);
}

#[test]
fn a_lease_that_the_plan_wants_back_is_taken_anew_once_its_run_has_stopped() {
    let mut scene = Scene::draining();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [], "it is still run");
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
    assert_eq!(scene.wakes(), at(200));
    assert_eq!(scene.tick(200).asked, [read(0)]);
}

#[test]
fn a_run_that_stops_although_nobody_told_it_to_gives_nothing_away() {
    let mut scene = Scene::holding();
    let stopped = scene.run(8, RunNews::Stopped);
    assert_eq!((stopped.asked, stopped.noted, stopped.other.len()), (vec![], vec![], 0));
    assert_eq!(scene.holds(), [key(0)]);
}
