//! Tests of readings on virtual time: they stay below their rate and their deadline, and last long
//! enough to see every beat move.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    env::{Env, Time, WallTime},
    lease::{Beat, Checkpoint, Incarnation, Lease, LeaseKey, Report, Session, SessionId, report},
    store::{Cursor, LeaseStore, Page},
    stream::StreamSource,
};
use kcl_memory::{
    Faulty, MemoryServer, MemoryStream,
    faults::{Call, Fate},
    stream::StreamOptions,
    virtual_env,
};

use super::{Known, Lag, pages, store, stream};
use crate::beats::Beats;

const SECOND: Duration = Duration::from_secs(1);

fn id(worker: &str) -> SessionId {
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(7))
}

async fn register(store: &dyn LeaseStore, worker: &str) {
    let session = Session::new(id(worker), 1, 6 * SECOND, 1_500 * SECOND / 1_000);
    assert!(store.register(session).await.unwrap().value.is_done());
}

fn reader(store: Arc<dyn LeaseStore>, env: &Env) -> store::Reader {
    store::Reader { store, clock: Arc::clone(&env.clock), patience: 10 * SECOND }
}

#[tokio::test(start_paused = true)]
async fn a_page_is_asked_for_when_the_one_before_has_been_paid_for() {
    let env = virtual_env(1);
    let asked = AtomicUsize::new(0);
    let page = |from: Option<Cursor>| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        assert_eq!(from.is_some(), number > 0);
        let next = (number < 3).then(|| Cursor(String::new()));
        async move { Ok(Page::new(vec![number], next)) }
    };
    // Each of the four pages has the bytes of half a second.
    let listing = pages::all(&*env.clock, SECOND, page, |_| 750 * 4_096 / 2).await.unwrap();
    assert_eq!(listing.rows, [0, 1, 2, 3]);
    assert_eq!(
        env.clock.now().since(Time::ZERO).as_millis(),
        1_500,
        "the last one is not waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_known_after_one_and_a_half_heartbeats_and_who_beats_is_seen() {
    let (env, server) = (virtual_env(1), MemoryServer::new());
    let store: Arc<dyn LeaseStore> = Arc::new(server.store("indexer"));
    for worker in ["beats", "stands"] {
        register(&*store, worker).await;
    }
    let reader = reader(Arc::clone(&store), &env);
    let look = async {
        let mut beats = Beats::default();
        let first = reader.first(&mut beats).await;
        reader.rest(first, beats, &mut report::Reader::new()).await
    };
    let beating = async {
        for number in 1.. {
            env.clock.sleep(SECOND).await;
            let beat = Beat::new(id("beats"), number, Report::NOTHING);
            assert!(store.beat(beat).await.unwrap().value.is_done());
        }
    };
    let (sessions, leases, documents) = tokio::select! {
        seen = look => seen,
        () = beating => unreachable!("it beats for ever"),
    };
    let took = env.clock.now().since(Time::ZERO).as_millis();
    assert!((2_250..=2_850).contains(&took), "{took} ms");
    let sessions = sessions.get().unwrap();
    let lives = |worker: &str| {
        let row = sessions.rows.iter().find(|row| row.id == id(worker)).unwrap();
        sessions.beats.lives(row)
    };
    assert!(lives("beats") && !lives("stands"));
    assert!(sessions.beats.age(&id("stands")).unwrap() > Duration::from_millis(2_250));
    assert!(leases.get().unwrap().rows.is_empty() && documents.get().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_given_up_and_the_rest_is_read() {
    let (env, server) = (virtual_env(1), MemoryServer::new());
    let store = Arc::new(server.store("indexer"));
    let stuck = |call: &Call| match call.op {
        "leases" => Fate::CALM.slowly(3_600 * SECOND, Duration::ZERO),
        _ => Fate::CALM,
    };
    let faulty = Arc::new(Faulty::new(store, env.clone(), Arc::new(stuck)));
    let reader = reader(faulty, &env);
    let mut beats = Beats::default();
    let first = reader.first(&mut beats).await;
    let (sessions, leases, documents) = reader.rest(first, beats, &mut report::Reader::new()).await;
    assert!(leases.failed().unwrap().contains("no answer within 10s"), "{leases:?}");
    assert!(sessions.get().is_some() && documents.get().is_some());
    assert!(env.clock.now().since(Time::ZERO) < 11 * SECOND);
}

/// A stream with one shard, and a reader of it.
async fn one_shard(env: &Env) -> (MemoryStream, stream::Reader, Lease) {
    let mut options = StreamOptions::new("orders");
    options.shards = 1;
    options.env = env.clone();
    let memory = MemoryStream::with(options);
    let key = memory.describe().await.unwrap().key;
    let shard = memory.shards().await.unwrap().remove(0).id;
    let lease = Lease::new(LeaseKey::of_shard(&key, &shard), Checkpoint::TrimHorizon);
    let (source, clock) = (Arc::new(memory.clone()), Arc::clone(&env.clock));
    (memory, stream::Reader { source, clock, patience: 10 * SECOND }, lease)
}

async fn lags(
    reader: &stream::Reader,
    lease: &Lease,
    most: usize,
) -> Known<BTreeMap<LeaseKey, Lag>> {
    let listing = kcl_core::store::Listing::of(vec![lease.clone()]);
    reader.lags(&lease.key.stream().unwrap(), &listing, most).await
}

#[tokio::test(start_paused = true)]
async fn lag_is_the_age_of_the_first_record_after_the_checkpoint() {
    let env = virtual_env(1);
    let (memory, reader, mut lease) = one_shard(&env).await;
    let of = |known: Known<BTreeMap<LeaseKey, Lag>>| known.get().unwrap().values().next().cloned();
    assert_eq!(of(lags(&reader, &lease, 9).await), Some(Lag::CaughtUp));
    env.clock.sleep(5 * SECOND).await;
    let (first, since) = (memory.put("k", "one").unwrap(), env.clock.wall());
    env.clock.sleep(SECOND).await;
    memory.put("k", "two").unwrap();
    let unread = |since| Some(Lag::Unread { since, lost: false });
    assert_eq!(of(lags(&reader, &lease, 9).await), unread(since));
    lease.checkpoint = first.position.into();
    let after: WallTime = WallTime::from_millis(since.as_millis() + 1_000);
    assert_eq!(of(lags(&reader, &lease, 9).await), unread(after));
    assert!(lags(&reader, &lease, 0).await.get().is_none(), "nothing was asked");
    let readers = memory.readers();
    assert_eq!(readers.opened, readers.closed, "each reader is closed");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_cannot_be_opened_leaves_lag_unknown() {
    let env = virtual_env(1);
    let (memory, reader, lease) = one_shard(&env).await;
    memory.delete();
    let known = lags(&reader, &lease, 9).await;
    assert!(known.failed().is_some(), "{known:?}");
}
