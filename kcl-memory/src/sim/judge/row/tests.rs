//! Each thing that a row shows by itself, shown; and right histories let pass.

use bytes::Bytes;
use kcl_core::{
    coordinator::Assignment,
    env::WallTime,
    lease::{
        Acquire, Advance, Beat, Checkpoint, Delete, DocName, Document, EndReason, EndSession,
        Ending, Epoch, Forget, Incarnation, Lease, LeaseKey, PlanVersion, PutDoc, Release, Report,
        Restart, Session, SessionId, SessionState,
    },
    stream::{Position, SequenceNumber, StreamKey},
};

use super::*;

fn id(worker: &str) -> SessionId {
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(7))
}

fn key() -> LeaseKey {
    let stream = StreamKey::new("orders", WallTime::from_millis(1));
    LeaseKey::of_shard(&stream, &"p".parse().unwrap())
}

fn at(number: u128) -> Checkpoint {
    Checkpoint::After(Position::from(SequenceNumber::from(number)))
}

fn lease(owner: Option<&str>, epoch: u64, checkpoint: Checkpoint) -> Lease {
    let mut row = Lease::new(key(), checkpoint);
    row.owner = owner.map(id);
    row.epoch = Epoch(epoch);
    row
}

fn session(beat: u64, state: SessionState) -> Session {
    let second = std::time::Duration::from_secs(1);
    let mut row = Session::new(id("a"), 1, 6 * second, second);
    row.beat = beat;
    row.state = state;
    row
}

fn plan(term: u64, version: u64) -> Document {
    let assignment = Assignment {
        version: PlanVersion { term: Epoch(term), version },
        session: id("a"),
        planner: id("b"),
        standby: None,
        second: None,
        rank: 0,
        takes_children: false,
        starts: Vec::new(),
        holds: Vec::new(),
        gives: Vec::new(),
        give_within: None,
    };
    Document::new(DocName::assignment(&"a".parse().unwrap()), version, assignment.encode())
}

fn register() -> StoreCall {
    StoreCall::Register(session(0, SessionState::Live))
}

fn beat(number: u64) -> StoreCall {
    StoreCall::Beat(Beat::new(id("a"), number, Report::NOTHING))
}

fn end(ending: Ending) -> StoreCall {
    StoreCall::EndSession(EndSession::new(id("a"), ending))
}

fn create() -> StoreCall {
    StoreCall::Create(lease(None, 0, Checkpoint::TrimHorizon))
}

fn acquire(owner: &str, epoch: u64) -> StoreCall {
    let seen = lease(None, epoch.saturating_sub(1), Checkpoint::TrimHorizon);
    StoreCall::Acquire(Acquire::new(&seen, id(owner), Epoch(epoch)))
}

fn advance(owner: &str, epoch: u64, to: Checkpoint) -> StoreCall {
    StoreCall::Advance(Advance::new(key(), id(owner), Epoch(epoch), to))
}

fn release(owner: &str, epoch: u64) -> StoreCall {
    StoreCall::Release(Release::new(key(), id(owner), Epoch(epoch)))
}

fn restart(epoch: u64, to: Checkpoint) -> StoreCall {
    let seen = lease(Some("a"), 5, at(20));
    StoreCall::Restart(Restart::new(&seen, Epoch(epoch), to))
}

fn put(seen: Option<u64>) -> StoreCall {
    let name = DocName::assignment(&"a".parse().unwrap());
    StoreCall::PutDoc(PutDoc::new(name, seen, Bytes::new()))
}

/// What is said of these calls, each with the row that it left.
fn verdict<R: Into<Row>>(
    history: impl IntoIterator<Item = (StoreCall, Option<R>)>,
) -> Result<(), &'static str> {
    let mut row: Option<Row> = None;
    let changes = history.into_iter().map(|(call, after)| {
        let after = after.map(Into::into);
        Change::new(call, std::mem::replace(&mut row, after.clone()), after)
    });
    judge_row(&changes.collect::<Vec<_>>()).map_err(|violation| violation.invariant)
}

