use std::time::Duration;

mod children;

use super::{signal::Signal, *};
use crate::{
    assignment::placement::Taking,
    coordinator::{
        command::Command,
        document::{Give, Hold, How, Origin},
        op::StoreCall,
        signal::Signal as Any,
        tests::{self, Done, asked, at, context, done, id, said},
    },
    env::WallTime,
    lease::{Acquire, Advance, Checkpoint, Lease, PlanVersion, Progress, Release, Write},
    settings::Coordination,
    store::{Consistency, StoreErrorKind},
    stream::{HashRange, Position, Shard, ShardId, StreamDescription, StreamKey},
};

struct Scene {
    handoff: Handoff,
    ctx: Context,
    version: u64,
}

fn key(number: u8) -> LeaseKey {
    format!("orders/5/shardId-00000000000{number}").parse().unwrap()
}

fn shard(number: u8) -> ShardId {
    format!("shardId-00000000000{number}").parse().unwrap()
}

fn after(sequence: u128) -> Checkpoint {
    Checkpoint::After(Position::new(sequence.into(), 0))
}

/// A row without an owner.
fn free(number: u8, epoch: u64) -> Lease {
    Lease { epoch: Epoch(epoch), ..Lease::new(key(number), after(5)) }
}

fn held(number: u8, worker: &str, epoch: u64) -> Lease {
    Lease { owner: Some(id(worker)), ..free(number, epoch) }
}

fn read(number: u8) -> StoreCall {
    StoreCall::Lease(key(number))
}

/// Epochs are milliseconds of the store's clock, which here was at 7 or 8 when the scene began.
fn acquire(seen: &Lease, epoch: u64) -> StoreCall {
    StoreCall::Acquire(Acquire::new(seen, id("me"), Epoch(epoch)))
}

fn hold(number: u8, from: Option<Origin>) -> Hold {
    Hold { key: key(number), from, children: Taking::None }
}

fn origin(owner: Option<&str>, epoch: u64, how: How) -> Option<Origin> {
    Some(Origin { owner: owner.map(id), epoch: Epoch(epoch), how })
}

fn advance(epoch: u64, checkpoint: Checkpoint) -> StoreCall {
    StoreCall::Advance(Advance::new(key(0), id("me"), Epoch(epoch), checkpoint))
}

/// What runs are told.
fn orders(done: Done) -> Vec<RunOrder> {
    let orders = done.other.into_iter().filter_map(|command| match command {
        Command::Run(run) => Some(run.order),
        _ => None,
    });
    orders.collect()
}

impl Scene {
    fn new() -> Self {
        let mut ctx = context(Coordination::default());
        let key = StreamKey::new("orders", WallTime::from_millis(5));
        let name = "orders".parse().unwrap();
        let day = Duration::from_hours(24);
        let orders = StreamDescription::new(name, key, day, WallTime::from_millis(9));
        let _ = ctx.reads.on_described(None, Ok(orders), at(0));
        Self { handoff: Handoff::new(id("me")), ctx, version: 0 }
    }

    /// What is asked for when the plan is this.
    fn planned(&mut self, holds: Vec<Hold>, gives: Vec<Give>) -> Vec<StoreCall> {
        self.version += 1;
        let version = PlanVersion { term: Epoch(1), version: self.version };
        let told = tests::assignment("planner", "me", version);
        let assignment = Assignment { holds, gives, ..told };
        self.handoff.apply(assignment, &mut self.ctx);
        asked(&mut self.ctx)
    }

