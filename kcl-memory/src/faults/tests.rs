use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Env,
    lease::{Beat, Incarnation, Report, Session, SessionId},
    store::{Consistency, LeaseStore, StoreErrorKind, StoreResult},
};

use super::*;
use crate::MemoryStore;

fn id() -> SessionId {
    SessionId::new("worker".parse().unwrap(), Incarnation::from_bits(1))
}

/// A store with one session, behind `policy`; and the same store without it.
async fn behind(
    policy: impl Fn(&Call) -> Fate + Send + Sync + 'static,
) -> (Faulty<MemoryStore>, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new("orders"));
    let session = Session::new(id(), 1, Duration::from_secs(6), Duration::from_millis(1_500));
    store.register(session).await.unwrap().value.done().unwrap();
    (Faulty::new(store.clone(), Env::system(), Arc::new(policy)), store)
}

async fn beat(store: &dyn LeaseStore, number: u64) -> StoreResult<bool> {
    let beat = Beat::new(id(), number, Report::NOTHING);
    Ok(store.beat(beat).await?.value.is_done())
}

async fn stored(store: &dyn LeaseStore) -> u64 {
    store.session(&id(), Consistency::Strong).await.unwrap().unwrap().beat
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_leaves_the_write() {
    let (faulty, store) = behind(|_| Fate::of(Outcome::ReplyLost)).await;
    assert_eq!(beat(&faulty, 1).await.unwrap_err().kind, StoreErrorKind::Unknown);
    assert_eq!(stored(store.as_ref()).await, 1);
    let unread = faulty.session(&id(), Consistency::Strong).await;
    assert_eq!(unread.unwrap_err().kind, StoreErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_does_nothing() {
    let refuse = Fate::of(Outcome::Refused(StoreErrorKind::Throttled));
    let (faulty, store) = behind(move |_| refuse).await;
    assert_eq!(beat(&faulty, 1).await.unwrap_err().kind, StoreErrorKind::Throttled);
    assert_eq!(stored(store.as_ref()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_write_lands_after_its_caller_gave_up() {
    let late = Fate::of(Outcome::Late(Duration::from_secs(3)));
    let (faulty, store) = behind(move |_| late).await;
    assert_eq!(beat(&faulty, 7).await.unwrap_err().kind, StoreErrorKind::Unknown);
    assert_eq!(stored(store.as_ref()).await, 0);
    Env::system().clock.sleep(Duration::from_secs(4)).await;
    assert_eq!(stored(store.as_ref()).await, 7);
}

#[tokio::test(start_paused = true)]
async fn a_doubled_write_lands_twice() {
    let doubled = Fate::of(Outcome::Duplicated(Duration::from_secs(3)));
    let (faulty, store) = behind(move |_| doubled).await;
    faulty.wake(&id()).await.unwrap();
    let mailbox =
        async || store.session(&id(), Consistency::Strong).await.unwrap().unwrap().mailbox;
    assert_eq!(mailbox().await, 1);
    Env::system().clock.sleep(Duration::from_secs(4)).await;
    assert_eq!(mailbox().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_lands_all_the_same() {
    let slow = Fate::CALM.slowly(Duration::from_secs(2), Duration::from_secs(2));
    let (faulty, store) = behind(move |_| slow).await;
    let clock = Env::system().clock;
    tokio::select! {
        biased;
        answer = beat(&faulty, 1) => panic!("answered too early: {answer:?}"),
        () = clock.sleep(Duration::from_secs(1)) => {}
    }
    assert_eq!(stored(store.as_ref()).await, 0);
    clock.sleep(Duration::from_secs(2)).await;
    assert_eq!(stored(store.as_ref()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_shows_what_was_read_before_and_only_if_it_may() {
    let (faulty, store) = behind(|_| Fate::of(Outcome::Stale)).await;
    let seen = async |consistency| faulty.session(&id(), consistency).await.unwrap().unwrap().beat;
    assert_eq!(seen(Consistency::Eventual).await, 0, "nothing older to show");
    beat(store.as_ref(), 1).await.unwrap();
    assert_eq!(seen(Consistency::Eventual).await, 0);
    assert_eq!(seen(Consistency::Strong).await, 1);
    assert_eq!(seen(Consistency::Eventual).await, 1);
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_draw_equal_fates() {
    let call = Call::new("beat", CallKind::Write, "worker");
    let draw = |seed| {
        let policy = Mishaps::BAD_DAY.policy(seed);
        (0..1_000).map(|_| policy(&call)).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let drawn = draw(3);
    let served = drawn.iter().filter(|fate| fate.outcome == Outcome::Served).count();
    assert!((780..920).contains(&served), "about fifteen in a hundred go wrong: {served}");
}
