//! Writing checkpoints (PROTOCOL rule 5).

use super::*;

impl Scene {
    /// The run made progress, and no processor waits for the checkpoint.
    fn quietly(&mut self, checkpoint: Checkpoint) -> Vec<StoreCall> {
        let progress = Progress::NONE;
        self.run(8, RunNews::Progress { checkpoint, progress, flush: false }).asked
    }

    /// What follows when this checkpoint is stored.
    fn stored(&mut self, checkpoint: Checkpoint) -> Done {
        let row = Lease { checkpoint, ..held(0, "me", 8) };
        self.answer(Reply::Advance(key(0), Epoch(8), Ok(Write::Done(row))))
    }
}

/// The stored checkpoints that runs hear of.
fn told_as_stored(done: Done) -> Vec<Checkpoint> {
    let told = done.other.into_iter().map(|command| match command {
        Command::Stored(of, Epoch(8), checkpoint) if of == key(0) => checkpoint,
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn checkpoints_are_written_one_at_a_time_and_the_newest_wins() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    assert_eq!(scene.progress(8, after(7)), []);
    assert_eq!(scene.progress(8, after(8)), []);
    let row = Lease { checkpoint: after(6), ..held(0, "me", 8) };
    let stored = Reply::Advance(key(0), Epoch(8), Ok(Write::Done(row)));
    assert_eq!(scene.after(stored), [advance(8, after(8))]);
    assert_eq!(scene.progress(7, after(9)), [], "news of another epoch");
}

#[test]
fn a_checkpoint_that_is_refused_for_the_row_is_anothers_is_a_loss_and_the_lease_wanted_again() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let taken = Reply::Advance(key(0), Epoch(8), Ok(Write::Refused(Some(held(0, "other", 9)))));
    let done = scene.answer(taken);
    assert_eq!(done.noted, [Notice::Lost(key(0), Epoch(8), LossReason::Taken)]);
    assert_eq!(done.asked, [read(0)]);
    assert_eq!(orders(done), [RunOrder::Drop(DropReason::Lost)]);
}

#[test]
fn a_checkpoint_is_written_with_what_is_known_of_the_lag() {
    let mut scene = Scene::holding();
    let progress = Progress { rate: 7, ..Progress::NONE };
    let news = RunNews::Progress { checkpoint: after(6), progress, flush: true };
    let written = Advance::new(key(0), id("me"), Epoch(8), after(6)).with_progress(progress);
    assert_eq!(scene.run(8, news).asked, [StoreCall::Advance(written)]);
}

#[test]
fn a_checkpoint_that_nobody_waits_for_is_written_once_an_interval() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let stored = scene.stored(after(6));
    assert_eq!(stored.asked, []);
    assert_eq!(told_as_stored(stored), [after(6)]);
    assert_eq!(scene.wakes(), Time::NEVER, "there is nothing to write");
    assert_eq!(scene.quietly(after(7)), []);
    assert_eq!(scene.wakes(), at(5_000));
    assert_eq!(scene.tick(5_000).asked, [advance(8, after(7))]);
}

#[test]
fn a_checkpoint_of_which_nobody_knows_is_written_again_after_a_pause() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    assert_eq!(scene.progress(8, after(7)), []);
    let unknown = Reply::Advance(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), [], "rule 10");
    assert_eq!(scene.wakes(), at(500));
    assert_eq!(scene.tick(500).asked, [advance(8, after(7))]);
}

#[test]
fn a_row_that_is_ahead_of_what_is_written_counts() {
    let mut scene = Scene::holding();
    assert_eq!(scene.progress(8, after(6)), [advance(8, after(6))]);
    let ahead = Lease { checkpoint: after(7), ..held(0, "me", 8) };
    let refused = Reply::Advance(key(0), Epoch(8), Ok(Write::Refused(Some(ahead))));
    let done = scene.answer(refused);
    assert_eq!((done.asked.as_slice(), done.noted.as_slice()), (&[][..], &[][..]));
    assert_eq!(told_as_stored(done), [after(7)]);
    assert_eq!(scene.wakes(), Time::NEVER);
    assert_eq!(scene.progress(8, after(8)), [advance(8, after(8))]);
}