    fn answer(&mut self, answer: Answer) -> Done {
        self.handoff.on_answer(answer, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn after(&mut self, answer: Answer) -> Vec<StoreCall> {
        self.answer(answer).asked
    }

    fn run(&mut self, epoch: u64, news: RunNews) -> Done {
        let event = RunEvent { key: key(0), epoch: Epoch(epoch), news };
        self.handoff.on_run(event, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn progress(&mut self, epoch: u64, checkpoint: Checkpoint) -> Vec<StoreCall> {
        let progress = Progress::NONE;
        self.run(epoch, RunNews::Progress { checkpoint, progress, flush: true }).asked
    }

    fn tick(&mut self, millis: u64) -> Done {
        self.ctx.now = at(millis);
        self.handoff.on_tick(&mut self.ctx);
        done(&mut self.ctx)
    }

    /// A beat was answered.
    fn beaten(&mut self) -> Done {
        self.handoff.on_beat(&mut self.ctx);
        done(&mut self.ctx)
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Handoff(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    /// One that holds the lease 0 under epoch 8, as planned.
    fn holding() -> Self {
        let mut scene = Self::new();
        let plan = vec![hold(0, origin(None, 7, How::Free))];
        assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
        let granted = Answer::Acquire(key(0), Epoch(8), Ok(Write::Done(held(0, "me", 8))));
        let done = scene.answer(granted);
        assert_eq!(done.noted, [Notice::Gained(key(0), Epoch(8))]);
        assert_eq!(orders(done), [RunOrder::Start(Box::new(held(0, "me", 8)))]);
        assert_eq!(scene.said(), []);
        scene
    }

    fn give(to: &str) -> Vec<Give> {
        vec![Give { key: key(0), epoch: Epoch(8), to: Some(id(to)) }]
    }

    /// One whose run was told to finish its batch, for another session.
    fn draining() -> Self {
        let mut scene = Self::holding();
        scene.handoff.wishes.clear();
        let mut gives = Assignment {
            version: PlanVersion { term: Epoch(1), version: 9 },
            ..scene.handoff.assignment().unwrap().clone()
        };
        (gives.holds, gives.gives) = (Vec::new(), Self::give("next"));
        scene.handoff.apply(gives, &mut scene.ctx);
        // The longest a handoff may take, without the guard.
        assert_eq!(orders(done(&mut scene.ctx)), [RunOrder::Drain { until: at(29_700) }]);
        scene
    }
}

fn released() -> Release {
    Release::new(key(0), id("me"), Epoch(8)).to(Some(id("next")))
}

#[test]
fn a_lease_that_is_free_is_taken_at_once_and_its_run_started() {
    let _ = Scene::holding();
}

#[test]
fn a_lease_that_is_to_be_given_is_looked_at_until_it_is_free() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(Some("other"), 7, How::Wait))];
    assert_eq!(scene.planned(plan, Vec::new()), [read(0)]);
    let session = StoreCall::Session(id("other"), Consistency::Strong);
    assert_eq!(scene.after(Answer::WishRow(key(0), Ok(Some(held(0, "other", 7))))), [session]);
    assert_eq!(scene.said(), [], "it is the expected owner");
    assert_eq!(scene.tick(199).asked, []);
    assert_eq!(scene.tick(200).asked, [read(0)]);
    let given = Answer::WishRow(key(0), Ok(Some(free(0, 7))));
    assert_eq!(scene.after(given), [acquire(&free(0, 7), 207)]);
}

#[test]
fn a_read_that_failed_is_made_again_soon() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let failed = Answer::WishRow(key(0), Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.tick(200).asked, [read(0)]);
}

#[test]
fn an_owner_that_is_not_expected_is_a_conflict_told_once_and_none_once_it_has_ended() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let theirs = || Answer::WishRow(key(0), Ok(Some(held(0, "other", 7))));
    let first = scene.answer(theirs());
    assert_eq!(first.asked, [StoreCall::Session(id("other"), Consistency::Strong)]);
    assert_eq!(first.noted, [Notice::Conflict(key(0), id("other"))]);
    assert_eq!(scene.said(), [Signal::Conflict]);
    assert_eq!(scene.answer(theirs()).noted, []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.after(Answer::Owner(id("other"), Ok(None))), [read(0)]);
    assert_eq!(scene.after(theirs()), [acquire(&held(0, "other", 7), 8)]);
}

#[test]
fn a_lease_is_taken_by_force_only_from_the_owner_and_epoch_that_are_meant() {
    let force = || vec![hold(0, origin(Some("other"), 7, How::Force))];
    let mut scene = Scene::new();
    assert_eq!(scene.planned(force(), Vec::new()), [acquire(&held(0, "other", 7), 8)]);
    let refused = Write::Refused(Some(held(0, "other", 9)));
    let asked = scene.after(Answer::Acquire(key(0), Epoch(8), Ok(refused)));
    assert_eq!(
        asked,
        [StoreCall::Session(id("other"), Consistency::Strong)],
        "it has been taken since"
    );
}

#[test]
fn a_shard_that_has_ended_is_wished_no_more() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let ended = Lease { checkpoint: Checkpoint::ShardEnd, ..free(0, 7) };
    assert_eq!(scene.after(Answer::WishRow(key(0), Ok(Some(ended)))), []);
    assert_eq!(scene.said(), [Signal::Changed]);
    assert_eq!(scene.tick(60_000).asked, []);
}

