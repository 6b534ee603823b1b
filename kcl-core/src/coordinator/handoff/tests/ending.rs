//! The end of a shard (PROTOCOL rule 9).

use super::*;

/// The row of a child of the lease 0.
fn child(number: u8) -> Lease {
    let child = child_of(&[0], number);
    Lease::new(key(number), Checkpoint::TrimHorizon).of_shard(child.parents, child.range)
}

/// The end of the lease 0, written.
fn end(epoch: u64, children: &[u8]) -> StoreCall {
    let children = children.iter().map(|number| shard(*number)).collect();
    let end = Advance::new(key(0), id("me"), Epoch(epoch), Checkpoint::ShardEnd);
    StoreCall::Advance(end.with_children(children))
}

fn written(epoch: u64, answer: Result<Write<Lease>, StoreErrorKind>) -> Reply {
    Reply::WriteEnd(key(0), Epoch(epoch), answer)
}

/// The answer to the end of the lease 0, if it is written already.
fn ended_with(epoch: u64, children: &[u8]) -> Lease {
    let children = children.iter().map(|number| shard(*number)).collect();
    Lease { children, ..ended(0, epoch) }
}

impl Scene {
    /// A handoff whose shard has ended in these shards, and that writes the end.
    fn ending(children: &[u8]) -> Self {
        let mut scene = Self::holding();
        let shards = children.iter().map(|number| child_of(&[0], *number)).collect();
        let puts: Vec<StoreCall> =
            children.iter().map(|number| StoreCall::Create(child(*number))).collect();
        let mut asked = scene.run(8, RunNews::Ended { children: shards }).asked;
        if !children.is_empty() {
            assert_eq!(asked, puts);
        }
        for number in children {
            let put = Ok(Write::Done(child(*number)));
            asked = scene.after(Reply::PutChild(key(0), Epoch(8), shard(*number), put));
        }
        assert_eq!(asked, [end(8, children)]);
        scene
    }
}

#[test]
fn the_end_of_a_shard_is_written_after_its_childrens_rows_and_they_are_taken() {
    let mut scene = Scene::holding();
    let news = RunNews::Ended { children: vec![child_of(&[0], 1)] };
    assert_eq!(scene.run(8, news).asked, [StoreCall::Create(child(1))]);
    let failed = Reply::PutChild(key(0), Epoch(8), shard(1), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.wakes(), at(500));
    assert_eq!(scene.tick(500).asked, [StoreCall::Create(child(1))], "tried again");
    assert_eq!(scene.wakes(), Time::NEVER);
    let there = Ok(Write::Refused(Some(child(1))));
    assert_eq!(scene.after(Reply::PutChild(key(0), Epoch(8), shard(1), there)), [end(8, &[1])]);
    let done = scene.answer(written(8, Ok(Write::Done(ended_with(8, &[1])))));
    assert_eq!(done.noted, [Notice::Ended(key(0), Epoch(8))]);
    assert_eq!(done.asked, [acquire(&child(1), 508)]);
    assert_eq!(scene.said(), [Signal::Changed]);
    assert_eq!(scene.holds(), []);
    assert_eq!(scene.answer(granted(1, 508)).noted, [Notice::Gained(key(1), Epoch(508))]);
    assert_eq!(scene.said(), [Signal::Changed], "the plan does not know of it");
}

