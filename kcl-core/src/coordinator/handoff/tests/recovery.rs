//! After a lapse, a fence, or a store that went back in time (PROTOCOL rules 2, 11, 13, 16).

use super::*;

#[test]
fn a_lapsed_session_dispatches_nothing_until_the_row_was_read_again() {
    for (row, expected) in [
        (Some(held(0, "me", 8)), RunOrder::Resume),
        (Some(held(0, "other", 9)), RunOrder::Drop(DropReason::Lost)),
        (None, RunOrder::Drop(DropReason::Lost)),
    ] {
        let mut scene = Scene::holding();
        scene.ctx.valid = false;
        scene.handoff.on_lapse(&mut scene.ctx);
        assert_eq!(orders(done(&mut scene.ctx)), [RunOrder::Suspend]);
        scene.ctx.valid = true;
        assert_eq!(scene.beaten().asked, [read(0)]);
        assert_eq!(scene.beaten().asked, [], "it is being read");
        let stale = Reply::Revalidate(key(0), 0, Ok(row.clone()));
        assert_eq!(orders(scene.answer(stale)), [], "a read from before the lapse");
        let answer = Reply::Revalidate(key(0), 1, Ok(row));
        assert_eq!(orders(scene.answer(answer)), [expected]);
    }
}

#[test]
fn a_session_that_was_ended_has_lost_all_and_asks_for_nothing() {
    let mut scene = Scene::holding();
    scene.handoff.lose_all(LossReason::Fenced, &mut scene.ctx);
    let lost = done(&mut scene.ctx);
    assert_eq!(lost.noted, [Notice::Lost(key(0), Epoch(8), LossReason::Fenced)]);
    assert_eq!(orders(lost), [RunOrder::Drop(DropReason::Lost)]);
    assert_eq!(scene.tick(60_000).asked, []);
    assert!(scene.handoff.is_empty());
}

#[test]
fn after_the_store_went_back_what_is_held_is_taken_anew_and_written_forward() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(9)), [advance(8, after(9))]);
    scene.handoff.on_store_went_back(&mut scene.ctx);
    let back = done(&mut scene.ctx);
    assert_eq!(back.asked, [read(0)]);
    assert_eq!(orders(back), [RunOrder::Drop(DropReason::Lost)]);
    let row = free(0, 7);
    assert_eq!(scene.after(Reply::WantedRow(key(0), Ok(Some(row.clone())))), [acquire(&row, 9)]);
    let granted = held(0, "me", 9);
    let done = scene.answer(Reply::Acquire(key(0), Epoch(9), Ok(Write::Done(granted.clone()))));
    let start = Lease { checkpoint: after(9), ..granted };
    assert_eq!(orders(done), [RunOrder::Start(Box::new(start))]);
    assert_eq!(scene.tick(0).asked, [advance(9, after(9))]);
}

#[test]
fn a_row_that_could_not_be_read_after_a_lapse_is_read_again_at_the_next_beat() {
    let mut scene = Scene::holding();
    assert_eq!(orders(scene.on(Handoff::on_lapse)), [RunOrder::Suspend]);
    assert_eq!(scene.beaten().asked, [read(0)]);
    let failed = Reply::Revalidate(key(0), 1, Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.beaten().asked, [read(0)]);
    let mine = Reply::Revalidate(key(0), 1, Ok(Some(held(0, "me", 8))));
    assert_eq!(orders(scene.answer(mine)), [RunOrder::Resume]);
    assert_eq!(orders(scene.on(Handoff::on_lapse)), [RunOrder::Suspend], "it ran again");
}

#[test]
fn after_a_second_lapse_only_a_read_since_then_counts() {
    let mut scene = Scene::holding();
    scene.ctx.valid = false;
    assert_eq!(orders(scene.on(Handoff::on_lapse)), [RunOrder::Suspend]);
    assert_eq!(scene.beaten().asked, [], "it came too late");
    scene.ctx.valid = true;
    assert_eq!(scene.beaten().asked, [read(0)]);
    assert_eq!(orders(scene.on(Handoff::on_lapse)), []);
    assert_eq!(scene.beaten().asked, [read(0)]);
    let read_after = |lapse| Reply::Revalidate(key(0), lapse, Ok(Some(held(0, "me", 8))));
    assert_eq!(orders(scene.answer(read_after(1))), []);
    assert_eq!(orders(scene.answer(read_after(2))), [RunOrder::Resume]);
}

#[test]
fn what_is_being_handed_over_when_the_session_lapses_is_dropped_and_given_back() {
    let mut scene = Scene::draining();
    assert_eq!(orders(scene.on(Handoff::on_lapse)), [RunOrder::Drop(DropReason::TimedOut)]);
    assert_eq!(scene.wakes(), Time::NEVER);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
}

