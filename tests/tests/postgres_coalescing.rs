//! Checkpoints that are asked for at the same moment are one statement, and each is still accepted
//! or refused by itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what goes wrong here fails the test")]

use std::sync::Arc;

use kcl_core::{
    env::WallTime,
    lease::{Acquire, Advance, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, SessionId, Write},
    store::{LeaseStore, StoreErrorKind, StoreResult},
    stream::{Position, SequenceNumber, StreamKey},
};
use kcl_postgres::PostgresStore;
use kcl_tests::{postgres::superuser, servers::Postgres};
use sqlx::{PgConnection, Row};
use tokio::task::JoinSet;

const LEASES: usize = 20;

fn key(shard: usize) -> LeaseKey {
    let stream = StreamKey::new("orders", WallTime::from_millis(1));
    LeaseKey::of_shard(&stream, &format!("shardId-{shard:012}").parse().unwrap())
}

fn me() -> SessionId {
    SessionId::new("worker".parse().unwrap(), Incarnation::from_bits(1))
}

fn after(number: u128) -> Checkpoint {
    Checkpoint::After(Position::from(SequenceNumber::from(number)))
}

fn advance(shard: usize, epoch: u64, number: u128) -> Advance {
    Advance::new(key(shard), me(), Epoch(epoch), after(number))
}

/// A store with leases that this worker holds under epoch 1.
async fn held(server: &Postgres) -> Arc<PostgresStore> {
    let store = Arc::new(PostgresStore::new("orders", &server.url()).unwrap());
    store.prepare().await.unwrap();
    for shard in 0..LEASES {
        let lease = Lease::new(key(shard), Checkpoint::TrimHorizon);
        let Write::Done(lease) = store.create(lease).await.unwrap() else { panic!("it was there") };
        let acquired = store.acquire(Acquire::new(&lease, me(), Epoch(1))).await.unwrap();
        assert!(matches!(acquired, Write::Done(_)));
    }
    store
}

/// Asks for all of them at once, as a keeper does; the answers in the same order.
async fn all(store: &Arc<PostgresStore>, advances: Vec<Advance>) -> Vec<StoreResult<Write<Lease>>> {
    let mut calls = JoinSet::new();
    for (at, advance) in advances.into_iter().enumerate() {
        let store = Arc::clone(store);
        calls.spawn(async move { (at, store.advance(advance).await) });
    }
    let mut answers = calls.join_all().await;
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// How many transactions have written, this question included.
async fn transactions(admin: &mut PgConnection) -> i64 {
    let asked = sqlx::query("select pg_current_xact_id()::text::bigint");
    asked.fetch_one(admin).await.unwrap().get(0)
}

#[tokio::test]
async fn checkpoints_asked_for_at_once_are_one_transaction_and_each_has_its_own_answer() {
    let server = Postgres::start().unwrap();
    let store = held(&server).await;
    let mut admin = superuser(&server).await;
    let mut wanted: Vec<Advance> = (0..LEASES).map(|shard| advance(shard, 1, 7)).collect();
    let before = transactions(&mut admin).await;
    for answer in all(&store, wanted.clone()).await {
        let Write::Done(row) = answer.unwrap() else { panic!("refused") };
        assert_eq!(row.checkpoint, after(7));
    }
    assert_eq!(transactions(&mut admin).await - before, 2, "the checkpoints', and the question's");

    // One under another's epoch, one that goes back, one without a row.
    for advance in &mut wanted {
        advance.checkpoint = after(8);
    }
    wanted[3].epoch = Epoch(2);
    wanted[5].checkpoint = after(6);
    wanted[9].key = key(99);
    for (at, answer) in all(&store, wanted).await.into_iter().enumerate() {
        match (at, answer.unwrap()) {
            (3 | 5, Write::Refused(Some(row))) => assert_eq!(row.checkpoint, after(7)),
            (9, Write::Refused(None)) => {}
            (_, Write::Done(row)) => {
                assert_eq!((&row.key, &row.checkpoint), (&key(at), &after(8)));
            }
            (_, refused) => panic!("{at}: {refused:?}"),
        }
    }
}

#[tokio::test]
async fn two_for_one_lease_and_an_end_go_their_own_ways() {
    let server = Postgres::start().unwrap();
    let store = held(&server).await;
    let mut end = advance(1, 1, 0);
    end.checkpoint = Checkpoint::ShardEnd;
    let wanted = vec![advance(0, 1, 5), advance(0, 1, 7), advance(2, 1, 7), end];
    let answers = all(&store, wanted).await;
    // The two may be written in either order; what stands afterwards is the newest.
    assert!(matches!(answers[1], Ok(Write::Done(_))));
    assert!(matches!(answers[2], Ok(Write::Done(_))));
    assert!(matches!(&answers[3], Ok(Write::Done(row)) if row.has_ended()));
    assert_eq!(store.lease(&key(0)).await.unwrap().unwrap().checkpoint, after(7));
}

#[tokio::test]
async fn whoever_is_dropped_keeps_nobody_waiting() {
    let server = Postgres::start().unwrap();
    let store = held(&server).await;
    for dropped_after in 0..6 {
        let mut calls = JoinSet::new();
        let first = Arc::clone(&store);
        let leader = calls.spawn(async move { first.advance(advance(0, 1, 9)).await });
        let second = Arc::clone(&store);
        let other = calls.spawn(async move { second.advance(advance(1, 1, 9)).await });
        for _ in 0..dropped_after {
            tokio::task::yield_now().await;
        }
        leader.abort();
        while let Some(ended) = calls.join_next_with_id().await {
            let Ok((id, answer)) = ended else { continue };
            // It was written, or nobody knows; but it is answered.
            match answer {
                Ok(Write::Done(_)) => {}
                Err(error) => assert_eq!((id, error.kind), (other.id(), StoreErrorKind::Unknown)),
                Ok(refused) => panic!("{refused:?}"),
            }
        }
        assert!(matches!(store.advance(advance(1, 1, 9)).await, Ok(Write::Done(_))));
    }
}