#[test]
fn a_row_that_is_gone_is_put_again_by_who_knows_how_far_it_was_read() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(9)), [advance(8, after(9))]);
    let gone = Answer::Advance(key(0), Epoch(8), Ok(Write::Refused(None)));
    let done = scene.answer(gone);
    assert_eq!(done.noted, [Notice::Lost(key(0), Epoch(8), LossReason::Gone)]);
    assert_eq!(done.asked, [read(0)]);
    let put = Lease { checkpoint: after(9), owner: None, ..held(0, "me", 8) };
    assert_eq!(scene.after(Answer::WishRow(key(0), Ok(None))), [StoreCall::Create(put)]);
    let mut other = Scene::new();
    assert_eq!(other.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(other.after(Answer::WishRow(key(0), Ok(None))), [], "that is the planner's");
}

#[test]
fn a_grant_that_the_plan_has_given_away_is_given_back() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, How::Free))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), []);
    let granted = Answer::Acquire(key(0), Epoch(8), Ok(Write::Done(held(0, "me", 8))));
    let done = scene.answer(granted);
    assert_eq!(done.asked, [StoreCall::Release(released())]);
    assert_eq!(orders(done), []);
}

#[test]
fn a_grant_that_comes_too_late_starts_nothing() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, How::Free))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    scene.ctx.valid = false;
    let granted = Answer::Acquire(key(0), Epoch(8), Ok(Write::Done(held(0, "me", 8))));
    let done = scene.answer(granted);
    assert_eq!((done.asked.len(), orders(done).len()), (0, 0));
    scene.ctx.valid = true;
    assert_eq!(scene.tick(200).asked, [read(0)]);
    let mine = held(0, "me", 8);
    let again = scene.after(Answer::WishRow(key(0), Ok(Some(mine.clone()))));
    assert_eq!(again, [acquire(&mine, 208)], "taken anew, under an epoch of its own");
}

#[test]
fn an_acquire_of_which_nobody_knows_is_found_out() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, How::Free))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    let unknown = Answer::Acquire(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), []);
    assert_eq!(scene.tick(0).asked, [read(0)]);
}

#[test]
fn checkpoints_are_written_one_at_a_time_and_the_newest_wins() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    assert_eq!(scene.progress(8, after(7)), []);
    assert_eq!(scene.progress(8, after(8)), []);
    let row = Lease { checkpoint: after(6), ..held(0, "me", 8) };
    let stored = Answer::Advance(key(0), Epoch(8), Ok(Write::Done(row)));
    assert_eq!(scene.after(stored), [advance(8, after(8))]);
    assert_eq!(scene.progress(7, after(9)), [], "news of another epoch");
}

#[test]
fn a_checkpoint_that_is_refused_for_the_row_is_anothers_is_a_loss_and_the_lease_wished_again() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let taken = Answer::Advance(key(0), Epoch(8), Ok(Write::Refused(Some(held(0, "other", 9)))));
    let done = scene.answer(taken);
    assert_eq!(done.noted, [Notice::Lost(key(0), Epoch(8), LossReason::Taken)]);
    assert_eq!(done.asked, [read(0)]);
    assert_eq!(orders(done), [RunOrder::Drop(DropReason::Lost)]);
}

