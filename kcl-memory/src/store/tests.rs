use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    env::{Clock, Time, WallTime},
    lease::{Beat, Incarnation, Report, Session, SessionId, Stamp, Write},
    store::{Consistency, Cursor, LeaseStore, LeaseStoreExt, StoreErrorKind},
};

use super::*;

fn id(n: u128) -> SessionId {
    SessionId::new("worker".parse().unwrap(), Incarnation::from_bits(n))
}

async fn register(store: &MemoryStore, n: u128) -> Session {
    let session = Session::new(id(n), 1, Duration::from_secs(6), Duration::from_millis(1_500));
    store.register(session).await.unwrap().value.done().unwrap()
}

async fn beat(store: &MemoryStore, n: u128, number: u64) -> (Write<Session>, Stamp) {
    let beat = Beat::new(id(n), number, Report::NOTHING);
    let answer = store.beat(beat).await.unwrap();
    (answer.value, answer.stamp)
}

#[tokio::test]
async fn a_server_that_goes_back_in_time_says_so() {
    let server = MemoryServer::counting();
    let store = server.store("orders");
    register(&store, 1).await;
    let (_, before) = beat(&store, 1, 1).await;
    let writes = server.writes();
    register(&store, 2).await;
    assert!(beat(&store, 1, 2).await.0.is_done());
    let lost = usize::try_from(server.writes() - writes).unwrap();
    assert_eq!((lost, server.roll_back(lost)), (2, 2));
    assert_eq!(store.session(&id(2), Consistency::Strong).await.unwrap(), None);
    let (again, after) = beat(&store, 1, 2).await;
    assert_eq!(again.done().unwrap().beat, 2);
    assert_ne!(before.generation, after.generation);
    assert!(after.at > before.at, "time goes on");
}

#[tokio::test]
async fn no_more_is_taken_back_than_there_was() {
    let server = MemoryServer::counting();
    register(&server.store("a"), 1).await;
    register(&server.store("b"), 1).await;
    assert_eq!(server.roll_back(100), 2);
    assert!(server.store("a").all_sessions(Consistency::Strong).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_write_is_nothing_to_take_back() {
    let server = MemoryServer::counting();
    let store = server.store("orders");
    register(&store, 1).await;
    let (refused, _) = beat(&store, 1, 0).await;
    assert!(!refused.is_done());
    assert_eq!(server.writes(), 1);
}

#[derive(Debug)]
struct Jumpy(std::sync::atomic::AtomicU64);

#[async_trait]
impl Clock for Jumpy {
    fn now(&self) -> Time {
        Time::ZERO
    }

    /// 9, 8, 7, …
    fn wall(&self) -> WallTime {
        WallTime::from_millis(self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed))
    }

    async fn sleep_until(&self, _: Time) {}
}

#[tokio::test]
async fn the_time_of_the_store_never_goes_back() {
    let store = MemoryServer::with_clock(Arc::new(Jumpy(9.into()))).store("orders");
    register(&store, 1).await;
    let (_, first) = beat(&store, 1, 1).await;
    let (_, second) = beat(&store, 1, 2).await;
    assert_eq!((first.at.0, second.at.0), (9, 9));
}

#[tokio::test]
async fn a_cursor_of_another_listing_is_refused() {
    let store = MemoryStore::new("orders");
    register(&store, 1).await;
    let refused = store.sessions(Some(Cursor("nonsense".into())), Consistency::Strong).await;
    assert_eq!(refused.unwrap_err().kind, StoreErrorKind::Misconfigured);
}

#[tokio::test]
async fn two_listeners_of_one_session_both_wake() {
    let store = MemoryStore::new("orders");
    register(&store, 1).await;
    let mut first = store.wakeups(&id(1)).await.unwrap().unwrap();
    let mut second = store.wakeups(&id(1)).await.unwrap().unwrap();
    drop(store.wakeups(&id(1)).await.unwrap());
    store.wake(&id(1)).await.unwrap();
    first.next().await.unwrap();
    second.next().await.unwrap();
}