#[test]
fn a_session_that_was_ended_waits_for_nothing_it_had_begun() {
    let mut scene = Scene::draining();
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
    let unknown = Reply::Release(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), []);
    let plan = vec![hold(1, origin(None, 7, Transfer::Unowned)), hold(2, None)];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(1, 7), 9), read(2)]);
    assert_eq!(scene.after(row(2, None)), []);
    let lost = scene.on(|handoff, ctx| handoff.lose_all(LossReason::Fenced, ctx));
    assert_eq!((lost.asked, lost.noted), (vec![], vec![]));
    assert_eq!(scene.wakes(), Time::NEVER, "rule 16");
    assert_eq!(scene.beaten().asked, []);
    assert_eq!(scene.after(granted(1, 9)), []);
    assert!(scene.handoff.is_empty());
}

/// A handoff that knows that another session has ended, and reads the row of a lease.
fn who_saw_another_end() -> Scene {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(scene.after(row(0, Some(held(0, "other", 7)))), [look_at("other")]);
    assert_eq!(scene.after(Reply::Owner(id("other"), Ok(None))), [read(0)]);
    scene.ctx.now = at(1_500);
    scene
}

#[test]
fn after_the_store_went_back_whoever_had_ended_may_live() {
    let either: [fn(&mut Handoff, &mut Context); 2] =
        [Handoff::on_store_went_back, Handoff::give_back];
    for back in either {
        let mut scene = who_saw_another_end();
        assert_eq!(scene.on(back).asked, []);
        assert_eq!(scene.after(row(0, Some(held(0, "other", 7)))), [look_at("other")]);
    }
}

#[test]
fn after_the_store_went_back_orders_that_were_followed_are_followed_again() {
    let mut scene = Scene::new();
    let release = [StoreCall::Release(released())];
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), release);
    let _ = scene.after(Reply::Release(key(0), Epoch(8), Ok(Write::Done(free(0, 8)))));
    assert_eq!(scene.on(Handoff::on_store_went_back).asked, []);
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), release);
}

#[test]
fn what_a_session_held_that_the_store_lost_is_put_again_where_it_had_got() {
    let mut scene = Scene::holding();
    assert_eq!(scene.on(Handoff::give_back).asked, [put_at(0, after(5))]);
    assert_eq!(scene.progress(8, after(9)), [advance(8, after(9))]);
    assert_eq!(scene.on(Handoff::give_back).asked, [put_at(0, after(9))]);
}

#[test]
fn what_was_given_away_before_the_store_lost_the_session_is_not_put_again() {
    let mut scene = Scene::draining();
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
    assert_eq!(scene.on(Handoff::give_back).asked, []);
}

/// A handoff that ended the lease 0 and holds the lease 1, and whose session the store lost.
fn lost_by_the_store(mut scene: Scene) -> Scene {
    let _ = scene.run(8, RunNews::Ended { children: Vec::new() });
    let _ = scene.after(Reply::WriteEnd(key(0), Epoch(8), Ok(Write::Done(ended(0, 8)))));
    let plan = vec![hold(1, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(1, 7), 9)]);
    let _ = scene.after(granted(1, 9));
    let _ = scene.on(Handoff::give_back);
    let _ = scene.on(|handoff, ctx| handoff.lose_all(LossReason::Gone, ctx));
    let _ = scene.said();
    scene.ctx.forget_calls();
    scene.handoff = scene.handoff.next_life(id("me"));
    scene
}

#[test]
fn the_next_life_of_a_session_that_the_store_lost_takes_up_what_it_held_and_ended() {
    let mut scene = lost_by_the_store(Scene::holding());
    assert_eq!(scene.on(Handoff::take_up).asked, [read(0), read(1)]);
    assert_eq!(scene.after(row(0, Some(free(0, 7)))), [acquire(&free(0, 7), 10)]);
    assert_eq!(scene.after(row(1, Some(free(1, 9)))), [acquire(&free(1, 9), 11)]);
    assert_eq!(scene.on(Handoff::take_up).asked, [], "once");
}

#[test]
fn what_was_known_before_a_change_of_the_application_is_not_taken_up() {
    let mut changed = lost_by_the_store(Scene::holding());
    changed.ctx.starts.changed(1);
    assert_eq!(changed.on(Handoff::take_up).asked, []);
    assert_eq!(
        changed.planned(vec![hold(1, origin(None, 9, Transfer::Unowned))], Vec::new()).len(),
        1
    );
    let _ = changed.after(granted(1, 10));
    assert_eq!(changed.handoff.memory.furthest(&free(1, 9)), free(1, 9).checkpoint);

    let mut closed = lost_by_the_store(Scene::holding());
    closed.handoff.on_reopened();
    closed.handoff = closed.handoff.next_life(id("me"));
    assert_eq!(closed.on(Handoff::take_up).asked, [], "the same change may have been made again");
}

#[test]
fn where_effects_go_back_with_the_rows_nothing_is_put_again_or_taken_up() {
    let follower = || {
        let mut scene = Scene::holding();
        scene.handoff.follow_the_store();
        scene
    };
    assert_eq!(follower().on(Handoff::give_back).asked, []);
    assert_eq!(lost_by_the_store(follower()).on(Handoff::take_up).asked, []);

    let mut scene = follower();
    assert_eq!(scene.progress(8, after(9)), [advance(8, after(9))]);
    assert_eq!(scene.on(Handoff::on_store_went_back).asked, [read(0)]);
    assert_eq!(scene.after(row(0, None)), [], "the planner puts it");
}