/// A lease that `a` took under epoch 5 and brought to record 20.
fn held() -> Vec<(StoreCall, Option<Lease>)> {
    vec![
        (create(), Some(lease(None, 0, Checkpoint::TrimHorizon))),
        (acquire("a", 5), Some(lease(Some("a"), 5, Checkpoint::TrimHorizon))),
        (advance("a", 5, at(20)), Some(lease(Some("a"), 5, at(20)))),
    ]
}

fn held_then(
    more: impl IntoIterator<Item = (StoreCall, Option<Lease>)>,
) -> Result<(), &'static str> {
    verdict(held().into_iter().chain(more))
}

/// A session that beat twice.
fn alive() -> Vec<(StoreCall, Option<Session>)> {
    vec![
        (register(), Some(session(0, SessionState::Live))),
        (beat(1), Some(session(1, SessionState::Live))),
        (beat(2), Some(session(2, SessionState::Live))),
    ]
}

fn alive_then(
    more: impl IntoIterator<Item = (StoreCall, Option<Session>)>,
) -> Result<(), &'static str> {
    verdict(alive().into_iter().chain(more))
}

const LEFT: SessionState = SessionState::Ended(EndReason::Left);

#[test]
fn a_right_history_is_right_also_in_a_second_life_that_begins_anew() {
    let past = lease(None, 6, Checkpoint::ShardEnd);
    let delete = StoreCall::Delete(Delete::ended(key(), Epoch(6)));
    let life = held().into_iter().chain([
        (release("a", 5), Some(lease(None, 5, at(20)))),
        (acquire("b", 6), Some(lease(Some("b"), 6, at(20)))),
        (advance("b", 6, Checkpoint::ShardEnd), Some(past)),
        (delete, None),
    ]);
    // Another session has the epochs of the first life, and begins before its checkpoints.
    let again = [
        (create(), Some(lease(None, 0, Checkpoint::TrimHorizon))),
        (acquire("b", 5), Some(lease(Some("b"), 5, Checkpoint::TrimHorizon))),
        (advance("b", 5, at(1)), Some(lease(Some("b"), 5, at(1)))),
    ];
    assert_eq!(verdict(life.chain(again)), Ok(()));

    let forget = StoreCall::Forget(Forget::new(id("a")));
    let ended = [(end(Ending::Leave), Some(session(2, LEFT))), (forget, None)];
    assert_eq!(alive_then(ended.into_iter().chain(alive())), Ok(()));

    assert_eq!(verdict([(put(None), Some(plan(1, 1))), (put(Some(1)), Some(plan(2, 1)))]), Ok(()));
}

#[test]
fn a_checkpoint_that_goes_back_is_seen() {
    let back = [(advance("a", 5, at(19)), Some(lease(Some("a"), 5, at(19))))];
    assert_eq!(held_then(back), Err("no checkpoint regresses"));
    let released = [(release("a", 5), Some(lease(None, 5, Checkpoint::TrimHorizon)))];
    assert_eq!(held_then(released), Err("no checkpoint regresses"));
}

#[test]
fn a_checkpoint_goes_back_by_a_restart_and_by_nothing_after_it() {
    let back = || {
        [
            (restart(6, at(3)), Some(lease(None, 6, at(3)))),
            (acquire("b", 7), Some(lease(Some("b"), 7, at(3)))),
            (advance("b", 7, at(4)), Some(lease(Some("b"), 7, at(4)))),
        ]
    };
    assert_eq!(held_then(back()), Ok(()));
    let further = (advance("b", 7, at(3)), Some(lease(Some("b"), 7, at(3))));
    assert_eq!(held_then(back().into_iter().chain([further])), Err("no checkpoint regresses"));
}

#[test]
fn a_restart_without_a_new_epoch_or_with_an_owner_is_seen() {
    for epoch in [4, 5] {
        let same = [(restart(epoch, at(3)), Some(lease(None, epoch, at(3))))];
        assert_eq!(held_then(same), Err("epochs increase"));
    }
    let kept = [(restart(6, at(3)), Some(lease(Some("a"), 6, at(3))))];
    assert_eq!(held_then(kept), Err("epochs increase"));
    let taken = [
        (restart(6, at(3)), Some(lease(None, 6, at(3)))),
        (acquire("b", 6), Some(lease(Some("b"), 6, at(3)))),
    ];
    assert_eq!(held_then(taken), Err("epochs increase"));
}

