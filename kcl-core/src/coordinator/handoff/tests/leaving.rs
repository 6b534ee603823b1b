//! A worker that leaves goes on reading and takes nothing new (PROTOCOL rule 14).

use super::*;

impl Scene {
    /// The worker is asked to leave, with so much time.
    fn leaves(&mut self, millis: u64) {
        let asked = self.on(|handoff, _| handoff.start_leaving(at(millis)));
        assert_eq!((asked.asked.len(), asked.other.len()), (0, 0));
    }
}

#[test]
fn who_leaves_goes_after_no_lease() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(scene.after(row(0, None)), []);
    scene.leaves(30_000);
    assert_eq!(scene.wakes(), Time::NEVER);
    let free = origin(None, 7, Transfer::Unowned);
    assert_eq!(scene.planned(vec![hold(1, free)], Vec::new()), []);
    assert_eq!(scene.wakes(), Time::NEVER);
}

#[test]
fn who_leaves_gives_a_grant_back_and_an_acquire_of_which_nobody_knows_too() {
    let plan = || vec![hold(0, origin(None, 7, Transfer::Unowned))];
    let unknown = Reply::Acquire(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    for answer in [granted(0, 8), unknown] {
        let mut scene = Scene::new();
        assert_eq!(scene.planned(plan(), Vec::new()), [acquire(&free(0, 7), 8)]);
        scene.leaves(30_000);
        let done = scene.answer(answer);
        assert_eq!(done.asked, [StoreCall::Release(release())]);
        assert_eq!(orders(done), []);
    }
}

#[test]
fn who_leaves_goes_on_reading_and_hands_over_within_its_grace() {
    let mut scene = Scene::holding();
    scene.leaves(10_000);
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let given = scene.plan(Vec::new(), Scene::give("next"));
    assert_eq!(orders(given), [RunOrder::Drain { until: at(10_000) }]);
    let stopped = scene.run(8, RunNews::Stopped);
    assert_eq!(stopped.noted, [Notice::Lost(key(0), Epoch(8), LossReason::Leaving)]);
}

#[test]
fn who_leaves_alone_lets_each_run_finish_its_batch() {
    let mut scene = Scene::holding();
    scene.leaves(60_000);
    assert_eq!(orders(scene.on(Handoff::drain_all)), [RunOrder::Drain { until: at(29_700) }]);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(release())]);
}

#[test]
fn when_the_grace_is_out_each_batch_is_dropped_and_what_was_processed_is_still_written() {
    let mut scene = Scene::holding();
    scene.leaves(10_000);
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    assert_eq!(orders(scene.on(Handoff::drop_all)), [RunOrder::Drop(DropReason::Leaving)]);
    assert_eq!(orders(scene.on(Handoff::drop_all)), [], "it was told");
    let at_newest = release().at(after(6), Progress::NONE);
    assert_eq!(scene.run(8, RunNews::Stopped).asked, [StoreCall::Release(at_newest)]);
}

#[test]
fn who_leaves_takes_neither_what_it_lost_nor_what_a_store_that_went_back_forgot() {
    let mut scene = Scene::holding();
    scene.leaves(30_000);
    let back = scene.on(Handoff::on_store_went_back);
    assert_eq!(back.asked, []);
    assert_eq!(orders(back), [RunOrder::Drop(DropReason::Lost)]);
}
