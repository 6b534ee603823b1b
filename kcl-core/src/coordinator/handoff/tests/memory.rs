//! What the process knows although the store has no row for it, or an older one (PROTOCOL rule 13).

use super::*;

#[test]
fn a_row_that_is_gone_is_put_again_by_who_knows_how_far_it_was_read() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(9)), [advance(8, after(9))]);
    let gone = Reply::Advance(key(0), Epoch(8), Ok(Write::Refused(None)));
    let done = scene.answer(gone);
    assert_eq!(done.noted, [Notice::Lost(key(0), Epoch(8), LossReason::Gone)]);
    assert_eq!(done.asked, [read(0)]);
    let put = Lease { checkpoint: after(9), owner: None, ..held(0, "me", 8) };
    assert_eq!(scene.after(Reply::WantedRow(key(0), Ok(None))), [StoreCall::Create(put)]);
    let mut other = Scene::new();
    assert_eq!(other.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(other.after(Reply::WantedRow(key(0), Ok(None))), [], "that is the planner's");
}

/// A handoff whose lease 0 was lost, since its row is gone; the row is being read.
fn whose_row_is_gone() -> Scene {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(9)), [advance(8, after(9))]);
    let gone = Reply::Advance(key(0), Epoch(8), Ok(Write::Refused(None)));
    assert_eq!(scene.after(gone), [read(0)]);
    scene
}

#[test]
fn a_row_that_was_put_again_is_looked_at_soon() {
    let mut scene = whose_row_is_gone();
    assert_eq!(scene.after(row(0, None)), [put_at(0, after(9))]);
    assert_eq!(scene.wakes(), Time::NEVER);
    assert_eq!(scene.after(Reply::Recreate(key(0), Ok(Write::Done(free(0, 8))))), []);
    assert_eq!(scene.wakes(), at(200));
    assert_eq!(scene.tick(200).asked, [read(0)]);
}

#[test]
fn a_row_that_is_being_put_again_is_not_looked_at_whatever_the_plan_said_meanwhile() {
    let mut scene = whose_row_is_gone();
    let word = |epoch| vec![hold(0, origin(None, epoch, Transfer::Unowned))];
    assert_eq!(scene.planned(word(8), Vec::new()), [acquire(&free(0, 8), 9)]);
    assert_eq!(scene.planned(word(9), Vec::new()), []);
    assert_eq!(scene.after(refused(0, 9, None)), [put_at(0, after(9))]);
    assert_eq!(scene.wakes(), Time::NEVER);
}

#[test]
fn a_lease_is_known_while_the_plan_names_it_and_forgotten_when_it_does_not() {
    let mut named = whose_row_is_gone();
    assert_eq!(named.planned(vec![hold(0, None)], Vec::new()), []);
    assert_eq!(named.after(row(0, None)), [put_at(0, after(9))]);

    let mut gave = Scene::draining();
    assert_eq!(gave.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
    assert_eq!(gave.planned(Vec::new(), Vec::new()), []);
    assert_eq!(gave.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(gave.after(row(0, None)), [], "others have read on since");
}

#[test]
fn what_was_stored_is_known_after_the_lease_was_given_back() {
    let mut scene = Scene::draining();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let stored = Lease { checkpoint: after(6), ..held(0, "me", 8) };
    assert_eq!(scene.after(Reply::Advance(key(0), Epoch(8), Ok(Write::Done(stored)))), []);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(released())]);
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(scene.after(row(0, None)), [put_at(0, after(6))]);
}

#[test]
fn a_shard_that_ended_is_not_put_again_when_its_row_is_deleted() {
    let mut scene = Scene::holding();
    let _ = scene.run(8, RunNews::Ended { children: Vec::new() });
    let _ = scene.after(Reply::WriteEnd(key(0), Epoch(8), Ok(Write::Done(ended(0, 8)))));
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)], "by an older plan");
    assert_eq!(scene.after(row(0, None)), []);
}