#[test]
fn an_epoch_given_twice_is_seen() {
    let to_another = [
        (release("a", 5), Some(lease(None, 5, at(20)))),
        (acquire("b", 5), Some(lease(Some("b"), 5, at(20)))),
    ];
    assert_eq!(held_then(to_another), Err("epochs increase"));
    let robbed = [(acquire("b", 5), Some(lease(Some("b"), 5, at(20))))];
    assert_eq!(held_then(robbed), Err("epochs increase"));
    let back = [(acquire("b", 4), Some(lease(Some("b"), 4, at(20))))];
    assert_eq!(held_then(back), Err("epochs increase"));
}

#[test]
fn two_sessions_that_write_under_one_epoch_are_seen() {
    let another = [(advance("b", 5, at(21)), Some(lease(Some("a"), 5, at(21))))];
    assert_eq!(held_then(another), Err("one session per epoch"));
    let released = [(release("b", 5), Some(lease(None, 5, at(20))))];
    assert_eq!(held_then(released), Err("one session per epoch"));
}

#[test]
fn an_unfinished_row_that_is_deleted_as_an_ended_one_is_seen() {
    let delete = StoreCall::Delete(Delete::ended(key(), Epoch(5)));
    assert_eq!(held_then([(delete, None)]), Err("only what is past is deleted"));
    let of_gone_stream = StoreCall::Delete(Delete::of_gone_stream(key(), Epoch(5)));
    assert_eq!(held_then([(of_gone_stream, None)]), Ok(()));
}

#[test]
fn an_ended_session_that_lives_again_is_seen() {
    let ended = (end(Ending::Fence { beat: 2 }), Some(session(2, LEFT)));
    let beats = [ended.clone(), (beat(3), Some(session(3, SessionState::Live)))];
    assert_eq!(alive_then(beats), Err("ended is final"));
    let woken = [ended, (StoreCall::Wake(id("a")), Some(session(2, SessionState::Leaving)))];
    assert_eq!(alive_then(woken), Err("ended is final"));
}

#[test]
fn a_beat_that_goes_back_is_seen() {
    let back = [(beat(1), Some(session(1, SessionState::Live)))];
    assert_eq!(alive_then(back), Err("ended is final"));
}

#[test]
fn an_older_plan_over_a_newer_one_is_seen() {
    let older = [(put(None), Some(plan(2, 1))), (put(Some(1)), Some(plan(1, 2)))];
    assert_eq!(verdict(older), Err("terms go forward"));
}

#[test]
fn a_change_that_nobody_told_of_is_seen_and_placed() {
    let (first, last) = (held().remove(0), held().remove(2));
    let after = |row: Option<Lease>| row.map(Row::from);
    let before = after(Some(lease(Some("a"), 5, Checkpoint::TrimHorizon)));
    let gap =
        [Change::new(first.0, None, after(first.1)), Change::new(last.0, before, after(last.1))];
    let violation = judge_row(&gap).unwrap_err();
    assert_eq!(violation.invariant, "a history has no gap");
    assert!(violation.what.starts_with("change 2 (advance): "), "{violation}");
}

#[test]
fn a_write_of_a_former_epoch_is_seen_and_who_wrote_it() {
    // `b` has the epoch 7; what `a` wrote under 5 goes forward, and counts all the same.
    let taken = |late: StoreCall| {
        let mut history = held();
        history.push((acquire("b", 7), Some(lease(Some("b"), 7, at(20)))));
        history.push((late, Some(lease(Some("b"), 7, at(30)))));
        verdict(history)
    };
    assert_eq!(taken(advance("b", 7, at(30))), Ok(()));
    assert_eq!(taken(advance("a", 5, at(30))), Err("no stale write is accepted"));
    let mut own = held();
    own.push((acquire("a", 7), Some(lease(Some("a"), 7, at(20)))));
    own.push((release("a", 5), Some(lease(None, 7, at(20)))));
    assert_eq!(verdict(own), Err("no stale write is accepted"));
}
