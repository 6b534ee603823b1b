use super::{known::GiveBack, *};
use crate::{
    coordinator::{
        command::Notice,
        document::{FrozenStart, StreamStart},
        op::{Answered, StoreCall},
        tests::{context, done},
    },
    env::{Time, WallTime},
    lease::{Document, Write},
    settings::{Coordination, InitialPosition},
    store::StoreErrorKind,
    stream::StreamKey,
};

fn of(stream: &str, created: u64, at: u64) -> StreamStart {
    let of = StreamKey::new(stream, WallTime::from_millis(created));
    StreamStart { of, at: Some(WallTime::from_millis(at)), by: None, change: 0 }
}

fn start(created: u64, at: u64) -> StreamStart {
    of("orders", created, at)
}

fn put(told: &StreamStart) -> Answered<op::PutDoc> {
    let put = told.put();
    Ok(Write::Done(Document::new(put.name, 1, put.body)))
}

/// The start that is put again, and the doubt because of which it is.
fn given(known: &mut Starts) -> Option<(StreamStart, u32)> {
    let mut given = known.give_back();
    assert!(given.len() < 2);
    let GiveBack { put, doubt, .. } = given.pop()?;
    let start = known.known().next().cloned()?;
    assert_eq!(put, start.put());
    Some((start, doubt))
}

#[test]
fn what_is_known_is_given_back_once_for_each_doubt() {
    let mut known = Starts::default();
    known.doubt(Time::ZERO);
    assert_eq!(known.give_back(), [], "nothing is known");
    known.learn(&start(1, 5));
    let (told, first) = given(&mut known).unwrap();
    assert_eq!(told, start(1, 5));
    assert_eq!(known.give_back(), [], "it is on its way");
    known.doubt(Time::ZERO);
    known.on_given_back("orders", first, put(&start(1, 5)));
    let (_, second) = given(&mut known).expect("the store went back once more since");
    known.on_given_back("orders", first, put(&start(1, 7)));
    assert_eq!(known.known().next(), Some(&start(1, 5)), "that is the answer to an earlier one");
    known.on_given_back("orders", second, put(&start(1, 5)));
    assert_eq!(known.give_back(), []);
}

#[test]
fn what_could_not_be_given_back_is_given_back_again() {
    let mut known = Starts::default();
    known.learn(&start(1, 5));
    known.doubt(Time::ZERO);
    let (_, doubt) = given(&mut known).unwrap();
    known.on_given_back("orders", doubt, Err(StoreErrorKind::Unavailable));
    assert_eq!(known.stored_of(&start(1, 5).of), None);
    assert!(given(&mut known).is_some());
    known.forget_calls();
    assert!(given(&mut known).is_some(), "a new life does not know what became of it");
}

#[test]
fn each_stream_has_a_start_of_its_own() {
    let mut ctx = context(Coordination::default());
    let (orders, payments) = (of("orders", 1, 5), of("payments", 1, 7));
    ctx.starts.learn(&orders);
    ctx.starts.learn(&payments);
    ctx.starts.doubt(Time::ZERO);
    give_back(&mut ctx);
    let puts = [&orders, &payments].map(|start| StoreCall::PutDoc(start.put()));
    assert_eq!(done(&mut ctx).asked, puts);
    on_answer(Reply::GiveBack("payments".into(), 1, put(&payments)), &mut ctx);
    assert_eq!(ctx.starts.stored_of(&orders.of), None);
    assert!(ctx.starts.stored_of(&payments.of).is_some());
    let told = [&orders, &payments].map(|start| ctx.starts.told(&start.of));
    assert_eq!(told, [Some(orders), Some(payments)]);
}

#[test]
fn a_start_by_another_setting_is_told_once() {
    let mut ctx = context(Coordination::default());
    let told = |ctx: &mut Context, wanted| {
        ctx.settings.initial_position = wanted;
        tell_others(ctx);
        done(ctx).noted
    };
    ctx.starts.learn(&start(1, 5));
    assert_eq!(told(&mut ctx, InitialPosition::TrimHorizon), [], "it is not known");
    let by = Some(InitialPosition::Latest);
    ctx.starts.is_stored(start(1, 5).of, FrozenStart { at: start(1, 5).at, by });
    assert_eq!(told(&mut ctx, InitialPosition::Latest), [], "it is the same");
    let wanted = InitialPosition::TrimHorizon;
    let differs = Notice::StartDiffers { start: StreamStart { by, ..start(1, 5) }, wanted };
    assert_eq!(told(&mut ctx, wanted), [differs]);
    assert_eq!(told(&mut ctx, wanted), [], "it was told");
}

#[test]
fn what_is_told_from_before_a_reset_is_not_believed() {
    let mut known = Starts::default();
    known.learn(&start(1, 5));
    known.changed(3);
    assert_eq!(known.known().next(), None);
    known.learn(&start(1, 5));
    assert_eq!(known.known().next(), None, "an assignment of a former planner tells of it");
    let after = StreamStart { change: 3, ..start(1, 9) };
    known.learn(&after);
    known.changed(3);
    assert_eq!(known.known().next(), Some(&after));
    assert_eq!(known.told(&after.of), Some(after));
}

#[test]
fn what_the_store_has_counts_for_more_and_a_stream_made_again_has_a_start_of_its_own() {
    let mut known = Starts::default();
    known.learn(&start(1, 5));
    known.doubt(Time::ZERO);
    let (_, doubt) = given(&mut known).unwrap();
    let there = StreamStart { by: Some(InitialPosition::Latest), ..start(1, 9) };
    known.on_given_back("orders", doubt, put(&there));
    assert_eq!(known.known().next(), Some(&there), "another was there first");
    known.learn(&start(2, 20));
    known.learn(&start(1, 5));
    assert_eq!(known.of(&start(1, 0).of), None);
    assert_eq!(known.stored_of(&start(2, 0).of).and_then(|of| of.at), start(2, 20).at);
}

#[test]
fn what_the_store_is_seen_to_hold_is_not_given_back() {
    let mut known = Starts::default();
    known.learn(&start(1, 5));
    known.doubt(Time::ZERO);
    assert_eq!(known.stored_of(&start(1, 5).of), None);
    let held = FrozenStart { at: start(1, 5).at, by: None };
    known.is_stored(start(1, 5).of, held);
    assert!(known.stored_of(&start(1, 5).of).is_some());
    assert_eq!(known.give_back(), []);
}

#[test]
fn nobody_freezes_another_before_those_who_know_it_have_given_it_back() {
    let mut known = Starts::default();
    assert_eq!(known.free_at(), Time::ZERO);
    known.doubt(Time::from_millis(7));
    assert_eq!(known.free_at(), Time::from_millis(7));
}