#[test]
fn an_end_of_which_nobody_knows_is_written_again_and_one_that_is_there_is_mine() {
    let mut scene = Scene::ending(&[]);
    assert_eq!(scene.after(written(8, Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.wakes(), at(500));
    assert_eq!(scene.tick(500).asked, [end(8, &[])]);
    let there = scene.answer(written(8, Ok(Write::Refused(Some(ended(0, 8))))));
    assert_eq!(there.noted, [Notice::Ended(key(0), Epoch(8))]);
    assert_eq!(scene.holds(), []);
}

#[test]
fn an_end_that_is_refused_for_the_row_is_anothers_or_gone_is_a_loss() {
    for (left, reason) in [(Some(held(0, "other", 9)), LossReason::Taken), (None, LossReason::Gone)]
    {
        let mut scene = Scene::ending(&[1]);
        let done = scene.answer(written(8, Ok(Write::Refused(left))));
        assert_eq!(done.noted, [Notice::Lost(key(0), Epoch(8), reason)]);
        assert_eq!(done.asked, [read(0)], "wanted again");
        assert_eq!(orders(done), [RunOrder::Drop(DropReason::Lost)]);
    }
}

#[test]
fn no_checkpoint_is_written_of_a_shard_that_ends() {
    let mut scene = Scene::ending(&[1]);
    assert_eq!(scene.progress(8, after(9)), []);
    assert_eq!(scene.wakes(), Time::NEVER);
}

#[test]
fn a_child_that_another_was_quicker_to_take_is_left_to_the_plan() {
    let mut scene = Scene::ending(&[1]);
    let taken = scene.after(written(8, Ok(Write::Done(ended_with(8, &[1])))));
    assert_eq!(taken, [acquire(&child(1), 9)]);
    assert_eq!(scene.after(refused(1, 9, Some(held(1, "other", 9)))), []);
    let planned = vec![hold(1, origin(None, 0, Transfer::Unowned))];
    assert_eq!(scene.planned(planned, Vec::new()), [acquire(&child(1), 10)]);
    assert_eq!(
        scene.after(refused(1, 10, Some(held(1, "other", 11)))),
        [look_at("other")],
        "what the plan wants is not given up"
    );
}

#[test]
fn a_child_that_the_plan_names_too_is_not_given_up_when_another_was_quicker() {
    let mut scene = Scene::ending(&[1]);
    let _ = scene.after(written(8, Ok(Write::Done(ended_with(8, &[1])))));
    let planned = vec![hold(1, origin(None, 0, Transfer::Unowned))];
    assert_eq!(scene.planned(planned, Vec::new()), []);
    let theirs = Some(held(1, "other", 9));
    assert_eq!(scene.after(refused(1, 9, theirs)), [look_at("other")]);
}

#[test]
fn no_more_children_are_taken_than_leases_may_be_held() {
    let mut scene = Scene::ending(&[1, 2]);
    scene.ctx.settings.max_leases = Some(1);
    let taken = scene.after(written(8, Ok(Write::Done(ended_with(8, &[1, 2])))));
    assert_eq!(taken, [acquire(&child(1), 9)]);
}

#[test]
fn an_acquired_row_whose_shard_has_ended_is_not_run_but_its_end_completed() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    let row = Lease { owner: Some(id("me")), ..ended_with(8, &[1]) };
    let done = scene.answer(Reply::Acquire(key(0), Epoch(8), Ok(Write::Done(row))));
    assert_eq!(done.asked, [end(8, &[1])]);
    assert_eq!(done.noted, []);
    assert_eq!(orders(done), [], "nothing is run");
    let done = scene.answer(written(8, Ok(Write::Done(ended_with(8, &[1])))));
    assert_eq!(done.noted, [Notice::Ended(key(0), Epoch(8))]);
}

/// A handoff that ended the lease 0, with one child; then the store went back.
fn ended_before_the_store_went_back() -> Scene {
    let mut scene = Scene::ending(&[1]);
    let _ = scene.after(written(8, Ok(Write::Done(ended_with(8, &[1])))));
    let _ = scene.after(refused(1, 9, Some(held(1, "other", 9))));
    let _ = scene.said();
    assert_eq!(scene.on(Handoff::on_store_went_back).asked, [read(0)], "rule 13");
    scene
}

#[test]
fn an_end_that_the_store_lost_is_written_again_after_its_childrens_rows() {
    let mut scene = ended_before_the_store_went_back();
    assert_eq!(scene.after(row(0, Some(free(0, 7)))), [acquire(&free(0, 7), 10)]);
    let again = scene.answer(granted(0, 10));
    assert_eq!(again.asked, [StoreCall::Create(child(1))]);
    assert_eq!(orders(again), []);
    let put = Reply::PutChild(key(0), Epoch(10), shard(1), Ok(Write::Done(child(1))));
    assert_eq!(scene.after(put), [end(10, &[1])]);
}

#[test]
fn an_end_that_the_store_lost_is_left_to_the_plan_if_the_row_is_anothers_or_gone() {
    for left in [Some(held(0, "other", 9)), None] {
        let mut scene = ended_before_the_store_went_back();
        assert_eq!(scene.after(row(0, left)), []);
        assert_eq!(scene.said(), []);
        assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    }
}