#[test]
fn a_lease_that_is_given_away_is_released_with_its_last_checkpoint_when_its_run_has_stopped() {
    let mut scene = Scene::draining();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let stopped = scene.run(8, RunNews::Stopped);
    let release = released().at(after(6), Progress::NONE);
    assert_eq!(stopped.asked, [StoreCall::Release(release.clone())]);
    assert_eq!(stopped.noted, [Notice::Lost(key(0), Epoch(8), LossReason::HandedOver)]);
    let unknown = Answer::Release(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), []);
    assert_eq!(scene.beaten().asked, [StoreCall::Release(release)], "until it is answered");
    assert_eq!(scene.beaten().asked, [], "one at a time");
    let landed = Answer::Release(key(0), Epoch(8), Ok(Write::Done(free(0, 8))));
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
    let again = scene.after(Answer::Release(key(0), Epoch(8), Ok(ahead)));
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
    let landed = Answer::Release(key(0), Epoch(8), Ok(Write::Done(free(0, 8))));
    assert_eq!(scene.after(landed), [StoreCall::Wake(id("next"))]);
    assert_eq!(scene.planned(Vec::new(), order()), []);
}

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
        let stale = Answer::Revalidate(key(0), 0, Ok(row.clone()));
        assert_eq!(orders(scene.answer(stale)), [], "a read from before the lapse");
        let answer = Answer::Revalidate(key(0), 1, Ok(row));
        assert_eq!(orders(scene.answer(answer)), [expected]);
    }
}

#[test]
fn the_end_of_a_shard_is_written_after_its_childrens_rows_and_they_are_taken() {
    let mut scene = Scene::holding();
    let mut child = Shard::open(shard(1), HashRange::ALL);
    child.parents = vec![shard(0)];
    let row =
        Lease::new(key(1), Checkpoint::TrimHorizon).of_shard(child.parents.clone(), child.range);
    let asked = scene.run(8, RunNews::Ended { children: vec![child] }).asked;
    assert_eq!(asked, [StoreCall::Create(row.clone())]);
    let failed = Answer::PutChild(key(0), Epoch(8), shard(1), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.tick(500).asked, [StoreCall::Create(row.clone())], "tried again");
    let there = Write::Refused(Some(row.clone()));
    let put = Answer::PutChild(key(0), Epoch(8), shard(1), Ok(there));
    let end = Advance::new(key(0), id("me"), Epoch(8), Checkpoint::ShardEnd)
        .with_children(vec![shard(1)]);
    assert_eq!(scene.after(put), [StoreCall::Advance(end)]);
    let ended = Lease {
        checkpoint: Checkpoint::ShardEnd,
        owner: None,
        children: vec![shard(1)],
        ..held(0, "me", 8)
    };
    let written = Answer::WriteEnd(key(0), Epoch(8), Ok(Write::Done(ended)));
    let done = scene.answer(written);
    assert_eq!(done.noted, [Notice::Ended(key(0), Epoch(8))]);
    assert_eq!(done.asked, [acquire(&row, 508)]);
    assert_eq!(scene.said(), [Signal::Changed]);
}

#[test]
fn a_child_of_two_is_taken_when_the_other_parent_has_ended_too() {
    for other_ended in [true, false] {
        let mut scene = Scene::holding();
        let mut child = Shard::open(shard(2), HashRange::ALL);
        child.parents = vec![shard(0), shard(1)];
        let _ = scene.run(8, RunNews::Ended { children: vec![child] });
        let put = Write::Done(free(2, 0));
        let _ = scene.after(Answer::PutChild(key(0), Epoch(8), shard(2), Ok(put)));
        let ended = |number| Lease { checkpoint: Checkpoint::ShardEnd, ..free(number, 8) };
        let written = Answer::WriteEnd(key(0), Epoch(8), Ok(Write::Done(ended(0))));
        assert_eq!(scene.after(written), [read(1)]);
        let other = if other_ended { ended(1) } else { held(1, "other", 7) };
        let taken = scene.after(Answer::OtherParent(key(2), Ok(Some(other))));
        assert_eq!(taken.len(), usize::from(other_ended), "{taken:?}");
    }
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
    assert_eq!(scene.after(Answer::WishRow(key(0), Ok(Some(row.clone())))), [acquire(&row, 9)]);
    let granted = held(0, "me", 9);
    let done = scene.answer(Answer::Acquire(key(0), Epoch(9), Ok(Write::Done(granted.clone()))));
    let start = Lease { checkpoint: after(9), ..granted };
    assert_eq!(orders(done), [RunOrder::Start(Box::new(start))]);
    assert_eq!(scene.tick(0).asked, [advance(9, after(9))]);
}
